"""How far ready text is from the sound, and what moves it there.

Two independent measures.  Words: those that the recogniser hears in a few stretches are found again among the cues
around them, and the median of how far apart they are is the offset there; stretches far from each other give the rate.
Voice: where cues are shown and where somebody speaks are compared at every offset (a correlation by FFT, as ffsubsync
does), at the rates that films are converted between.  Words decide where enough of them are found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt

STEP_S = 0.05
MOST_OFFSET_S = 60.0
IN_STEP_S = 0.4
"""Cues are shown a little early or late on purpose: what is less is left as it is."""
RATES = (
    Fraction(1), Fraction(24000, 24024), Fraction(24024, 24000), Fraction(24, 25), Fraction(25, 24),
    Fraction(24000, 25025), Fraction(25025, 24000),
)  # fmt: skip
"""How films of 23.976, 24 and 25 frames a second are converted into each other."""
RATE_SHOWS_S = 2.0
"""A rate is looked for where it would move the last cue by at least this."""
LEAST_CUES, LEAST_VOICE_S = 8, 12.0
LEAST_GAIN, LEAST_SCORE = 0.12, 0.3
"""A correlation of voice and cues that moves them: how much better than unmoved, and at least (judgement)."""
LEAST_MATCHED, LEAST_BLOCK = 6, 2
LEAST_AGREEING_SHARE = 0.6
"""Share of the found words whose offset is within ``WORD_SPREAD_S`` of the median, else the words do not say."""
WORD_SPREAD_S = 1.5
FAR_S = 60.0
"""Stretches at least this far apart tell a rate."""

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a Chinese character, as words are compared, and the second in which it is said or shown."""

    text: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Move:
    """A time ``t`` of the file is ``rate * t + offset_s`` of the video."""

    offset_s: float = 0.0
    rate: float = 1.0

    def __call__(self, at_s: float) -> float:
        """The second of the video at which the file's second ``at_s`` is."""
        return self.rate * at_s + self.offset_s


def move_by_words(heard: Sequence[Sequence[Token]], cues: Sequence[Token]) -> Move | None:
    """The move under which the cues' words are said when the same words are heard; None where too few are found.

    Args:
        heard: the words of each stretch that was listened to.
        cues: all words of the file, in order.
    """
    offsets: list[tuple[float, float, int]] = []
    for stretch in heard:
        offsets_s = _offsets(stretch, cues)
        if len(offsets_s) >= LEAST_MATCHED:
            middle = median(offset for _, offset in offsets_s)
            near = [(at, offset) for at, offset in offsets_s if abs(offset - middle) <= WORD_SPREAD_S]
            if len(near) >= LEAST_AGREEING_SHARE * len(offsets_s):
                offsets.append((median(at for at, _ in near), median(o for _, o in near), len(near)))
    if not offsets:
        return None
    first, last = min(offsets), max(offsets)
    if last[0] - first[0] >= FAR_S:
        slope = 1 + (last[1] - first[1]) / (last[0] - first[0])
        nearest = min(RATES, key=lambda rate: abs(float(rate) - slope))
        if nearest != 1 and abs(float(nearest) - slope) < 0.3 * abs(slope - 1):
            rate = float(nearest)
            return Move(round(median(at + off - rate * at for at, off, _ in offsets), 3), rate)
    middle = median(offset for _, offset, _ in offsets)
    if any(abs(offset - middle) > WORD_SPREAD_S for _, offset, _ in offsets):
        return None  # the file is cut differently: no one move fits all of it
    return Move(0.0 if abs(middle) < IN_STEP_S else round(middle, 3))


def _offsets(heard: Sequence[Token], cues: Sequence[Token]) -> list[tuple[float, float]]:
    """(time in the file, how much later it is heard) of the words of a stretch that are found again in a row."""
    if not heard:
        return []
    low, high = heard[0].at_s - MOST_OFFSET_S, heard[-1].at_s + MOST_OFFSET_S
    around = [cue for cue in cues if low <= cue.at_s <= high]
    matcher = SequenceMatcher(None, [h.text for h in heard], [c.text for c in around], autojunk=False)
    return [
        (around[block.b + i].at_s, heard[block.a + i].at_s - around[block.b + i].at_s)
        for block in matcher.get_matching_blocks()
        if block.size >= LEAST_BLOCK
        for i in range(block.size)
    ]


