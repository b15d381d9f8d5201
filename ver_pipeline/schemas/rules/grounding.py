"""G rules: every claim rests on something measured, heard or seen in this clip."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ver_pipeline.schemas.labels import find_words
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.looks_and_voice import claimed, g06_voice_words_fit, g07_face_words_fit
from ver_pipeline.schemas.rules.quotation import g01_quotes_are_said, g15_no_read_subtitles
from ver_pipeline.schemas.rules.support import (
    g16_senses_do_not_repeat_the_words,
    g17_language_spoken_fits,
    g18_things_are_supported,
    g19_description_is_of_this_evidence,
    g20_gender_fits_the_evidence,
)
from ver_pipeline.schemas.rules.text import descriptions, normalise, unquoted
from ver_pipeline.schemas.rules.unseen import g21_who_sees_nothing_tells_no_sight

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_PEOPLE = re.compile(
    r"\b(two|three|four|five|six) (?:people|persons|men|women|faces|speakers|characters|figures|boys|girls|children)\b"
    r"|([两二三四五六])(?:个|名|位|张)(?:人(?!质)|男|女|孩|说话人|角色|脸)",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}")
_TITLE_MARKS = re.compile(r"《([^》]{1,40})》")


def g02_no_speech_no_speech_claims(record: Record, context: Context) -> list[Found] | NotRun:
    """A clip without speech is not described as one in which somebody speaks."""
    if record.speech.present:
        return []
    if record.speech.recogniser.engine == "none" and record.clip.has_audio:
        return NotRun("nothing listened to the clip")
    if not record.clip.has_audio:
        return NotRun("the clip has no sound: who is seen speaking may be said to speak")
    return claimed(record, lexicon.SPEECH, "claims speech in a clip without any")


def g03_no_sound_no_sound_claims(record: Record, context: Context) -> list[Found]:
    """Acoustic claims need audio, and an annotator that was given it or the measured voice."""
    if not record.clip.has_audio:
        return claimed(record, lexicon.SOUND, "claims sound in a clip without any") or claimed(
            record, lexicon.MANNER, "claims sound in a clip without any"
        )
    measured = any(o.modality == "acoustic" and o.source in ("detector", "human") for o in record.observations)
    if record.provenance.audio_given or measured:
        return []
    return claimed(record, lexicon.MANNER, "claims how it sounds, while the annotator heard nothing")


def g04_no_face_no_face_claims(record: Record, context: Context) -> list[Found] | NotRun:
    """A clip without a face is not described by facial expression."""
    faces = record.measured.faces
    if not faces.sampled_s or faces.detector in ("", "none"):
        return NotRun("nothing looked for faces")
    if faces.n_tracks:
        return []
    defects = claimed(record, lexicon.FACE, "claims a face in a clip without any")
    defects += [Found("face evidence in a clip without a face", f"/observations/{i}/modality")
              for i, seen in enumerate(record.observations) if seen.modality == "face"]  # fmt: skip
    return defects


def g05_people_are_counted(record: Record, context: Context) -> list[Found] | NotRun:
    """No more people are claimed than faces were found, give or take who is turned away."""
    faces = record.measured.faces
    if not faces.sampled_s or faces.detector in ("", "none"):
        return NotRun("nothing looked for faces")
    most = max(faces.n_tracks, faces.max_simultaneous) + context.limits["slack"]
    defects = []
    for _, pointer, text in descriptions(record):
        for match in _PEOPLE.finditer(unquoted(text)):
            if _NUMBERS[(match.group(1) or match.group(2)).lower()] > most:
                defects.append(
                    Found(f"claims {match.group(1) or match.group(2)} people, {faces.n_tracks} faces", pointer)
                )
    return defects


def g08_labels_have_evidence(record: Record, context: Context) -> list[Found]:
    """Every label cites evidence that exists, and not only words unless the record says it is ambiguous."""
    known = {seen.eid: seen for seen in record.observations}
    defects = []
    if len(known) != len(record.observations):
        defects.append(Found("two pieces of evidence share an id", "/observations"))
    for pointer, eids in _citations(record):
        if any(eid not in known for eid in eids):
            defects.append(Found("cites evidence that does not exist", pointer))
    emotion = record.emotion
    if emotion.primary != "undetermined" and not emotion.labels_open:
        defects.append(Found("a label without any open label behind it", "/emotion/labels_open"))
    for i, label in enumerate(emotion.labels_open):
        cited = [known[eid] for eid in label.eids if eid in known]
        if not label.eids:
            defects.append(Found("a label without evidence", f"/emotion/labels_open/{i}/eids"))
        elif cited and emotion.ambiguity != "high" and all(seen.modality == "lexical" for seen in cited):
            defects.append(Found("a label rests on words alone", f"/emotion/labels_open/{i}/eids", "flag"))
    tracks = {track.track_id for track in record.measured.faces.tracks}
    for i, seen in enumerate(record.observations):
        if seen.track_id is not None and seen.track_id not in tracks:
            defects.append(Found("cites a face that was not found", f"/observations/{i}/track_id"))
    if emotion.subject_track_id is not None and emotion.subject_track_id not in tracks:
        defects.append(Found("the subject is a face that was not found", "/emotion/subject_track_id"))
    return defects


def g09_evidence_without_conclusion(record: Record, context: Context) -> list[Found]:
    """Evidence says what is seen, heard or said, and does not name the emotion it supports."""
    defects = []
    for i, seen in enumerate(record.observations):
        if seen.modality == "lexical":
            continue  # the sentiment of a word may have to be named to be reported
        for language, text in (("en", seen.text_en), ("zh", seen.text_zh)):
            hits = [h for h in find_words(text, language) if not h.quoted and not h.negated]  # type: ignore[arg-type]
            if any(h.canon not in (None, "neutral") for h in hits):
                defects.append(Found("evidence names an emotion", f"/observations/{i}/text_{language}"))
    return defects


def g10_off_screen_speaker(record: Record, context: Context) -> list[Found] | NotRun:
    """When the voice comes from outside the frame, no face in the frame is its speaker."""
    if record.speech.onscreen == "unknown":
        return NotRun("who speaks was not detected")
    emotion = record.emotion
    if record.speech.onscreen == "off" and emotion.subject == "speaker" and emotion.subject_track_id is not None:
        return [Found("an off-screen voice is given to a face on screen", "/emotion/subject_track_id")]
    return []


def g11_names_are_grounded(record: Record, context: Context) -> list[Found]:
    """Names and titles in the descriptions occur in the transcript or in the source's title."""
    speech, source = record.speech, record.source
    ground = normalise(
        " ".join(filter(None, (speech.text, speech.text_en, speech.text_zh, source.title, source.collection)))
    )
    defects = []
    for language, pointer, text in descriptions(record):
        plain = unquoted(text)
        names = _CAPITAL.findall(plain) if language == "en" else []
        names = [name for name in names if name.lower() not in lexicon.MOVES_ON_NAMES] + _TITLE_MARKS.findall(plain)
        if any(normalise(name) not in ground for name in names):
            defects.append(Found("holds a name that nothing in the clip gives", pointer))
    return defects


