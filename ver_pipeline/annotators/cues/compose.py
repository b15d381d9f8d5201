"""Observations and descriptions in both languages, composed from the signs and from nothing else.

Every sentence of a description is an observation's own, or says how the observations were weighed and
what they come to.  Observations hold no emotion word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from ver_pipeline.annotators.cues.decide import MAX_PHASES, Judgement
from ver_pipeline.annotators.cues.features import FaceFeature, Features, Phase, telling
from ver_pipeline.annotators.cues.labeling_sources import LabelVote, WordFeature, phase_distribution
from ver_pipeline.annotators.cues.phrases import EMPTY, Pair, Wording, join_names, number, sentence_case
from ver_pipeline.annotators.cues.quotes import Quote, choose_quote, script_of, spoken_at, translation_of
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.denial import is_denied
from ver_pipeline.schemas.labels import TextLanguage, adjective, display
from ver_pipeline.schemas.record_types import LabelId

SUPPORT_P = 0.2
MAX_OTHER_FACES, MAX_MOMENTS = 2, 2
MOSTLY = 0.6
"""An expression is what a face mostly shows where at least so many of the looks agree."""
POLARITY = {
    "happiness": "pos", "sadness": "neg", "anger": "neg", "fear": "neg", "disgust": "neg",
    "surprise": "ambiguous", "neutral": "neutral", "down": "ambiguous",
}  # fmt: skip
SMALL_EN = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SMALL_ZH = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九")
LANGUAGES = {"en": Pair("English", "英语"), "zh": Pair("Chinese", "汉语")}
OTHER_LANGUAGE = Pair("another language", "其他语言")


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation: the sentence in both languages and what it rests on."""

    eid: str
    modality: str
    text: Pair
    start_s: float
    end_s: float
    confidence: float
    source: str = "detector"
    supports: tuple[LabelId, ...] = ()
    polarity: str | None = None
    track_id: str | None = None
    quote: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The record's ``Observation``."""
        return {
            "eid": self.eid,
            "modality": self.modality,
            "text_en": self.text.en,
            "text_zh": self.text.zh,
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "quote": self.quote,
            "track_id": self.track_id,
            "polarity": self.polarity,
            "supports": list(self.supports),
            "source": self.source,
            "confidence": round(self.confidence, 4),
        }


def wording_of(features: Features) -> Wording:
    """The wording of a clip, chosen by levels of what was measured: the same shot always reads the same.

    Not by its key; nor by the measurements themselves, whose last digits differ between processors.
    """
    face = features.faces[0] if features.faces else None
    return Wording(
        digest(
            [
                number(features.duration_s), features.n_shots, features.light, features.motion, features.background,
                None if face is None else [face.place, face.size],
                None if features.voice is None else list(astuple(features.voice)),
            ]
        )
    )  # fmt: skip


def observe(
    say: Wording,
    features: Features,
    speech: Mapping[str, Any],
    measured: Mapping[str, Any],
    label_votes: Sequence[LabelVote],
    words: Sequence[WordFeature],
) -> list[Seen]:
    """All observations of a clip: the setting, the faces, the audio, the words, in this order."""
    by_source = {vote.voter: vote for vote in label_votes}
    observations = [_setting(say, features)]
    observations += _faces(say, features, measured)
    audio = _audio(say, features, by_source.get("voice"))
    spoken = _words(say, features, speech, measured, by_source.get("words"), words)
    return observations + [seen for seen in (audio, spoken) if seen is not None]


def describe(
    say: Wording, features: Features, seen: Sequence[Seen], label_votes: Sequence[LabelVote], judged: Judgement
) -> Pair:
    """The description: setting, what is seen and heard (weightiest source first), weighing, conclusion."""
    setting, rest = seen[0].text, list(seen[1:])
    weight = {vote.voter: vote.weight for vote in label_votes}
    source = {"face": "face", "acoustic": "voice", "lexical": "words"}
    if weight.get("words", 0.0) > weight.get("face", 0.0) and judged.primary != "undetermined":
        rest.sort(key=lambda s: s.modality != "lexical")
    sentences = [setting, *(s.text for s in rest if source.get(s.modality) or s.modality == "scene")]
    if not features.faces and features.black_frac < 0.9:
        sentences.insert(1, say.say("no_face"))
    weighing = _weighing(say, label_votes, judged)
    sentences += [*([weighing] if weighing else []), *_conclusion(say, features, judged)]
    return Pair(" ".join(s.en for s in sentences), "".join(s.zh for s in sentences))


