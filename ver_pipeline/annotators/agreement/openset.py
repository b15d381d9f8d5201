"""Comparing two sets of open emotion words: equal words, equal labels, equal groups of the wheel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ver_pipeline.schemas.labels import canonical, fold, wheel


@dataclass(frozen=True, slots=True)
class SetScore:
    """Precision, recall and F1 of one set against another, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def groups(words: Iterable[str], wheel_path: str | None = None) -> frozenset[str]:
    """The wheel groups of some words.  A word outside the wheel stands for itself, so that an invented
    word costs precision instead of disappearing."""
    table = wheel(wheel_path)
    return frozenset(table.get(fold(word), f"?{fold(word)}") for word in words if fold(word))


def set_score(predicted: Iterable[str], truth: Iterable[str], wheel_path: str | None = None) -> SetScore | None:
    """Set-level scores after grouping by the wheel; None where both sets are empty."""
    left, right = groups(predicted, wheel_path), groups(truth, wheel_path)
    if not left and not right:
        return None
    hit = len(left & right)
    precision = hit / len(left) if left else 0.0
    recall = hit / len(right) if right else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    return SetScore(precision, recall, f1)


def jaccard(left: Iterable[str], right: Iterable[str]) -> float | None:
    """Overlap of the canonical labels of two word sets; None where neither has any."""
    a = {label for word in left if (label := canonical(word)) is not None}
    b = {label for word in right if (label := canonical(word)) is not None}
    return len(a & b) / len(a | b) if a | b else None