def g12_nothing_beyond_the_clip(record: Record, context: Context) -> list[Found]:
    """Claims about what came before or after need context evidence; of the shots in it a clip may tell as it likes."""
    if any(seen.modality == "context" for seen in record.observations):
        return []
    pattern = lexicon.BEYOND if record.clip.n_shots == 1 else lexicon.BEYOND_SHOTS
    return claimed(record, pattern, "tells what lies before or after the clip")


def g13_transitions_have_two_sides(record: Record, context: Context) -> list[Found] | NotRun:
    """Transitions run in time, change the label, and have evidence before and after."""
    changes = record.emotion.transitions
    if not changes:
        return []
    defects = []
    timed = [o for o in record.observations if o.start_s is not None and o.end_s is not None]
    for i, change in enumerate(changes):
        pointer = f"/emotion/transitions/{i}"
        if change.from_label == change.to_label:
            defects.append(Found("a transition to the same label", pointer))
        if i and change.t_s < changes[i - 1].t_s:
            defects.append(Found("transitions are not in order of time", pointer))
        before = any(o.start_s < change.t_s for o in timed)  # type: ignore[operator]
        after = any(o.end_s > change.t_s for o in timed)  # type: ignore[operator]
        if not (before and after):
            defects.append(Found("a transition without evidence on both sides", pointer))
    return defects