def _setting(say: Wording, features: Features) -> Seen:
    shots = say.say("one_shot") if features.n_shots == 1 else say.say("some_shots", n=str(features.n_shots))
    light = say.say(f"light_{features.light}") if features.light != "mid" and features.black_frac < 0.5 else EMPTY
    motion = say.say(f"motion_{features.motion}") if features.motion != "mid" and features.black_frac < 0.5 else EMPTY
    text = say.say("setting", duration=number(features.duration_s), shots=shots, light=light, motion=motion)
    if features.black_frac >= 0.2:
        share = round(100 * features.black_frac)
        black = say.say("black", share=str(share)) if share < 99 else say.say("all_black")
        text = Pair(f"{text.en} {black.en}", text.zh + black.zh)
    return Seen("s1", "scene", text, 0.0, features.duration_s, 0.9, polarity="neutral")


def _faces(say: Wording, features: Features, measured: Mapping[str, Any]) -> list[Seen]:
    if not features.faces:
        return []
    observations = _main_face(say, features, features.faces[0])
    for face in features.faces[1 : 1 + MAX_OTHER_FACES]:
        if not face.phases:
            continue
        longest = max(face.phases, key=lambda p: (p.end_s - p.start_s, -p.start_s))
        own = replace(say, seed=f"{say.seed}/{face.track_id}")
        text = own.say(
            "other_face", place=say.say(f"face_{face.place}"), looks=_looks(own, longest, len(face.phases) == 1)
        )
        observations.append(_face_seen(f"f{len(observations) + 1}", text, face, longest, supports=()))
    return observations


def _main_face(say: Wording, features: Features, face: FaceFeature) -> list[Seen]:
    """The most prominent face: one observation per phase, the first also says where it is."""
    slot = "face_many" if features.max_faces > 1 else "face_one"
    head = say.say(
        slot,
        n=_count(features.max_faces),
        place=say.say(f"face_{face.place}"),
        size=say.say(f"size_{face.size}"),
        span=_span(say, face.start_s, face.end_s),
    )
    if not face.phases:
        text = head + say.say("looks_unread")
        whole = Phase(face.start_s, face.end_s, "neutral", {}, 0)
        return [_face_seen("f1", _capital(text), face, whole, supports=())]
    observations: list[Seen] = []
    phases = telling(face.phases, MAX_PHASES)
    for i, phase in enumerate(phases):
        own = replace(say, seed=f"{say.seed}/{i}")
        times = {"start": number(phase.start_s), "end": number(phase.end_s)}
        if i:
            text = own.say("looks_later", looks=_looks(own, phase), **times)
        elif len(face.phases) == 1:
            slot = "looks_once" if phase.n_looks == 1 else ("looks_all" if phase.is_unanimous else "looks_some")
            text = head + own.say(slot, looks=_looks(own, phase))
        elif phase is face.phases[0]:
            text = head + own.say("looks_first", looks=_looks(own, phase), until=number(face.phases[1].start_s))
        else:
            text = head + own.say("looks_from", looks=_looks(own, phase), **times)
        dist = phase_distribution(phase)
        supports = tuple(label for label in sorted(dist) if dist[label] >= SUPPORT_P)
        observations.append(_face_seen(f"f{i + 1}", _capital(text), face, phase, supports))
    return observations + _moments(say, face, phases, len(observations))


def _looks(say: Wording, phase: Phase, is_all: bool = True) -> Pair:
    """What the face looks like in a phase; "mostly" or "at times" where a look contradicts, or other phases do."""
    looks = say.say(f"look_{phase.look}")
    if is_all and phase.is_unanimous:
        return looks
    return say.say("mostly" if is_all and phase.n_agreeing >= MOSTLY * phase.n_looks else "at_times", looks=looks)


