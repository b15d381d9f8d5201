"""Which frames a video really gave: where its decoder gave none, a grid of constant rate repeats the last one."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

ENOUGH = Fraction(1, 2)
"""Of the frames that a clip should have.  With fewer it shows a still under running audio."""
HOLE_S = 1.0
"""A time without a frame that the record tells of."""
FRAMES_MISSING = "frames_missing"
"""What the record calls it, under ``media.not_normalised``."""


def read_times(timecodes: bytes) -> list[float]:
    """Times of decoded frames, in seconds, ascending, from timecodes (format v2: one number of ms a line)."""
    lines = timecodes.decode("ascii").splitlines()
    return sorted(int(line) / 1000 for line in lines if not line.startswith("#"))


def shortfall(times_s: Sequence[float], start_s: Fraction, end_s: Fraction, fps: Fraction) -> str | None:
    """What is wrong with a clip of which less than ``ENOUGH`` was decoded; None where nothing is.

    Args:
        times_s: when decoded frames come, ascending, on the clock of ``start_s`` and ``end_s``.
        fps: the rate of the video's whole frames, which must be constant.
    """
    wanted = (end_s - start_s) * fps
    n_decoded = len(_within(times_s, start_s, end_s, fps))
    return None if n_decoded >= ENOUGH * wanted else f"{n_decoded} of its {round(wanted)} frames decode"


def has_hole(times_s: Sequence[float], start_s: Fraction, end_s: Fraction, fps: Fraction) -> bool:
    """Whether a clip of a constant rate has no frame for longer than ``HOLE_S``; arguments as of :func:`shortfall`."""
    there = [float(start_s), *_within(times_s, start_s, end_s, fps), float(end_s)]
    return max(b - a for a, b in itertools.pairwise(there)) > HOLE_S + float(1 / fps)


def _within(times_s: Sequence[float], start_s: Fraction, end_s: Fraction, fps: Fraction) -> Sequence[float]:
    half_frame_s = 1 / (2 * fps)
    return times_s[
        bisect_left(times_s, float(start_s - half_frame_s)) : bisect_left(times_s, float(end_s - half_frame_s))
    ]
