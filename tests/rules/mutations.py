"""Corruptions of good records, each with the rule that is meant to catch it.

Every mutation is the smallest change that makes the rule fail: the same record without it passes
that very rule (``test_mutations.py`` checks both sides).
"""

# ruff: noqa: E501  (a table of words reads better unbroken)
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mutation:
    """``change`` edits the JSON form of record ``base`` in place after ``prepare`` made the passing twin."""

    rule: str
    what: str
    change: Callable[[Data], object]
    base: int = 0
    prepare: Callable[[Data], object] = field(default=lambda data: None)
    takedown: frozenset[str] | None = None


def put(*path: str | int, value: Any) -> Callable[[Data], None]:
    """Sets one value."""

    def change(data: Data) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def add(*path: str | int, text: str) -> Callable[[Data], None]:
    """Appends to one text."""

    def change(data: Data) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] += text

    return change


def both(*changes: Callable[[Data], object]) -> Callable[[Data], None]:
    """Several changes as one."""

    def change(data: Data) -> None:
        for one in changes:
            one(data)

    return change


def subtitles_in_step(data: Data) -> None:
    file = {"name": "film.srt", "sha256": "0" * 64, "used": True, "n_cues": 3, "voice_s": 9.0, "voice_covered": 0.9}
    data["speech"]["subtitles"] = [file]


def unused_subtitles(data: Data) -> None:
    data["speech"]["subtitles"][0].update(used=False, why="nothing in it is spoken")


def swap_languages(data: Data) -> None:
    told = data["description"]
    told["en"], told["zh"] = told["zh"], told["en"]


def double(language: str) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data["description"][language] += " " + data["description"][language]

    return change


def decompose(data: Data) -> None:
    text = data["description"]["en"] + " A café is seen."
    data["description"]["en"] = unicodedata.normalize("NFD", text)


def label_happy_as_sad(data: Data) -> None:
    data["description"]["zh"] = data["description"]["zh"].replace("高兴", "悲伤").replace("欢喜", "难过")


def labels_on_words_alone(data: Data) -> None:
    data["emotion"]["labels_open"][0]["eids"] = ["t1"]


def with_transition(data: Data) -> None:
    data["emotion"]["transitions"] = [{"t_s": 2.0, "from_label": "neutral", "to_label": "happiness", "eids": ["f1"]}]


def no_evidence_after(data: Data) -> None:
    for seen in data["observations"]:
        seen["end_s"] = min(seen["end_s"], 2.0)


def teacher_without_ears(data: Data) -> None:
    data["provenance"]["audio_given"] = False
    for seen in data["observations"]:
        if seen["modality"] == "acoustic":
            seen["source"] = "vlm"


def no_manner_words(data: Data) -> None:
    for seen in data["observations"]:
        if seen["modality"] == "acoustic":
            for name in ("en", "zh"):
                data["description"][name] = data["description"][name].replace(seen[f"text_{name}"], "")
            seen["text_en"], seen["text_zh"] = "The words follow each other without a break.", "词语之间没有间断。"
    data["observations"][0]["quote"] = None


def add_both(english: str, chinese: str) -> Callable[[Data], None]:
    return both(add("description", "en", text=english), add("description", "zh", text=chinese))


shown_nothing = both(
    put("tier", value="teacher"), put("provenance", "tier", value="teacher"),
    put("provenance", "sampling", "n_frames", value=0),
    put("description", "en", value="A voice says a few words; it appears happy."),
    put("observations", 0, "text_en", value="The view stays in one shot."),
)  # fmt: skip