def _moments(say: Wording, face: FaceFeature, phases: Sequence[Phase], n_before: int) -> list[Seen]:
    """The expressions that come up for a moment within the described phases: those with most looks."""
    moments = [moment for phase in phases for moment in phase.moments if moment.expression != "neutral"]
    chosen = sorted(moments, key=lambda m: (-m.n_looks, m.start_s))[:MAX_MOMENTS]
    observations = []
    for i, moment in enumerate(sorted(chosen, key=lambda m: m.start_s)):
        own = replace(say, seed=f"{say.seed}/moment/{i}")
        shown = Phase(moment.start_s, moment.end_s, moment.expression, {moment.expression: 1.0}, moment.n_looks)
        slot = "moment" if number(moment.start_s) == number(moment.end_s) else "moment_span"
        times = {"start": number(moment.start_s), "end": number(moment.end_s)}
        text = own.say(slot, looks=own.say(f"look_{moment.expression}"), **times)
        supports = tuple(label for label, p in sorted(phase_distribution(shown).items()) if p >= SUPPORT_P)
        observations.append(_face_seen(f"f{n_before + i + 1}", _capital(text), face, shown, supports))
    return observations


def _face_seen(eid: str, text: Pair, face: FaceFeature, phase: Phase, supports: tuple[LabelId, ...]) -> Seen:
    polarity = POLARITY.get(phase.look) if phase.scores else None
    confidence = min(0.9, face.conf * (0.5 + 0.1 * min(4, phase.n_looks)))
    return Seen(
        eid, "face", text, phase.start_s, phase.end_s, confidence,
        supports=supports, polarity=polarity, track_id=face.track_id,
    )  # fmt: skip


def _audio(say: Wording, features: Features, vote: LabelVote | None) -> Seen | None:
    """The voice where somebody speaks, else the background; nothing where there is no audio."""
    if features.voice is None:
        if features.background is None:
            return None
        text = say.say(f"background_{features.background}")
        return Seen("a1", "acoustic", text, 0.0, features.duration_s, 0.7, polarity="neutral")
    voice = features.voice
    parts = {
        "loudness": say.say(f"loudness_{voice.loudness}"),
        "rate": say.say(f"rate_{voice.rate}") if voice.rate else EMPTY,
        "pitch": say.say(f"pitch_{voice.pitch}") if voice.pitch else EMPTY,
        "pauses": say.say(f"pauses_{voice.pauses}"),
    }
    supports = tuple(label for label in sorted(vote.dist) if vote.dist[label] >= SUPPORT_P) if vote else ()
    text = say.say("voice", **parts)
    if features.voice_off:
        off = say.say("voice_off")
        text = Pair(f"{text.en} {off.en}", text.zh + off.zh)
    return Seen("a1", "acoustic", text, 0.0, features.duration_s, 0.6, supports=supports)


def _words(
    say: Wording,
    features: Features,
    speech: Mapping[str, Any],
    measured: Mapping[str, Any],
    vote: LabelVote | None,
    words: Sequence[WordFeature],
) -> Seen | None:
    """What is said, quoted in the language it is said in, with a translation of just that where there is one."""
    sentiment = measured.get("sentiment") or {}
    hits = sentiment.get("hits", ())
    quote = choose_quote(speech, words, hits) if features.has_speech else None
    if quote is None:
        return None
    start_s, end_s = _quote_times(speech, quote, features.duration_s)
    polarity = sentiment.get("polarity")
    lean = "none"
    if polarity is not None and abs(polarity) >= 0.2 and not _denies(quote, hits):
        lean = "pos" if polarity > 0 else "neg"
    time = say.say("time_span", start=number(start_s), end=number(end_s)) if end_s > start_s else say.say("time_none")
    text = say.say(
        "words_quoted_silent" if features.silent else "words_quoted",
        quote=quote.text, time=time, gloss=_gloss(say, speech, quote), lean=say.say(f"lean_{lean}"),
    )  # fmt: skip
    supports = tuple(label for label in sorted(vote.dist) if vote.dist[label] >= SUPPORT_P) if vote else ()
    polarities = {"pos": "pos", "neg": "neg", "none": "neutral" if polarity is not None else None}
    return Seen(
        "t1", "lexical", _capital(text), start_s, end_s, _word_confidence(speech),
        source="asr", supports=supports, polarity=polarities[lean], quote=quote.text,
    )  # fmt: skip


