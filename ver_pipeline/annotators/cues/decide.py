"""From votes to one judgement, or to none: pooling, thresholds and abstention of the cues annotator.

Abstention is an answer.  A label needs enough evidence (``MIN_WEIGHT``), a clear lead (``MIN_P``,
``MIN_LEAD``) and, where sources pull in opposite directions, a majority (``CONFLICT_P``).  The bounds
are judgements; ``benchmarks/annotators.py`` measures what they cost on labelled files.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ver_pipeline.annotators.cues.features import Features, Phase, telling
from ver_pipeline.annotators.cues.labeling_sources import LabelVote, phase_distribution
from ver_pipeline.schemas.labels import labels
from ver_pipeline.schemas.record_types import LabelId

MIN_WEIGHT, MIN_P, MIN_LEAD, CONFLICT_P = 0.5, 0.38, 0.08, 0.5
PHASE_P = 0.3
MAX_CONFIDENCE = 0.85
MAX_PHASES = 4
"""Phases of a face that are described: the most telling ones."""
MIN_MOMENTS = 3
"""So many strong looks of another expression are told as a trace of it, though none of them lasts."""
TRACE_P = 0.2
_SENTIMENT_MARGIN = 0.12


@dataclass(frozen=True, slots=True)
class Change:
    """A face that goes from one apparent emotion to another at ``t_s``."""

    t_s: float
    before: LabelId
    after: LabelId
    index: int
    """Number of the later phase, among those that are described."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the votes come to.  ``primary`` is ``undetermined`` where they do not carry a label."""

    primary: LabelId
    p: float
    dist: dict[LabelId, float]
    valence: float | None
    arousal: float | None
    intensity: int | None
    confidence: float
    ambiguity: str
    mixed: bool
    conflict: bool
    changes: tuple[Change, ...]
    traces: tuple[LabelId, ...]


def judge(features: Features, label_votes: Sequence[LabelVote]) -> Judgement:
    """Pool the votes by weight and decide."""
    weight = sum(vote.weight for vote in label_votes)
    dist = pool(label_votes)
    ranked = ranking(dist)
    changes = _changes(features.faces[0].phases) if features.faces else ()
    conflict = _conflict(label_votes)
    if not ranked or not _decided(dist, ranked, weight, conflict, changes):
        top = dist[ranked[0]] if ranked else 0.0
        return Judgement(
            "undetermined", top, {}, None, None, None, round(min(0.3, top), 4), "high", False, conflict, (), ()
        )
    primary = ranked[0]
    p = dist[primary]
    confidence = min(MAX_CONFIDENCE, p * (1.0 - math.exp(-1.6 * weight)) * (0.8 if conflict else 1.0))
    valence, arousal = _valence(primary, p, label_votes), _arousal(primary, label_votes)
    shown = _shown_for_moments(features)
    turned = tuple(label for change in changes for label in (change.before, change.after))
    traces = tuple(name for name in ranked[1:3] if name != "neutral" and dist[name] >= TRACE_P)
    return Judgement(
        primary=primary,
        p=p,
        dist=dist,
        valence=valence,
        arousal=arousal,
        intensity=_intensity(primary, p, label_votes),
        confidence=round(confidence, 4),
        ambiguity=_ambiguity(p, label_votes, conflict or bool(changes)),
        mixed=bool(changes),
        conflict=conflict,
        changes=changes,
        traces=tuple(dict.fromkeys(label for label in (*shown, *traces, *turned) if label != primary)),
    )


def pool(label_votes: Sequence[LabelVote]) -> dict[LabelId, float]:
    """Weighted mean of the votes; four decimals that sum to 1, nothing under one percent."""
    weight = sum(vote.weight for vote in label_votes)
    if weight <= 0:
        return {}
    raw: dict[LabelId, float] = {}
    for vote in label_votes:
        for label, p in vote.dist.items():
            raw[label] = raw.get(label, 0.0) + vote.weight * p / weight
    likely = {label: p for label, p in sorted(raw.items()) if p >= 0.01}
    whole = sum(likely.values())
    rounded = {label: round(p / whole, 4) for label, p in likely.items()}
    top = min(rounded, key=lambda name: (-rounded[name], name))
    rounded[top] = round(rounded[top] + 1.0 - sum(rounded.values()), 4)
    return rounded


def ranking(dist: Mapping[LabelId, float]) -> list[LabelId]:
    """Labels by probability; ties go to the alphabet, so that every machine says the same."""
    return sorted(dist, key=lambda name: (-dist[name], name))


