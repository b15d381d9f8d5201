"""Four label sources that need no large model: the face's expression, its shape, the voice, the words.

Each casts a vote: a distribution over canonical labels with a weight, or nothing.  They never see
each other's votes, so their agreement means something.

The numbers are judgements, not fits.  For the face they follow what is known of the packaged
expression model: near-certain scores even when wrong, audio on smiles, weak on anger and disgust
(both often read as sadness or neutral).  So no score is taken at face value: it is spread by a table
of what the face may really show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from ver_pipeline.annotators.cues.face_geometry import shape_distribution
from ver_pipeline.annotators.cues.features import Features, Level, Phase, mean_scores
from ver_pipeline.schemas import labels as emotion_labels
from ver_pipeline.schemas.denial import is_denied, reported_spans
from ver_pipeline.schemas.record_types import LabelId

Distribution = Mapping[LabelId, float]

FACE_TRUST: dict[str, dict[LabelId, float]] = {  # what a face may really show when the model reads the key
    "happiness": {"happiness": 0.82, "contentment": 0.08, "neutral": 0.06, "surprise": 0.04},
    "sadness": {"sadness": 0.55, "anger": 0.13, "neutral": 0.1, "anxiety": 0.08, "disgust": 0.07, "helplessness": 0.07},
    "anger": {"anger": 0.68, "disgust": 0.14, "sadness": 0.08, "neutral": 0.1},
    "fear": {"fear": 0.55, "surprise": 0.25, "anxiety": 0.14, "sadness": 0.06},
    "disgust": {"disgust": 0.6, "anger": 0.2, "contempt": 0.1, "sadness": 0.1},
    "surprise": {"surprise": 0.72, "fear": 0.12, "happiness": 0.1, "neutral": 0.06},
    "neutral": {"neutral": 0.66, "sadness": 0.1, "anger": 0.08, "disgust": 0.06, "contentment": 0.06, "anxiety": 0.04},
}
FACE_WEIGHT, SHAPE_WEIGHT, WORDS_WEIGHT, VOICE_WEIGHT = 1.0, 0.8, 1.0, 0.45
NAMED_WEIGHT = 1.0
LEAN: dict[int, dict[LabelId, float]] = {  # where a polarity points when no word says more
    1: {"happiness": 0.6, "contentment": 0.3, "neutral": 0.1},
    -1: {"anger": 0.28, "sadness": 0.28, "anxiety": 0.14, "fear": 0.08, "disgust": 0.08, "disappointment": 0.14},
}
CLAUSE_REACH = 48
"""How many characters before a word are searched for whose feeling it is."""
STATES: tuple[LabelId, ...] = ("sadness", "fear", "anxiety", "helplessness")
"""Telling expressions of these say how somebody is, who may be another; those of others are said at somebody."""
_PERSONS = {
    "en": re.compile(r"(?<!\w)(?:i|i'm|i’m|me|my|myself|we|we're|we’re|us|our|you|you're|you’re|your|he|he's|him|his|"
                     r"she|she's|her|they|they're|them|their|who|everybody|everyone|somebody|nobody|people)(?!\w)",
                     re.IGNORECASE),
    "zh": re.compile(r"我们|咱们|我|咱|俺|你们|您|你|他们|她们|它们|他|她|大家|人家|谁"),
}  # fmt: skip
_FIRST = {
    "en": re.compile(r"(?:i|i'm|i’m|me|my|myself|we|we're|we’re|us|our)", re.IGNORECASE),
    "zh": re.compile(r"我们|咱们|我|咱|俺"),
}
MAX_TEXT = 20_000
"""Characters of a transcript that are searched; more than anybody can say in a clip."""
POLARITY_WEIGHT = 0.15
"""Of words that only lean: below ``MIN_VOTE_WEIGHT``, since polarity does not tell anger from sadness."""
DOWNCAST = 0.3
"""Share of a score of sadness that is left where the face only looks down."""
NEUTRAL_FACE = 0.5
"""How much of a face's weight is left where it reads neutral: the model misses quiet anger and disgust."""
MIN_VOTE, MIN_VOTE_WEIGHT = 0.38, 0.2
"""A vote whose best label has less, or that weighs less, stays out of the count of votes."""