def move_by_voice(cues: Spans, voice: Spans, duration_s: float) -> Move | None:
    """The move under which cues are shown when somebody speaks; None where the sound does not say.

    ``Move()`` where they are in step as they are.
    """
    if len(cues) < LEAST_CUES or len(voice) < LEAST_CUES // 2 or _total(voice) < LEAST_VOICE_S:
        return None
    spoken = _active(voice, duration_s)
    unmoved = correlation(cues, voice, duration_s)
    best: tuple[float, float, Fraction] = (-1.0, 0.0, Fraction(1))
    for rate in RATES:
        if rate != 1 and abs(float(rate) - 1) * cues[-1][1] < RATE_SHOWS_S:
            continue
        shown = _active([(a * float(rate), b * float(rate)) for a, b in cues], duration_s)
        score, lag = _best_lag(shown, spoken)
        best = max(best, (score, lag, rate), key=lambda found: found[0])
    score, lag_s, rate = best
    if rate == 1 and abs(lag_s) < IN_STEP_S:
        return Move()
    if score < LEAST_SCORE or score < unmoved + LEAST_GAIN:
        return None
    return Move(round(lag_s, 3), float(rate))


def correlation(cues: Spans, voice: Spans, duration_s: float) -> float:
    """Pearson's correlation of "a cue is shown" and "somebody speaks", -1 to 1; 0 where either never changes."""
    shown, spoken = _active(cues, duration_s), _active(voice, duration_s)
    shown, spoken = shown - shown.mean(), spoken - spoken.mean()
    norm = math.sqrt(float(np.dot(shown, shown)) * float(np.dot(spoken, spoken)))
    return float(np.dot(shown, spoken)) / norm if norm else 0.0


def _best_lag(shown: npt.NDArray[np.float64], spoken: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The highest correlation over all lags up to ``MOST_OFFSET_S``, and that lag in seconds."""
    shown, spoken = shown - shown.mean(), spoken - spoken.mean()
    norm = math.sqrt(float(np.dot(shown, shown)) * float(np.dot(spoken, spoken)))
    if not norm:
        return 0.0, 0.0
    size = 1 << (2 * len(shown) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(spoken, size) * np.conj(np.fft.rfft(shown, size)), size)
    most = min(len(shown) - 1, round(MOST_OFFSET_S / STEP_S))
    lags = np.arange(-most, most + 1)
    scores = np.round(products[lags] / norm, 9)  # rounding of the FFT must not choose between equals
    best = max(range(len(lags)), key=lambda i: (scores[i], -abs(int(lags[i]))))
    return float(scores[best]), float(lags[best]) * STEP_S


def shares(cues: Spans, voice: Spans) -> tuple[float, float]:
    """The share of the voice that lies in cues, and the share of cues (by number) in which somebody speaks."""
    merged = _merged(cues)
    voice_s = _total(voice)
    covered = _overlap(merged, voice) / voice_s if voice_s else 0.0
    voiced = sum(any(a < stop and b > start for a, b in voice) for start, stop in cues)
    return min(1.0, covered), voiced / len(cues) if cues else 0.0


def _active(spans: Spans, duration_s: float) -> npt.NDArray[np.float64]:
    grid = np.zeros(max(1, math.ceil(duration_s / STEP_S)))
    for start_s, end_s in spans:
        grid[max(0, round(start_s / STEP_S)) : max(0, round(end_s / STEP_S))] = 1.0
    return grid


def _merged(spans: Spans) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged


def _overlap(one: Spans, other: Spans) -> float:
    edges = sorted({t for spans in (one, other) for span in spans for t in span})
    i = j = 0
    total = 0.0
    for a, b in pairwise(edges):
        while i < len(one) and one[i][1] <= a:
            i += 1
        while j < len(other) and other[j][1] <= a:
            j += 1
        if i < len(one) and j < len(other) and one[i][0] <= a and other[j][0] <= a:
            total += b - a
    return total


def _total(spans: Spans) -> float:
    return sum(b - a for a, b in spans)