def _decided(
    dist: dict[LabelId, float], ranked: list[LabelId], weight: float, conflict: bool, changes: tuple[Change, ...]
) -> bool:
    top = dist[ranked[0]]
    if weight < MIN_WEIGHT or (conflict and top < CONFLICT_P):
        return False
    turned = {label for change in changes for label in (change.before, change.after)}
    if turned and ranked[0] in turned:
        return sum(dist.get(label, 0.0) for label in turned) >= CONFLICT_P
    lead = top - (dist[ranked[1]] if len(ranked) > 1 else 0.0)
    return top >= MIN_P and lead >= MIN_LEAD


def _changes(phases: Sequence[Phase]) -> tuple[Change, ...]:
    """Where one clear phase of the face gives way to another of a different label."""
    changes: list[Change] = []
    tops: list[tuple[int, LabelId]] = []
    phases = telling(phases, MAX_PHASES)
    for i, phase in enumerate(phases):
        dist = phase_distribution(phase)
        tops += [(i, name) for name in ranking(dist)[:1] if dist[name] >= PHASE_P]
    for (_, before), (i, after) in itertools.pairwise(tops):
        if before != after:
            changes.append(Change(round(phases[i].start_s, 3), before, after, i))
    return tuple(changes)


def _shown_for_moments(features: Features) -> tuple[LabelId, ...]:
    """What the main face shows strongly and often, but never for long enough to be a phase."""
    if not features.faces:
        return ()
    looks: Counter[str] = Counter()
    for phase in features.faces[0].phases:
        for moment in phase.moments:
            looks[moment.expression] += moment.n_looks
    strong = [name for name, n in sorted(looks.items(), key=lambda item: (-item[1], item[0])) if n >= MIN_MOMENTS]
    labels_by_look = {name: ranking(phase_distribution(Phase(0, 0, name, {name: 1.0}, 1, 1)))[0] for name in strong}
    return tuple(label for label in labels_by_look.values() if label != "neutral")


def _conflict(label_votes: Sequence[LabelVote]) -> bool:
    """Two weighty sources of opposite valence."""
    signed = [b.valence for b in label_votes if b.weight >= 0.35 and b.valence is not None and abs(b.valence) >= 0.2]
    return any(v > 0 for v in signed) and any(v < 0 for v in signed)


def _valence(primary: LabelId, p: float, label_votes: Sequence[LabelVote]) -> float:
    """The label's typical valence, moved by what was said, kept on the label's side of zero."""
    entry = labels()[primary]
    value = (entry.typical or (0.0, 0.0))[0] * (0.7 + 0.6 * p)
    words = next((b for b in label_votes if b.voter == "words" and b.valence is not None), None)
    if words is not None and words.valence is not None:
        value = 0.75 * value + 0.25 * words.valence
    low, high = entry.valence_range
    if entry.sentiment == "positive":
        low = _SENTIMENT_MARGIN
    elif entry.sentiment == "negative":
        high = -_SENTIMENT_MARGIN
    elif entry.sentiment == "neutral":
        low, high = -0.09, 0.09
    return round(min(high, max(low, value)), 3)


def _arousal(primary: LabelId, label_votes: Sequence[LabelVote]) -> float:
    typical = (labels()[primary].typical or (0.0, 0.0))[1]
    heard = next((b.arousal for b in label_votes if b.voter == "voice"), None)
    value = typical if heard is None else 0.6 * typical + 0.4 * heard
    floor = 0.05 if primary in ("anger", "fear", "surprise") else -1.0
    return round(min(1.0, max(floor, value)), 3)


def _intensity(primary: LabelId, p: float, label_votes: Sequence[LabelVote]) -> int:
    """0 for neutral, else 1 to 3: scores that are near-certain even when wrong do not carry a 4."""
    if primary == "neutral":
        return 0
    heard = next((b.arousal or 0.0 for b in label_votes if b.voter == "voice"), 0.0)
    backing = sum(1 for vote in label_votes if vote.top == primary)
    if p >= 0.6 and backing >= 2 and abs(heard) >= 0.3:
        return 3
    return 2 if p >= 0.5 or backing >= 2 else 1


def _ambiguity(p: float, label_votes: Sequence[LabelVote], doubtful: bool) -> str:
    seen_or_heard = any(vote.voter != "words" for vote in label_votes)
    if doubtful or not seen_or_heard:
        return "high"
    return "none" if p >= 0.75 and len(label_votes) >= 2 else "low"