def _gloss(say: Wording, speech: Mapping[str, Any], quote: Quote) -> Pair:
    """The language of the quote, and in the other text its translation; both texts say where there is none."""
    language = LANGUAGES.get(quote.language, OTHER_LANGUAGE)
    if script_of(quote.text) == "en" and speech.get("language") not in ("en", "und", "mixed"):
        language = OTHER_LANGUAGE
    translated = translation_of(quote, speech)
    if translated is None:
        return say.say("gloss_none", language=language)
    own = say.say("gloss_own", language=language)
    glossed = say.say("gloss", language=language, quote=translated.text)
    return Pair(own.en, glossed.zh) if quote.language == "en" else Pair(glossed.en, own.zh)


def _denies(quote: Quote, hits: Sequence[Mapping[str, Any]]) -> bool:
    """A word of sentiment in it is denied or forbidden: "don't be sad" leans neither way."""
    language: TextLanguage = "zh" if quote.language == "zh" else "en"
    places = [(at, at + len(word)) for word in (str(hit["word"]) for hit in hits) if (at := quote.text.find(word)) >= 0]
    return any(is_denied(quote.text, *place, language) for place in places)


def _quote_times(speech: Mapping[str, Any], quote: Quote, duration_s: float) -> tuple[float, float]:
    """When the quote is said, kept inside the clip; where nobody knows, all of it."""
    start_s, end_s = spoken_at(quote, speech) or (0.0, duration_s)
    end_s = round(min(duration_s, end_s), 3)
    return min(end_s, start_s), end_s


def _word_confidence(speech: Mapping[str, Any]) -> float:
    probs = [float(word["prob"]) for word in speech.get("words", ())]
    return sum(probs) / len(probs) if probs else 0.7


def _weighing(say: Wording, label_votes: Sequence[LabelVote], judged: Judgement) -> Pair | None:
    """How the sources stand to each other; silent where nothing was concluded."""
    if judged.primary == "undetermined":
        return None
    names = [say.say(f"source_{vote.voter}") for vote in label_votes if vote.weight >= 0.2]
    backing = [say.say(f"source_{b.voter}") for b in label_votes if b.dist.get(judged.primary, 0.0) >= SUPPORT_P]
    if judged.conflict:
        return _capital(say.say("conflict", sources=join_names(names)))
    if len(names) == 1:
        return _capital(say.say("single", sources=names[0]))
    return _capital(say.say("agree", sources=join_names(backing))) if len(backing) >= 2 else None


def _conclusion(say: Wording, features: Features, judged: Judgement) -> list[Pair]:
    if judged.primary == "undetermined":
        return [say.say("undetermined")]
    who = say.say("who_person" if features.faces else "who_speaker")
    emotion = Pair(adjective(judged.primary, "en"), adjective(judged.primary, "zh"))
    clauses = [
        say.say("change", time=number(c.t_s), before=_noun(c.before), after=_noun(c.after)) for c in judged.changes[:2]
    ]
    slot = "conclusion_neutral" if judged.primary == "neutral" else f"conclusion_{judged.intensity}"
    clauses.append(say.say(slot, who=who, emotion=emotion))
    named = {judged.primary, *(label for c in judged.changes[:2] for label in (c.before, c.after))}
    clauses += [say.say("trace", emotion=_noun(label)) for label in judged.traces[:1] if label not in named]
    return clauses


def _span(say: Wording, start_s: float, end_s: float) -> Pair:
    """A stretch of time, or the one moment where it was looked at once."""
    if number(start_s) == number(end_s):
        return say.say("span_short", start=number(start_s))
    return say.say("span_long", start=number(start_s), end=number(end_s))


def _noun(label: LabelId) -> Pair:
    return Pair(display(label, "en"), display(label, "zh"))


def _count(n: int) -> Pair:
    """A number of people as prose writes it: small ones as words."""
    return Pair(SMALL_EN[n], SMALL_ZH[n]) if n < len(SMALL_EN) else Pair(str(n), str(n))


def _capital(text: Pair) -> Pair:
    return Pair(sentence_case(text.en), text.zh)
