"""The planner: where clips begin and end.  A pure function; all times are exact.

A video is over-segmented (every shot cut, every pause between words, and a fine grid where nobody
speaks are candidate boundaries) and the cheapest sequence of boundaries is chosen by dynamic
programming.  What the result guarantees:

* the clips tile the video: they begin at its first frame, end at its last, and leave no gap;
* no boundary lies inside a word (nearer to its edge than half a frame is at its edge: the grid is no finer);
* every clip lasts ``min_s`` to ``max_s``, unless a video or an unbroken word is itself outside;
* among such sequences, the one that cuts at shots and long pauses, joins shots that look alike, and comes nearest to
  the preferred length.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Boundary = Literal["source", "shot", "turn", "pause", "limit"]

SNAP_S = Fraction(12, 100)
"""A word that reaches over a shot cut by at most this is taken to end (or begin) at the cut: Whisper's
word times are coarser than that, and people rarely speak across a hard cut."""

GRID_S = Fraction(1, 2)
"""Distance of candidate boundaries where nobody speaks and nothing cuts."""

COST_PAUSE = 1.0
COST_WORD_GAP = 3.0
COST_TURN = 0.25
COST_LIMIT = 0.75
COST_ALIKE = 2.0
COST_CUT_INSIDE = 1.5
COST_PER_CLIP = 0.25
COST_LENGTH = 0.6
COST_OUT_OF_BOUNDS = 1000.0
"""Relative prices (judgement, not measurement): a boundary at a shot cut between unlike frames is free,
one in a pause costs less the longer the pause, one between two words without a pause is a last resort unless another
speaker says the second one.  A clip costs
``COST_LENGTH`` times the square of its distance from the preferred length, as a share of that length."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds and preferred length of a clip and what counts as a pause, in seconds; ``alike`` is a histogram
    intersection."""

    min_s: float = 2.0
    target_s: float = 5.0
    max_s: float = 20.0
    min_pause_s: float = 0.3
    alike: float = 0.85


@dataclass(frozen=True, slots=True)
class Span:
    """Frames ``[first, end)`` of the clip grid, why it begins and ends there, and the cuts inside."""

    first: int
    end: int
    boundary_start: Boundary
    boundary_end: Boundary
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A clip's least, preferred and greatest length, in frames."""

    least: int
    target: float
    most: int

    def cost(self, length: int) -> float:
        if length < self.least:
            return COST_OUT_OF_BOUNDS * (1 + (self.least - length) / self.least)
        if length > self.most:
            return COST_OUT_OF_BOUNDS * (1 + (length - self.most) / self.most)
        return COST_LENGTH * ((length - self.target) / self.target) ** 2


@dataclass(frozen=True, slots=True)
class _Candidate:
    frame: int
    kind: Boundary
    cost: float


