"""Closed-label metrics with the labels given, never guessed from the data.

Two traps of published scripts are designed out: a reply that merely contains the right word is no hit
(see ``reply.py``), and an answer outside the label set is a miss, not an extra class that would enter
the average.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ClosedScores:
    """Scores over ``n`` pairs; all in [0, 1].

    ``accuracy`` equals the weighted average recall (WAR).  ``uar`` and ``macro_f1`` average over
    ``classes``: the labels that occur in the references.  ``unanswered`` is the share of predictions
    outside the label set (no answer, several answers, abstentions): they count as misses.
    """

    n: int
    accuracy: float
    uar: float
    macro_f1: float
    weighted_f1: float
    unanswered: float
    classes: tuple[str, ...]
    recall: dict[str, float]
    confusion: dict[str, dict[str, int]]

    @property
    def war(self) -> float:
        """Weighted average recall: the accuracy."""
        return self.accuracy


def closed_scores(truth: Sequence[str], predicted: Sequence[str | None], labels: Sequence[str]) -> ClosedScores:
    """Score predictions; None stands for no usable answer.

    Raises:
        ValueError: nothing to score, unequal lengths, or a reference outside ``labels``.
    """
    if not truth or len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} references, {len(predicted)} predictions")
    if strangers := set(truth) - set(labels):
        raise ValueError(f"references outside the label set: {sorted(strangers)}")
    answers = [p if p in labels else None for p in predicted]
    support, claimed = Counter(truth), Counter(answers)
    hits = Counter(t for t, p in zip(truth, answers, strict=True) if t == p)
    classes = tuple(label for label in labels if support[label])
    recall = {c: hits[c] / support[c] for c in classes}
    f1 = {c: 2 * hits[c] / (support[c] + claimed[c]) for c in classes}
    confusion = {c: dict(sorted(Counter(str(p) for t, p in zip(truth, answers, strict=True) if t == c).items()))
                 for c in classes}  # fmt: skip
    n = len(truth)
    return ClosedScores(
        n=n,
        accuracy=sum(hits.values()) / n,
        uar=sum(recall.values()) / len(classes),
        macro_f1=sum(f1.values()) / len(classes),
        weighted_f1=sum(f1[c] * support[c] for c in classes) / n,
        unanswered=claimed[None] / n,
        classes=classes,
        recall=recall,
        confusion=confusion,
    )


def interval(hits: Sequence[bool], draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of a share (percentiles; a fixed seed, so a report repeats itself)."""
    values = np.asarray(hits, dtype=float)
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile(values[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)