@dataclass(frozen=True, slots=True)
class LabelVote:
    """One source's opinion.  ``dist`` sums to 1; ``weight`` says how much it should count (0 to 1)."""

    voter: str
    dist: Distribution
    weight: float
    valence: float | None = None
    arousal: float | None = None

    @property
    def top(self) -> LabelId:
        """The best label; ties go to the alphabet, so that every machine says the same."""
        return min(self.dist, key=lambda name: (-self.dist[name], name))

    def vote(self) -> dict[str, Any] | None:
        """The vote as a ``Vote`` dict, or None where it is too undecided to count."""
        p = self.dist[self.top]
        if p < MIN_VOTE or self.weight < MIN_VOTE_WEIGHT:
            return None
        return {"voter": self.voter, "label": self.top, "p": round(p, 4), "valence": self.valence}


@dataclass(frozen=True, slots=True)
class WordFeature:
    """One spoken expression that bears on an emotion, at ``[start, end)`` of the transcript."""

    start: int
    end: int
    label: LabelId
    weight: float


def label_votes(features: Features, speech: Mapping[str, Any], measured: Mapping[str, Any]) -> list[LabelVote]:
    """The votes that could be cast for one clip, in the order face, shape, voice, words.

    A voice that no face on the screen speaks with, and its words, say nothing of the person who is seen: no vote.
    """
    heard = () if features.voice_off else (voice_vote(features), words_vote(features, speech, measured))
    cast_votes = (face_vote(features), shape_vote(features), *heard)
    return [vote for vote in cast_votes if vote is not None]


def phase_distribution(phase: Phase) -> dict[LabelId, float]:
    """What a phase's expression scores mean, spread by ``FACE_TRUST``; a face that only looks down is hardly sad."""
    spread: dict[str, float] = {}
    scores = dict(phase.scores)
    if phase.only_looks_down:
        sadness = scores.get("sadness", 0.0) * DOWNCAST
        scores["neutral"] = scores.get("neutral", 0.0) + scores.get("sadness", 0.0) - sadness
        scores["sadness"] = sadness
    for expression, score in scores.items():
        for label, share in FACE_TRUST.get(expression, {}).items():
            spread[label] = spread.get(label, 0.0) + score * share
    return cast("dict[LabelId, float]", mean_scores([spread]))


def face_vote(features: Features) -> LabelVote | None:
    """The most prominent face over its phases, by duration.  Few looks and small faces weigh less."""
    if not features.faces or not features.faces[0].phases:
        return None
    face = features.faces[0]
    looks = sum(phase.n_looks for phase in face.phases)
    rows: list[Mapping[str, float]] = [
        {k: v * (p.end_s - p.start_s + 0.5) for k, v in phase_distribution(p).items()} for p in face.phases
    ]
    dist = cast("dict[LabelId, float]", mean_scores(rows))
    size = {"small": 0.6, "medium": 0.9, "large": 1.0}[face.size]
    weight = (
        FACE_WEIGHT * size * min(1.0, 0.5 + 0.25 * looks) * face.conf * (1 - NEUTRAL_FACE * dist.get("neutral", 0.0))
    )
    return LabelVote("face", dist, round(weight, 4), *_mood(dist))


def shape_vote(features: Features) -> LabelVote | None:
    """The shape of the most prominent face over its phases, by duration; None where it was not measured."""
    if not features.faces:
        return None
    shaped = [(phase.shape, phase.end_s - phase.start_s + 0.5) for phase in features.faces[0].phases if phase.shape]
    if not shaped:
        return None
    rows: list[Mapping[str, float]] = [
        {k: v * length_s for k, v in shape_distribution(shape).items()} for shape, length_s in shaped
    ]
    dist = cast("dict[LabelId, float]", mean_scores(rows))
    sure = sum(shape.confidence * length_s for shape, length_s in shaped) / sum(length_s for _, length_s in shaped)
    weight = SHAPE_WEIGHT * sure * (1 - NEUTRAL_FACE * dist.get("neutral", 0.0))
    return LabelVote("shape", dist, round(weight, 4), *_mood(dist))


