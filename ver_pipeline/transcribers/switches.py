"""Where somebody changes the language without a pause that would end a span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ver_pipeline.transcribers.audio import Samples
from ver_pipeline.transcribers.base import RATE_HZ
from ver_pipeline.transcribers.runs import Span

MIN_S = 2.0
"""A span shorter than this has one language."""
BOTH = 0.03
"""Whisper gives the second language of a span that has two at least this (measured on sentences joined without a pause:
0.07 to 0.49; in spans of one language up to 0.02)."""
SHARE = 0.8
LEAST = 0.3
"""Both sides of a cut have to have so great a share of what the allowed languages have, and so great a probability
among all (measured: 0.87 and more of the share)."""
N_MOMENTS = 8
FRAME_S = 0.08
LOOK_S = 10.0

Look = Callable[[Sequence[tuple[float, float]]], list[Span]]
"""Detects the language of stretches, all at once."""


def spans_of_one_language(spans: Sequence[tuple[float, float]], samples: Samples, look: Look) -> list[Span]:
    """The spans with their languages, each divided in quiet moments as long as its two sides are in two languages.

    Most are looked at once, those longer than Whisper looks at both ends.
    """
    stretches = [stretch for span in spans for stretch in _first_looks(*span)]
    seen = iter(look(stretches))
    switches: list[Span] = []
    for start_s, end_s in spans:
        looks = [next(seen) for _ in _first_looks(start_s, end_s)]
        cut_s = None
        if end_s - start_s >= MIN_S and any(_has_both(look.probs) for look in (*looks, _mean(start_s, end_s, looks))):
            cut_s = _switch_s(start_s, end_s, samples, look)
        if cut_s is not None:
            switches += spans_of_one_language([(start_s, cut_s), (cut_s, end_s)], samples, look)
            continue
        switches.append(_mean(start_s, end_s, looks))
    return switches


def quiet_moments_s(samples: Samples, start_s: float, end_s: float, n: int = N_MOMENTS) -> list[float]:
    """The quietest moment of each of ``n`` equal parts of a stretch, without its first and last tenth."""
    edge_s = (end_s - start_s) / 10
    edges = np.linspace(start_s + edge_s, end_s - edge_s, n + 1)
    return [_quietest_s(samples, float(a), float(b)) for a, b in pairwise(edges)]


def _switch_s(start_s: float, end_s: float, samples: Samples, look: Look) -> float | None:
    """The quiet moment that best parts two languages; None where its sides are not sure of two."""
    moments = quiet_moments_s(samples, start_s, end_s)
    sides = look([side for cut_s in moments for side in ((start_s, cut_s), (cut_s, end_s))])
    pairs = [(sides[i].probs, sides[i + 1].probs) for i in range(0, len(sides), 2)]
    parted = [(min(_share(one), _share(other)), -i) for i, (one, other) in enumerate(pairs) if _differ(one, other)]
    return moments[-max(parted)[1]] if parted else None


def _quietest_s(samples: Samples, start_s: float, end_s: float) -> float:
    first, last = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    size = round(FRAME_S * RATE_HZ)
    starts = range(first, max(first + 1, last - size), size // 4)
    loud = [float(np.square(samples[at : at + size]).sum()) for at in starts]
    return (starts[int(np.argmin(loud))] + size / 2) / RATE_HZ


def _first_looks(start_s: float, end_s: float) -> list[tuple[float, float]]:
    if end_s - start_s <= LOOK_S:
        return [(start_s, end_s)]
    return [(start_s, start_s + LOOK_S), (end_s - LOOK_S, end_s)]


def _has_both(probs: Mapping[str, float]) -> bool:
    return len(probs) > 1 and sorted(probs.values())[-2] >= BOTH


def _share(probs: Mapping[str, float]) -> float:
    """Of the likeliest allowed language in what all of them have."""
    return max(probs.values()) / max(sum(probs.values()), 1e-9)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    best, last = (max(sorted(probs), key=lambda name, p=probs: p[name]) for probs in (one, other))  # type: ignore[misc]
    return best != last and all(_share(probs) >= SHARE and max(probs.values()) >= LEAST for probs in (one, other))


def _mean(start_s: float, end_s: float, looks: Sequence[Span]) -> Span:
    names = looks[0].probs
    probs = {name: sum(look.probs[name] for look in looks) / len(looks) for name in names}
    return Span(start_s, end_s, probs, sum(look.no_speech_prob for look in looks) / len(looks))