def snap_words(words: Sequence[tuple[Fraction, Fraction]], cuts: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Move word ends that overhang a shot cut by at most ``SNAP_S`` (and less than half the word) onto it."""
    snapped = []
    for start, end in words:
        for cut in cuts[bisect.bisect_right(cuts, start) : bisect.bisect_left(cuts, end)]:
            reach = min(SNAP_S, (end - start) / 2)
            if end - cut <= reach:
                end = cut
            elif cut - start <= reach:
                start = cut
        snapped.append((start, end))
    return snapped


def plan_spans(
    n_frames: int,
    fps: Fraction,
    cuts: Sequence[tuple[int, float]],
    words: Sequence[tuple[Fraction, Fraction]],
    limits: Limits,
    changes: Sequence[Fraction] = (),
) -> list[Span]:
    """Choose the clips of one video.

    Args:
        n_frames: frames of the video on the clip grid.
        fps: the grid's frames per second.
        cuts: (first frame of the new shot, similarity 0-1 across the cut), ascending.
        words: (start, end) in seconds, in any order; may overlap.
        limits: bounds.
        changes: times in seconds, each between two words of different speakers.

    Returns:
        Adjacent spans in order; empty when the video is shorter than ``limits.min_s``.
    """
    least = max(1, math.ceil(Fraction(limits.min_s).limit_denominator(10_000) * fps))
    most = max(least, math.floor(Fraction(limits.max_s).limit_denominator(10_000) * fps))
    if n_frames < least:
        return []
    inner_cuts = sorted({frame: alike for frame, alike in cuts if 0 < frame < n_frames}.items())
    candidates = _candidates(n_frames, fps, inner_cuts, words, limits, sorted(changes))
    bounds = _Bounds(least, float(Fraction(limits.target_s).limit_denominator(10_000) * fps), most)
    chosen = _cheapest(candidates, inner_cuts, bounds, limits.alike)
    frames = [frame for frame, _ in inner_cuts]
    return [
        Span(a.frame, b.frame, a.kind, b.kind, tuple(f for f in frames if a.frame < f < b.frame))
        for a, b in itertools.pairwise(chosen)
    ]


def _candidates(
    n_frames: int,
    fps: Fraction,
    cuts: Sequence[tuple[int, float]],
    words: Sequence[tuple[Fraction, Fraction]],
    limits: Limits,
    changes: Sequence[Fraction],
) -> list[_Candidate]:
    """Every frame at which a clip may begin, with its price; the video's two ends come first and last."""
    speech = _merged(words)
    ends = [end for _, end in speech]
    half_frame = 1 / (2 * fps)
    candidates = {0: _Candidate(0, "source", 0.0), n_frames: _Candidate(n_frames, "source", 0.0)}

    def offer(frame: int, kind: Boundary, cost: float) -> None:
        if 0 < frame < n_frames and not _inside_word(Fraction(frame) / fps, speech, ends, half_frame):
            known = candidates.get(frame)
            if known is None or cost < known.cost:
                candidates[frame] = _Candidate(frame, kind, cost)

    for start, end in _gaps(speech, Fraction(n_frames) / fps):
        pause = float(end - start)
        turn = bisect.bisect_left(changes, start) < bisect.bisect_right(changes, end)
        if turn:
            kind_cost = COST_TURN * min(1.0, limits.min_pause_s / pause if pause else 1.0)
            offer(round((start + end) / 2 * fps), "turn", kind_cost)
        if pause >= limits.min_pause_s:
            offer(round((start + end) / 2 * fps), "pause", COST_PAUSE * limits.min_pause_s / pause)
            for step in range(1, int(pause / GRID_S)):
                offer(round((start + step * GRID_S) * fps), "limit", COST_LIMIT)
        else:
            offer(round((start + end) / 2 * fps), "pause", COST_WORD_GAP)
    for frame, alike in cuts:
        offer(frame, "shot", COST_ALIKE * alike if alike >= limits.alike else 0.0)
    return [candidates[frame] for frame in sorted(candidates)]


def _cheapest(
    candidates: Sequence[_Candidate], cuts: Sequence[tuple[int, float]], bounds: _Bounds, alike: float
) -> list[_Candidate]:
    """Shortest path over the candidates; an edge is a clip."""
    cut_frames = [frame for frame, _ in cuts]
    inside_cost = [0.0]
    for _, similarity in cuts:
        inside_cost.append(inside_cost[-1] + (0.0 if similarity >= alike else COST_CUT_INSIDE * (1 - similarity)))
    best: list[tuple[float, int]] = [(0.0, -1)]
    for j in range(1, len(candidates)):
        here = candidates[j]
        options: list[tuple[float, int]] = []
        for i in range(j - 1, -1, -1):
            length = here.frame - candidates[i].frame
            if length > bounds.most and options:
                break
            first = bisect.bisect_right(cut_frames, candidates[i].frame)
            last = bisect.bisect_left(cut_frames, here.frame)
            cost = best[i][0] + here.cost + COST_PER_CLIP + inside_cost[max(first, last)] - inside_cost[first]
            cost += bounds.cost(length)
            options.append((round(cost, 9), i))
        best.append(min(options))
    path = [len(candidates) - 1]
    while path[-1] != 0:
        path.append(best[path[-1]][1])
    return [candidates[i] for i in reversed(path)]


def _merged(words: Sequence[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    """Overlapping words as one stretch; words that only touch stay apart, so that a cut may fall between."""
    merged: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(w for w in words if w[1] > w[0]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _gaps(speech: Sequence[tuple[Fraction, Fraction]], total_s: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Stretches without a word, from 0 to ``total_s``; between touching words a gap of no length."""
    gaps, at = [], Fraction(0)
    for start, end in speech:
        gaps.append((at, start))
        at = max(at, end)
    gaps.append((at, total_s))
    return [(start, end) for start, end in gaps if end >= start]


def _inside_word(
    at: Fraction, speech: Sequence[tuple[Fraction, Fraction]], ends: Sequence[Fraction], slack: Fraction
) -> bool:
    i = bisect.bisect_right(ends, at)
    return i < len(speech) and speech[i][0] + slack < at < speech[i][1] - slack
