"""Open-vocabulary scores: sets of emotion words compared after grouping them on an emotion wheel.

MER-UniBench's formula: precision and recall of the grouped sets per clip, each averaged over the
clips, and F from the two averages (not the average of the clips' F).  Words the wheel does not hold
are left out on both sides; a clip whose truth keeps nothing is skipped, and counted as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ver_pipeline.schemas import labels


@dataclass(frozen=True, slots=True)
class SetScores:
    """Set-level scores; ``mean_size`` shows whether long lists bought the recall."""

    n: int
    skipped: int
    precision: float
    recall: float
    f1: float
    mean_size: float
    unmapped: float


def grouped(words: Iterable[str], wheel: Mapping[str, str]) -> frozenset[str]:
    """The wheel groups of words in either language."""
    return frozenset(wheel[w] for w in map(labels.fold, words) if w in wheel)


def set_scores(
    truth: Sequence[Iterable[str]], predicted: Sequence[Iterable[str]], wheel: Mapping[str, str] | None = None
) -> SetScores:
    """Score sets of words.  ``wheel`` maps a folded word to its group; ours when None.

    Raises:
        ValueError: unequal lengths, or no clip whose truth the wheel knows.
    """
    wheel = labels.wheel() if wheel is None else wheel
    precisions, recalls, sizes, skipped, words, lost = [], [], [], 0, 0, 0
    for true, claimed in zip(truth, predicted, strict=True):
        claimed = list(claimed)
        right, answer = grouped(true, wheel), grouped(claimed, wheel)
        if not right:
            skipped += 1
            continue
        words += len(claimed)
        lost += sum(labels.fold(w) not in wheel for w in claimed)
        common = len(right & answer)
        precisions.append(common / len(answer) if answer else 0.0)
        recalls.append(common / len(right))
        sizes.append(len(answer))
    if not recalls:
        raise ValueError("no clip has a true word that the wheel holds")
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return SetScores(
        len(recalls), skipped, precision, recall, f1, sum(sizes) / len(sizes), lost / words if words else 0.0
    )