def _citations(record: Record) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "/description/cited_eids", record.description.cited_eids
    for i, label in enumerate(record.emotion.labels_open):
        yield f"/emotion/labels_open/{i}/eids", label.eids
    for i, change in enumerate(record.emotion.transitions):
        yield f"/emotion/transitions/{i}/eids", change.eids


_UN = Reason.UNGROUNDED
_QUOTE = {"min_words_en": 2, "min_chars_zh": 3}

GROUNDING: tuple[Rule, ...] = (
    Rule(
        "G01",
        "reject",
        "quotations are in the transcript",
        "引语确在转写之中",
        g01_quotes_are_said,
        _UN,
        {"min_similarity": 0.85, **_QUOTE},
        True,
    ),
    Rule(
        "G02",
        "reject",
        "no claim of speech where nobody speaks",
        "无人说话时不声称有人说话",
        g02_no_speech_no_speech_claims,
        _UN,
        version=2,
    ),
    Rule(
        "G03",
        "reject",
        "no claim of sound that nobody heard",
        "未曾听到时不声称声音",
        g03_no_sound_no_sound_claims,
        _UN,
        version=2,
    ),
    Rule(
        "G04",
        "reject",
        "no claim of a face where there is none",
        "没有人脸时不声称面部表情",
        g04_no_face_no_face_claims,
        _UN,
        version=2,
    ),
    Rule("G05", "flag", "no more people than were seen", "人数不超过所见", g05_people_are_counted, _UN, {"slack": 1}),
    Rule(
        "G06",
        "flag",
        "words for the voice fit the measured voice",
        "描述声音的词语与测量一致",
        g06_voice_words_fit,
        _UN,
        {"quiet_db": -36.0, "loud_db": -14.0, "slow_syll_s": 2.5, "fast_syll_s": 6.5},
        version=2,
    ),
    Rule(
        "G07",
        "flag",
        "words for the face fit the measured expressions",
        "描述面部的词语与测量一致",
        g07_face_words_fit,
        _UN,
        {"min_score": 0.02, "opposed": 0.85},
        version=2,
    ),
    Rule("G08", "reject", "labels cite evidence that exists", "标签引用的证据确实存在", g08_labels_have_evidence, _UN),
    Rule(
        "G09",
        "flag",
        "evidence does not name the emotion",
        "证据本身不点明情绪",
        g09_evidence_without_conclusion,
        version=2,
    ),
    Rule("G10", "reject", "an off-screen voice is no face's", "画外音不归于画面中的人脸", g10_off_screen_speaker, _UN),
    Rule("G11", "flag", "names are given by the clip", "名称来自片段本身", g11_names_are_grounded, _UN),
    Rule(
        "G12",
        "flag",
        "nothing beyond the clip is told",
        "不讲述片段之外的事",
        g12_nothing_beyond_the_clip,
        _UN,
        version=2,
    ),
    Rule(
        "G13",
        "flag",
        "transitions have evidence on both sides",
        "情绪转变两侧都有证据",
        g13_transitions_have_two_sides,
        _UN,
    ),
    Rule(
        "G15",
        "flag",
        "burned-in text is not read as a visual clue",
        "不把烧录字幕当作画面线索",
        g15_no_read_subtitles,
        _UN,
        dict(_QUOTE),
    ),
    Rule(
        "G16",
        "reject",
        "evidence of eye and ear does not repeat the transcript",
        "视听线索不照抄转写文字",
        g16_senses_do_not_repeat_the_words,
        _UN,
        {"min_words_en": 6, "min_chars_zh": 8},
    ),
    Rule(
        "G17", "reject", "the language spoken is that of the words", "所说语言与话语一致", g17_language_spoken_fits, _UN
    ),
    Rule(
        "G18",
        "flag",
        "tears, gestures, places and events stand in the evidence",
        "眼泪、手势、地点和事件见于证据",
        g18_things_are_supported,
        _UN,
    ),
    Rule(
        "G19",
        "flag",
        "descriptions are of this evidence",
        "描述出自这些证据",
        g19_description_is_of_this_evidence,
        _UN,
        {"min_share": 0.15, "min_terms": 12},
    ),
    Rule("G20", "flag", "gender is that of the evidence", "性别与证据一致", g20_gender_fits_the_evidence, _UN),
    Rule(
        "G21",
        "reject",
        "who sees nothing tells of nothing seen",
        "未看画面者不描述所见",
        g21_who_sees_nothing_tells_no_sight,
        _UN,
    ),
)
