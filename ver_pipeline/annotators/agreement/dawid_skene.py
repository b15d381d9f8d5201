"""Dawid and Skene's estimate of the true label from labeling sources of unequal and unknown skill.

A. P. Dawid and A. M. Skene, "Maximum likelihood estimation of observer error-rates using the EM
algorithm", Applied Statistics 28 (1979).  Written from the paper's equations: a confusion table per
labeling source and class shares are estimated together with the posterior of each item's label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SMOOTHING = 0.01
MAX_ROUNDS = 100
TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Skill:
    """What is known of the labeling sources: ``confusion[labeling source][true][said]`` and the class shares."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]
    confusion: Mapping[str, tuple[tuple[float, ...], ...]]

    def posterior(self, votes: Mapping[str, str]) -> dict[str, float]:
        """Probability of each class for one item; unknown labeling sources and classes do not count."""
        weights = list(self.shares)
        for voter, said in sorted(votes.items()):
            if voter in self.confusion and said in self.classes:
                column = self.classes.index(said)
                weights = [w * self.confusion[voter][row][column] for row, w in enumerate(weights)]
        whole = sum(weights)
        return {name: (w / whole if whole else 0.0) for name, w in zip(self.classes, weights, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """A JSON form, read back by :func:`skill_from_dict`."""
        confusion = {voter: [list(row) for row in table] for voter, table in sorted(self.confusion.items())}
        return {"schema": "ver-voters/1", "classes": list(self.classes), "shares": list(self.shares),
                "confusion": confusion}  # fmt: skip


def skill_from_dict(data: Mapping[str, Any]) -> Skill:
    """The skill table of a JSON form; KeyError or TypeError where it is not one."""
    confusion = {voter: tuple(tuple(map(float, row)) for row in table) for voter, table in data["confusion"].items()}
    return Skill(tuple(data["classes"]), tuple(map(float, data["shares"])), confusion)


def fit(items: Sequence[Mapping[str, str]]) -> Skill:
    """Estimate from items, each a mapping of labeling source to label.  Starts from each item's vote shares.

    Deterministic.  Items without votes are ignored; ValueError where no item has one.
    """
    voted = [item for item in items if item]
    if not voted:
        raise ValueError("no item has a vote")
    classes = tuple(sorted({label for item in voted for label in item.values()}))
    voters = tuple(sorted({voter for item in voted for voter in item}))
    belief = [_shares(item, classes) for item in voted]
    skill = _maximise(voted, belief, classes, voters)
    for _ in range(MAX_ROUNDS):
        posterior = [skill.posterior(item) for item in voted]
        fresh = [[row[name] for name in classes] for row in posterior]
        moved = max(abs(a - b) for old, new in zip(belief, fresh, strict=True) for a, b in zip(old, new, strict=True))
        belief, skill = fresh, _maximise(voted, fresh, classes, voters)
        if moved < TOLERANCE:
            break
    return skill


def _shares(item: Mapping[str, str], classes: tuple[str, ...]) -> list[float]:
    said = list(item.values())
    return [said.count(name) / len(said) for name in classes]


def _maximise(
    items: Sequence[Mapping[str, str]],
    belief: Sequence[Sequence[float]],
    classes: tuple[str, ...],
    voters: tuple[str, ...],
) -> Skill:
    """Class shares and confusion tables that fit the current beliefs, slightly smoothed."""
    n = len(classes)
    counts = {voter: [[SMOOTHING] * n for _ in range(n)] for voter in voters}
    shares = [SMOOTHING] * n
    for item, row in zip(items, belief, strict=True):
        for true, p in enumerate(row):
            shares[true] += p
            for voter, said in item.items():
                counts[voter][true][classes.index(said)] += p
    whole = sum(shares)
    confusion = {
        voter: tuple(tuple(cell / sum(row) for cell in row) for row in table) for voter, table in counts.items()
    }
    return Skill(classes, tuple(share / whole for share in shares), confusion)