def voice_vote(features: Features) -> LabelVote | None:
    """Prosody tells arousal and little of valence, so this vote is flat and light.

    An ordinary voice says nothing at all beyond a lean to neutral.
    """
    if features.voice is None:
        return None
    arousal = voice_arousal(features)
    dist: dict[LabelId, float]
    if arousal >= 0.5:
        dist = {"anger": 0.36, "happiness": 0.26, "surprise": 0.2, "fear": 0.18}
    elif arousal <= -0.5:
        dist = {"sadness": 0.4, "neutral": 0.3, "helplessness": 0.12, "contentment": 0.18}
    else:
        dist = {"neutral": 0.52, "happiness": 0.12, "sadness": 0.12, "anger": 0.12, "anxiety": 0.12}
    activation = abs(arousal) if abs(arousal) >= 0.5 else 0.0
    weight = VOICE_WEIGHT * (0.35 + 0.65 * activation)
    return LabelVote("voice", dist, round(weight, 4), None, arousal)


def voice_arousal(features: Features) -> float:
    """Arousal of the voice on [-1, 1] from loudness, pitch movement, pace and pauses (equal steps)."""
    if features.voice is None:
        return 0.0
    value: dict[Level | None, float] = {"low": -1.0, "mid": 0.0, "high": 1.0, None: 0.0}
    voice = features.voice
    total = 0.35 * value[voice.loudness] + 0.3 * value[voice.pitch] + 0.2 * value[voice.rate]
    return round(total - 0.15 * value[voice.pauses], 4)


def words_vote(features: Features, speech: Mapping[str, Any], measured: Mapping[str, Any]) -> LabelVote | None:
    """What is said: named emotions, telling expressions, and the lexicon's polarity.

    Words without any lean give no vote: saying nothing about feelings is no sign of calm.  Polarity alone says which
    way the words lean and not what is felt: it weighs too little to be counted as a vote or to make a label.
    """
    if not features.has_speech:
        return None
    polarity: float | None = (measured.get("sentiment") or {}).get("polarity")
    word_hits = word_features(speech, measured)
    scores: dict[str, float] = {}
    for sign in word_hits:
        scores[sign.label] = scores.get(sign.label, 0.0) + sign.weight
    strength = min(1.0, sum(scores.values()))
    rows: list[Mapping[str, float]] = [scores] if scores else []
    if polarity is not None and abs(polarity) >= 0.2:
        lean = LEAN[1 if polarity > 0 else -1]
        if not scores:
            return LabelVote("words", lean, POLARITY_WEIGHT, round(float(polarity), 4), None)
        rows.append({label: share * abs(polarity) for label, share in lean.items()})
    if not rows:
        return None
    dist = _soften(cast("dict[LabelId, float]", mean_scores(rows)), 0.15)
    valence = round(float(polarity), 4) if polarity is not None else _mood(dist)[0]
    return LabelVote("words", dist, round(WORDS_WEIGHT * min(1.0, 0.35 + 0.5 * strength), 4), valence, None)


