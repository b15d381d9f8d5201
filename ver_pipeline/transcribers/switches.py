"""Where somebody changes the language without a pause that would end a span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ver_pipeline.transcribers.audio import Samples
from ver_pipeline.transcribers.base import RATE_HZ
from ver_pipeline.transcribers.runs import Span

MIN_S = 2.0
"""A span shorter than this has one language."""
BOTH = 0.08
"""Whisper gives the second language of a span that has two at least this (measured on sentences joined without a pause:
0.11 to 0.49; in spans of one language up to 0.02)."""
SURE = 0.7
"""Both ends of a span have to be so sure of two languages for it to be divided (measured: 0.87 to 1.00)."""
FRAME_S = 0.08
LOOK_S = 10.0

Look = Callable[[Sequence[tuple[float, float]]], list[Span]]
"""Detects the language of stretches, all at once."""


def spans_of_one_language(spans: Sequence[tuple[float, float]], samples: Samples, look: Look) -> list[Span]:
    """The spans with their languages, each divided in its quietest moments as long as its two ends are in two languages.

    Most are looked at once, those longer than Whisper looks at both ends.
    """
    stretches = [stretch for span in spans for stretch in _first_looks(*span)]
    seen = iter(look(stretches))
    found: list[Span] = []
    for start_s, end_s in spans:
        looks = [next(seen) for _ in _first_looks(start_s, end_s)]
        if end_s - start_s >= MIN_S and any(_has_both(one.probs) for one in (*looks, _mean(start_s, end_s, looks))):
            middle_s = (start_s + end_s) / 2
            halves = look([(start_s, middle_s), (middle_s, end_s)])
            if _differ(halves[0].probs, halves[1].probs):
                cut_s = quietest_s(samples, start_s, end_s)
                found += spans_of_one_language([(start_s, cut_s), (cut_s, end_s)], samples, look)
                continue
        found.append(_mean(start_s, end_s, looks))
    return found


def quietest_s(samples: Samples, start_s: float, end_s: float) -> float:
    """The quietest moment in the middle half of a stretch."""
    quarter_s = (end_s - start_s) / 4
    first, last = round((start_s + quarter_s) * RATE_HZ), round((end_s - quarter_s) * RATE_HZ)
    size = round(FRAME_S * RATE_HZ)
    loud = [
        float(np.square(samples[at : at + size]).sum()) for at in range(first, max(first + 1, last - size), size // 4)
    ]
    return (first + int(np.argmin(loud)) * (size // 4) + size / 2) / RATE_HZ


def _first_looks(start_s: float, end_s: float) -> list[tuple[float, float]]:
    if end_s - start_s <= LOOK_S:
        return [(start_s, end_s)]
    return [(start_s, start_s + LOOK_S), (end_s - LOOK_S, end_s)]


def _has_both(probs: Mapping[str, float]) -> bool:
    return len(probs) > 1 and sorted(probs.values())[-2] >= BOTH


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    best, last = (max(sorted(probs), key=lambda name, p=probs: p[name]) for probs in (one, other))  # type: ignore[misc]
    return best != last and one[best] >= SURE and other[last] >= SURE


def _mean(start_s: float, end_s: float, looks: Sequence[Span]) -> Span:
    names = looks[0].probs
    probs = {name: sum(look.probs[name] for look in looks) / len(looks) for name in names}
    return Span(start_s, end_s, probs, sum(look.no_speech_prob for look in looks) / len(looks))
