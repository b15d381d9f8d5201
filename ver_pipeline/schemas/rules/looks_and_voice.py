"""Words for the voice and the face against what was measured of them (G06, G07)."""

from __future__ import annotations

import re

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.record_types import Expression
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun
from ver_pipeline.schemas.rules.text import claims, prose


def g06_voice_words_fit(record: Record, context: Context) -> list[Found] | NotRun:
    """Words for loudness and pace do not contradict the measured voice (absolute extremes only)."""
    voice, limits = record.measured.voice, context.limits
    if voice is None:
        return NotRun("no voice was measured")
    rules = [
        (lexicon.LOUD, voice.loudness_db < limits["quiet_db"], "loud, measured as quiet"),
        (lexicon.QUIET, voice.loudness_db > limits["loud_db"], "quiet, measured as loud"),
    ]
    if voice.rate_syll_s is not None:
        rules.append((lexicon.FAST, voice.rate_syll_s < limits["slow_syll_s"], "fast, measured as slow"))
        rules.append((lexicon.SLOW, voice.rate_syll_s > limits["fast_syll_s"], "slow, measured as fast"))
    defects = []
    for pattern, contradicts, what in rules:
        if contradicts:
            defects += claimed(record, pattern, f"the voice is called {what}")
    return defects


def g07_face_words_fit(record: Record, context: Context) -> list[Found] | NotRun:
    """A look that is claimed left at least a trace in the measured expressions, and does not face its opposite.

    A smile beside a face measured as sad throughout contradicts the record's own measurements.
    """
    scores = [box.expression for track in record.measured.faces.tracks for box in track.boxes if box.expression]
    if not scores:
        return NotRun("no expression was measured")
    defects = []
    for what, pattern, looks, against in _LOOKS:
        trace = max(sum(score.get(name, 0.0) for name in looks) for score in scores)
        others = [sum(score.get(name, 0.0) for name in against) for score in scores]
        opposed = sum(others) / len(others) >= context.limits["opposed"] and trace < 1 - context.limits["opposed"]
        if trace < context.limits["min_score"]:
            defects += claimed(record, pattern, f"claims {what} that no measured face shows")
        elif opposed:
            defects += claimed(record, pattern, f"claims {what} on faces measured as the opposite throughout")
    return defects


_BAD: tuple[Expression, ...] = ("anger", "sadness", "disgust", "fear")
_LOOKS: tuple[tuple[str, re.Pattern[str], tuple[Expression, ...], tuple[Expression, ...]], ...] = (
    ("a smile", lexicon.SMILE, ("happiness",), _BAD),
    ("a frown", lexicon.FROWN, _BAD, ("happiness",)),
    ("tears", lexicon.TEARS, ("sadness", "fear", "happiness", "anger"), ("neutral",)),
    ("wide eyes", lexicon.WIDE_EYES, ("surprise", "fear", "anger", "happiness"), ("neutral",)),
    ("a face without expression", lexicon.BLANK, ("neutral",), ("happiness", *_BAD, "surprise")),
)
"""What is claimed, the words for it, the measured expressions that allow it, and those that speak against it."""


def claimed(record: Record, pattern: re.Pattern[str], message: str) -> list[Found]:
    """A finding for every text that claims what ``pattern`` says."""
    return [Found(f"{message}: {hits[0]!r}", pointer)
            for _, pointer, text in prose(record) if (hits := claims(text, pattern))]  # fmt: skip