MUTATIONS: tuple[Mutation, ...] = (
    # form
    Mutation("F02", "key of another source", put("key", value="0" * 16 + "_00001000_00005000")),
    Mutation("F02", "key with another start", lambda d: d.update(key=d["key"].replace("_00001000_", "_00001040_"))),
    Mutation("F03", "ends after its source", put("source", "duration_s", value=4.5)),
    Mutation("F03", "duration is not end minus start", put("clip", "duration_s", value=4.3)),
    Mutation("F03", "frames do not fit the rate", put("clip", "n_frames", value=50)),
    Mutation("F04", "forty seconds long", put("clip", "duration_s", value=40.0)),
    Mutation("F05", "word past the end", put("speech", "words", -1, "end_s", value=9.0)),
    Mutation("F05", "evidence past the end", put("observations", 1, "end_s", value=99.0)),
    Mutation("F05", "word runs backwards", put("speech", "words", 0, "end_s", value=0.1)),
    Mutation("F05", "face seen after the end", put("measured", "faces", "tracks", 0, "boxes", 0, "t_s", value=20.0)),
    Mutation("F06", "box outside the frame",
             put("measured", "faces", "tracks", 0, "mean_box", value=[0.9, 0.2, 0.2, 0.35])),
    Mutation("F06", "empty box", put("measured", "faces", "tracks", 0, "mean_box", value=[0.3, 0.2, 0.0, 0.35])),
    Mutation("F06", "distribution sums to 1.2", put("emotion", "dist", value={"happiness": 0.8, "neutral": 0.4})),
    Mutation("F06", "face count without tracks", put("measured", "faces", "n_tracks", value=3)),
    Mutation("F07", "audio without an audio stream", put("media", "audio_codec", value=None)),
    Mutation("F07", "speech without text", put("speech", "text", value="")),
    Mutation("F08", "lost character", add("description", "zh", text="\ufffd")),
    Mutation("F08", "decomposed accents", decompose),
    Mutation("F08", "mojibake", add("description", "en", text=" It itâ€™s dim.")),
    Mutation("F08", "invisible direction mark", add("speech", "text", text="\u202e")),
    Mutation("F09", "moving revision", put("provenance", "revision", value="main")),
    Mutation("F09", "teacher without prompt hash", put("provenance", "prompt_sha256", value=None), base=1),
    Mutation("F09", "tier of another annotation", put("tier", value="human")),
    Mutation("F10", "special token in the text", add("description", "en", text=" <video>")),
    Mutation("F11", "repaired answer", put("provenance", "parse", value="repaired"), base=1),
    Mutation("F12", "subtitles not used", unused_subtitles, prepare=subtitles_in_step),
    Mutation("F12", "subtitles that lost cues",
             put("speech", "subtitles", 0, "told", value={"cues without text": 2}), prepare=subtitles_in_step),
    Mutation("F12", "subtitles that were moved",
             put("speech", "subtitles", 0, "offset_s", value=-3.0), prepare=subtitles_in_step),
    Mutation("F12", "subtitles with words for little of the voice",
             put("speech", "subtitles", 0, "voice_covered", value=0.2), prepare=subtitles_in_step),
    # language
    Mutation("L01", "languages swapped", swap_languages),
    Mutation("L01", "English evidence in the Chinese field",
             put("observations", 0, "text_zh", value="A kitchen with a table.")),
    Mutation("L02", "Chinese outside quotes in English", add("description", "en", text=" 画面很暗。")),
    Mutation("L02", "subtitle left untranslated", add("description", "en", text=" The line “今天我想让大家都听到”.")),
    Mutation("L02", "not English at all", put("description", "en", value=(
        "La scène montre une cuisine claire; une personne sourit vers la caméra, puis pose doucement ses mains "
        "devant elle, tandis que derrière elle quelques chaises restent vides, sans mouvement visible."))),
    Mutation("L03", "half-width comma in Chinese", add("description", "zh", text="画面明亮,光线充足。")),
    Mutation("L04", "traditional script", add("description", "zh", text="畫面裡的人說話時還很緊張。")),
    Mutation("L04", "Japanese kana", add("description", "zh", text="ありがとう。")),
    Mutation("L05", "leaked tag at the head", lambda d: d["description"].update(en="Input: " + d["description"]["en"])),
    Mutation("L05", "leaked tag in the middle", add("description", "en", text=" Output: The same again.")),
    Mutation("L05", "thinking left in", add("description", "en", text=" <think>hm</think>")),
    Mutation("L05", "template brace left in", add("description", "en", text=" The subtitle is {subtitle}.")),
    Mutation("L05", "JSON key in prose", add("description", "en", text=' "text_en": "x"')),
    Mutation("L05", "opener", lambda d: d["description"].update(
        en="Sure, here is the description you asked for. " + d["description"]["en"])),
    Mutation("L05", "Chinese opener", lambda d: d["description"].update(zh="好的，以下是描述：" + d["description"]["zh"])),
    Mutation("L05", "thinking aloud", lambda d: d["description"].update(
        en="Let me think about this clip. " + d["description"]["en"])),
    Mutation("L05", "label at a line head", add("description", "en", text="\nFinal answer: happy.")),
    Mutation("L05", "Chinese label at a line head", add("description", "zh", text="\n翻译：此人很高兴。")),
    Mutation("L05", "closer", add("description", "en", text=" I hope this helps!")),
    Mutation("L05", "Chinese closer", add("description", "zh", text="希望对您有帮助。")),
    Mutation("L05", "tag in brackets", add("description", "zh", text="【结束】")),
    Mutation("L05", "wrapped evidence", lambda d: d["observations"][0].update(
        text_zh="好的，下面是翻译：" + d["observations"][0]["text_zh"])),
    Mutation("L01", "English words that nobody said", put("description", "zh", value=(
        "片段展示一间 kitchen，一只手放在 table 边，shoulders 保持不动，随后 corner of the mouth 上扬，此人看起来很高兴。"))),
    Mutation("L06", "second half with one word changed", lambda d: d["description"].update(
        en=d["description"]["en"] + " " + d["description"]["en"].replace("kitchen", "room").replace("rise", "lift"))),
    Mutation("L06", "whole English description twice", double("en")),
    Mutation("L06", "whole Chinese description twice", double("zh")),
    Mutation("L07", "Chinese far too short", put("description", "zh", value="片段展示一间厨房。此人看起来很高兴。")),
    Mutation("L08", "a stub", put("description", "en", value="The person appears happy in the bright kitchen.")),
    Mutation("L09", "refusal", add("description", "en", text=" I'm sorry, but I cannot assist with that.")),
    Mutation("L09", "Chinese refusal", add("description", "zh", text="作为一个人工智能，我无法提供描述。")),
    Mutation("L10", "non-answer beside a label", add("description", "en", text=" The mood cannot be determined.")),
    Mutation("L10", "all hedges", put("description", "en", value=(
        "Maybe it could be a room, perhaps bright. Possibly the person might appear happy, which is unclear. "
        "Perhaps the words could be kind, and maybe the gaze might possibly be soft, but it is hard to tell."))),
    Mutation("L11", "one sentence again and again", add("description", "en", text=" The hand moves to the left." * 7)),
    Mutation("L12", "cut off", lambda d: d["description"].update(en=d["description"]["en"].rstrip(".") + " and the")),
    Mutation("L13", "bullets", add("description", "en", text="\n- The hand moves.\n- The light changes.")),
    Mutation("L16", "advert in the transcript", add("speech", "text", text=" Thanks for watching, please subscribe.")),
    # grounding
    Mutation("G01", "quote that nobody said", add("description", "en", text=' Then "give me the money now" is heard.')),
    Mutation("G01", "Chinese quote that nobody said", add("description", "zh", text="随后说出“把钱都交出来”。")),
    Mutation("G01", "evidence quotes what is not said", put("observations", -1, "quote", value="nothing of the kind")),
    Mutation("G02", "speech in a silent clip", add("description", "en", text=" He says hello."), base=3),
    Mutation("G02", "Chinese speech in a silent clip", add("description", "zh", text="此人说话很轻。"), base=3),
    Mutation("G03", "music in a clip without audio", add("description", "en", text=" Soft music plays."), base=12),
    Mutation("G03", "voice told by an annotator that heard nothing",
             add("description", "en", text=" The voice trembles with a rising pitch."),
             prepare=both(no_manner_words, teacher_without_ears)),
    Mutation("G04", "smile in a faceless clip", add("description", "en", text=" The person smiles broadly."), base=4),
    Mutation("G04", "Chinese smile in a faceless clip", add("description", "zh", text="此人面带笑容。"), base=4),
    Mutation("G05", "a crowd not there", add("description", "en", text=" Three people stand behind the table.")),
    Mutation("G06", "shouting, measured quiet", put("measured", "voice", "loudness_db", value=-45.0), base=29),
    Mutation("G07", "smile that no face shows", add("description", "en", text=" There is a broad smile."), base=1),
    Mutation("G08", "label without evidence", put("emotion", "labels_open", 0, "eids", value=[])),
    Mutation("G08", "evidence that does not exist", put("emotion", "labels_open", 0, "eids", value=["x9"])),
    Mutation("G08", "two pieces of evidence with one id", put("observations", 1, "eid", value="s1")),
    Mutation("G08", "a face that was not found", put("observations", 2, "track_id", value="f7")),
    Mutation("G08", "label on words alone", labels_on_words_alone),
    Mutation("G09", "evidence that concludes", put("observations", 0, "text_en", value="A happy person in a kitchen.")),
    Mutation("G10", "off-screen voice given to a face", put("emotion", "subject", value="speaker"),
             prepare=put("speech", "onscreen", value="off")),
    Mutation("G11", "invented name", add("description", "en", text=" Beside the table, Jonathan waits.")),
    Mutation("G12", "tells the previous scene", add("description", "en", text=" In the previous scene, they met.")),
    Mutation("G13", "transition without an after", no_evidence_after, prepare=with_transition),
    Mutation("G15", "reads burned-in text", put("provenance", "subtitle_given", value=False),
             prepare=put("provenance", "audio_given", value=False), base=2),
    Mutation("G07", "smile on a face measured as sad throughout", add("description", "en", text=" There is a broad smile."),
             prepare=put("measured", "faces", "tracks", 0, "boxes", value=[
                 {"t_s": 1.0, "box": [0.35, 0.2, 0.2, 0.35], "conf": 0.9,
                  "expression": {"sadness": 0.93, "happiness": 0.07}}])
             , base=1),
    Mutation("G07", "tears on a calm face", add("description", "en", text=" Tears run down the cheeks."), base=2),
    Mutation("G16", "scene evidence repeats the words", add(
        "observations", 0, "text_en", text=" We finally won, and I want everyone to hear it today.")),
    Mutation("G16", "Chinese scene evidence repeats the words", add(
        "observations", 0, "text_zh", text="我们终于赢了，今天我想让大家都听到。")),
    Mutation("G17", "another language than the one spoken", add("description", "en", text=" The speaker talks in Chinese.")),
    Mutation("G17", "another language, in Chinese", add("description", "zh", text="说话人说的是中文。")),
    Mutation("G17", "a third language", add("description", "en", text=" The words are spoken in French.")),
    Mutation("G18", "invented tears", add("description", "en", text=" There are tears in the eyes.")),
    Mutation("G18", "invented gesture", add("description", "en", text=" The person claps and then nods.")),
    Mutation("G18", "invented place", add("description", "en", text=" All of it happens in a hospital.")),
    Mutation("G18", "invented event", add("description", "en", text=" It is a moment at a wedding.")),
    Mutation("G19", "descriptions of another clip", put("description", value={
        "en": ("Under a grey sky several cyclists pass a bridge while rain drips from lamps. A small dog follows them and "
               "barks at passing buses. Somebody opens an umbrella, laughs loudly and appears happy."),
        "zh": "灰色天空下，几名骑车人经过大桥，雨水从路灯滴落。一只小狗跟在后面，朝过往的公共汽车吠叫。有人撑开雨伞，大笑起来，显得很高兴。",
        "mode": "native-both", "cited_eids": []})),
    Mutation("G20", "a man where the evidence tells of a woman", add("description", "en", text=" He turns to the door."),
             prepare=add("observations", 0, "text_en", text=" A woman sits there."), base=0),
    Mutation("G21", "a lecture hall told by a model that was shown nothing",
             add("description", "en", text=" It is a lecture hall."),
             prepare=shown_nothing),
    Mutation("G21", "a face told by a model whose sight was refused", put("provenance", "senses", value={
                 "sight": "refused", "hearing": "unproven", "failed": ["sight: frames dropped"]}), prepare=shown_nothing),
    Mutation("G21", "a jacket told by a model that was shown nothing",
             add("description", "en", text=" The person wears a black jacket."),
             prepare=shown_nothing),
    # consistency
    Mutation("C01", "closed label of another emotion", put("emotion", "closed", "dfew7", value="sad")),
    Mutation("C01", "approximate class not marked", put("emotion", "closed", "lossy", value=[]), base=7),
    Mutation("C02", "languages claim opposite emotions", label_happy_as_sad),
    Mutation("C03", "open label pair of two meanings", put("emotion", "labels_open", 0, "zh", value="愤怒")),
    Mutation("C03", "canonical id of another word", put("emotion", "labels_open", 0, "canon", value="anger")),
    Mutation("C04", "happiness with negative valence", put("emotion", "valence", value=-0.6)),
    Mutation("C04", "sentiment against valence", put("emotion", "closed", "sentiment3", value="negative")),
    Mutation("C04", "neutral with strong valence", put("emotion", "valence", value=0.8), base=2),
    Mutation("C05", "happiness without intensity", put("emotion", "intensity", value=0)),
    Mutation("C05", "calm anger", put("emotion", "arousal", value=-0.8), base=5 + 11),
    Mutation("C06", "neutral told in rage", add("description", "en", text=" Then furious steps follow."), base=2),
    Mutation("C07", "conclusion of another emotion",
             add_both(" In the end the person appears disgusted.", "最后此人看起来很厌恶。")),
    Mutation("C08", "he in one language, she in the other", add_both(" He sits down.", "她坐下。")),
    Mutation("C08", "two figures", add_both(" After 3 steps it stops.", "走了5步后停下。")),
    Mutation("C09", "votes disagree", both(put("agreement", "label_agreement", value=0.33),
                                           put("agreement", "tier", value="C"))),
    Mutation("C09", "tier better than the votes", put("agreement", "label_agreement", value=0.55)),
    Mutation("C10", "sentiments disagree", put("agreement", "sentiment_agreement", value=0.2)),
    Mutation("C11", "annotator contradicts itself", put("agreement", "self_consistency", value=0.34),
             prepare=put("agreement", "self_consistency", value=1.0)),
    Mutation("C12", "file name gives the label away", put("source", "uri", value="raw/happy_0001.mp4")),
    # safety
    Mutation("S01", "mobile number", add("speech", "text", text=" Call 13812345678.")),
    Mutation("S01", "e-mail address", add("description", "en", text=" Write to someone@example.org.")),
    Mutation("S01", "identity number", add("description", "zh", text="号码是110101199003077512。")),
    Mutation("S02", "names a person", add("description", "en", text=" Mr. Miller looks on.")),
    Mutation("S03", "minor with sensitive content",
             add("description", "en", text=" A child watches, and there is talk of suicide.")),
    Mutation("S04", "sensitive content", add("description", "en", text=" There is talk of suicide.")),
    Mutation("S05", "embedded without licence",
             put("source", "rights", value={"license": "LicenseRef-unknown", "rights_basis": "unknown",
                                            "consent": "unknown"})),
    Mutation("S06", "diagnosis", add("description", "en", text=" The person suffers from depression.")),
    Mutation("S03", "marked minor with a sensitive word", add("description", "zh", text="有人谈到自杀。"),
             prepare=put("safety", "minor_possible", value=True)),
    Mutation("S06", "bare word for an illness", add("description", "zh", text="墙上的海报介绍抑郁症。")),
    Mutation("S06", "Chinese diagnosis", add("description", "zh", text="此人患有抑郁症。")),
    Mutation("S06", "ethnicity", add("description", "en", text=" An Asian woman stands there.")),
    Mutation("S07", "felt emotion as a fact", add("description", "en", text=" He is very happy.")),
    Mutation("S08", "on the takedown list", lambda d: d["media"].update(sha256="e" * 64),
             takedown=frozenset({"e" * 64})),
)  # fmt: skip
