"""The frame rate of a video whose frames do not come evenly: the rate on whose grid all of them have a place.

Frames that are missing now and then, 24 frames a second that are flagged to be shown in three and two fields, and
cameras whose rate varies have an average that no frame keeps to; a grid of that rate loses some frames and shows others
twice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

STANDARD = tuple(map(Fraction, ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")))
"""Frame rates of cinema and broadcast, in frames a second."""
NEAR = Fraction(6, 100)
"""A standard rate is tried where it is so near to the average or to the usual one."""
ROUNDED = Fraction(1, 5000)
"""What the container says means the standard rate that is so near: it was counted out of rounded times."""
TIE_FRAMES = 0.001
"""Times are rounded in their containers: a frame so near to the middle between two places takes the earlier one."""


def best_rate(stamps: Sequence[Fraction], nominal: Fraction) -> Fraction:
    """The rate whose grid loses the fewest frames, then repeats the fewest; in doubt ``nominal``.

    Tried are ``nominal``, the average rate, the usual one (the median's) and standard rates near to these.

    Args:
        stamps: when the frames are shown, in seconds, in order and not all at once.
        nominal: what the container says, in frames a second.
    """
    gaps = sorted(b - a for a, b in itertools.pairwise(stamps) if b > a)
    usual = 1 / gaps[len(gaps) // 2]
    average = _average(stamps)
    near = [rate for rate in STANDARD if any(abs(rate / measured - 1) <= NEAR for measured in (average, usual))]
    meant = [rate for rate in near if abs(rate / nominal - 1) <= ROUNDED]
    tried = [*meant, nominal, *sorted(near, key=lambda rate: abs(rate - average)), usual, average]
    times_s = [float(at - stamps[0]) for at in stamps]
    return min(tried, key=lambda rate: _cost(times_s, float(rate)))


def _average(stamps: Sequence[Fraction]) -> Fraction:
    """Frames a second, from the middle of the first half of all frames to the middle of the second: a first or last one
    that comes early or late hardly counts."""
    half = len(stamps) // 2
    apart_s = (sum(stamps[-half:], Fraction(0)) - sum(stamps[:half], Fraction(0))) / half
    return (len(stamps) - half) / apart_s


def _cost(times_s: Sequence[float], rate: float) -> tuple[int, int]:
    """How many frames have no place of their own on the grid, and how many places no frame of their own."""
    places = {math.ceil(at * rate - 0.5 - TIE_FRAMES) for at in times_s}
    return len(times_s) - len(places), max(places) + 1 - len(places)