def word_features(speech: Mapping[str, Any], measured: Mapping[str, Any]) -> tuple[WordFeature, ...]:
    """Every telling expression of the transcript, left to right.

    What is denied or forbidden ("don't cry"), told or asked of others ("why are you crying?"), or said out of
    politeness ("I'm afraid we're closed") is nothing that the speaker feels: it is left out.
    """
    text = str(speech.get("text") or "")[:MAX_TEXT]
    hits: dict[tuple[int, int], WordFeature] = {}
    languages: tuple[emotion_labels.TextLanguage, ...] = ("en", "zh")
    polite = [m.span() for language in languages for m in _formulas(language).finditer(text)]
    reported = [span for language in languages for span in reported_spans(text, language)]
    for language in languages:
        for hit in emotion_labels.find_words(text, language):
            felt = hit.canon not in (None, "neutral", "undetermined") and not hit.negated
            elsewhere = _within(hit.start, [*polite, *reported]) or _of_others(text, hit.start, language)
            if felt and hit.canon is not None and not elsewhere:
                hits[(hit.start, hit.end)] = WordFeature(hit.start, hit.end, hit.canon, NAMED_WEIGHT)
        for match in cue_pattern(language).finditer(text):
            if _inside(match.start(), hits) or _within(match.start(), [*polite, *reported]):
                continue
            label = _cue_labels()[match.group().lower()]
            of_others = label in STATES and _of_others(text, match.start(), language)
            if not is_denied(text, *match.span(), language) and not of_others:
                hits[match.span()] = WordFeature(*match.span(), label, _cue_table()["weight"])
    for hit in (measured.get("sentiment") or {}).get("hits", ()):
        start = text.find(hit["word"])
        if start < 0 or not hit.get("emotion") or _inside(start, hits):
            continue
        elsewhere = _within(start, [*polite, *reported]) or any(_of_others(text, start, each) for each in languages)
        if not elsewhere:
            hits[(start, start + len(hit["word"]))] = WordFeature(
                start, start + len(hit["word"]), hit["emotion"], 0.5 * abs(float(hit["polarity"]))
            )
    return tuple(hits[span] for span in sorted(hits))


@cache
def cue_pattern(language: str) -> re.Pattern[str]:
    """One pattern for all telling expressions of a language, longest first."""
    forms = sorted((form for row in _cue_table()["words"].values() for form in row[language]), key=lambda f: -len(f))
    body = "|".join(re.escape(form) for form in forms)
    return re.compile(body) if language == "zh" else re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)


def _mood(dist: Distribution) -> tuple[float, float]:
    """Expected valence and arousal of a distribution, from the labels' typical values."""
    table = emotion_labels.labels()
    valence = arousal = 0.0
    for label, p in dist.items():
        typical = table[label].typical or (0.0, 0.0)
        valence += p * typical[0]
        arousal += p * typical[1]
    return round(valence, 4), round(arousal, 4)


def _soften(dist: Distribution, share: float) -> dict[LabelId, float]:
    """Move ``share`` of the mass to neutral: people say emotional words without meaning them."""
    softened = {label: p * (1 - share) for label, p in dist.items()}
    softened["neutral"] = softened.get("neutral", 0.0) + share
    return dict(sorted(softened.items()))


@cache
def _formulas(language: str) -> re.Pattern[str]:
    """Formulas of politeness that hold a word of feeling."""
    forms = [re.escape(form) for form in _cue_table()["polite"][language]["words"]]
    body = "|".join([*forms, *_cue_table()["polite"][language].get("patterns", [])])
    return re.compile(body) if language == "zh" else re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)


def _of_others(text: str, at: int, language: str) -> bool:
    """The nearest person named before a word, in its clause, is not the speaker: "why are you crying", 你为什么哭."""
    clause = re.split(r"[,.;:!?，。；：！？、\n]", text[max(0, at - CLAUSE_REACH) : at])[-1]
    persons = _PERSONS[language].findall(clause)
    return bool(persons) and not _FIRST[language].fullmatch(persons[-1])


def _within(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _inside(start: int, found: Mapping[tuple[int, int], WordFeature]) -> bool:
    return any(left <= start < right for left, right in found)


@cache
def _cue_table() -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(CUE_WORDS.read_text(encoding="utf-8")))


@cache
def _cue_labels() -> dict[str, LabelId]:
    rows = _cue_table()["words"].items()
    return {form.lower(): cast(LabelId, label) for label, row in rows for form in (*row["en"], *row["zh"])}


CUE_WORDS = Path(__file__).with_name("cue_words.yaml")
