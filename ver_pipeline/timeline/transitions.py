"""Hard cuts and gradual transitions, joined: a dissolve or a fade is one boundary, in its middle."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

TRANSITION_S = Fraction(3, 2)
"""Signs of a gradual transition that are nearer to each other than this belong to one."""
CUT_S = Fraction(3, 4)
"""A sign this near to a hard cut is that cut."""


def join_transitions(cuts: Sequence[Fraction], gradual: Sequence[Fraction]) -> list[Fraction]:
    """All boundaries in order of time, in seconds.

    Args:
        cuts: where the frame changes at once.
        gradual: where a detector of dissolves or fades saw a sign; several for one transition.
    """
    groups: list[list[Fraction]] = []
    for at in sorted(set(gradual)):
        if any(abs(at - cut) < CUT_S for cut in cuts):
            continue
        if groups and at - groups[-1][-1] < TRANSITION_S:
            groups[-1].append(at)
        else:
            groups.append([at])
    return sorted({*cuts, *((group[0] + group[-1]) / 2 for group in groups)})
