"""Overlap of two explanations, without a judge model: clues by character n-grams, labels by sets.

EMER scores clue and label overlap with a hosted language model of 2023.  These are local stand-ins:
chrF (Popovic 2015: character n-grams up to 6, recall weighted by beta 2), which needs no word
segmentation and so treats English and Chinese alike, and the F of the claimed label sets.  They rank;
they are not comparable with published EMER numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ver_pipeline.schemas import labels

ORDER, BETA = 6, 2.0


@dataclass(frozen=True, slots=True)
class OverlapScores:
    """Means over ``n`` pairs: chrF of the text and F of the label sets."""

    n: int
    clue_chrf: float
    label_f1: float


def chrf(truth: str, claimed: str) -> float:
    """Character n-gram F of one pair, in [0, 1]; white space and letter case do not count."""
    a, b = ("".join(text.lower().split()) for text in (truth, claimed))
    precisions, recalls = [], []
    for n in range(1, ORDER + 1):
        left, right = _grams(a, n), _grams(b, n)
        if not left or not right:
            continue
        common = sum((left & right).values())
        precisions.append(common / sum(right.values()))
        recalls.append(common / sum(left.values()))
    if not recalls:
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    below = BETA**2 * precision + recall
    return (1 + BETA**2) * precision * recall / below if below else 0.0


def label_f1(truth: str, claimed: str, language: labels.TextLanguage) -> float:
    """F of the sets of labels that two texts claim; two texts without any agree."""
    a, b = set(labels.extract(truth, language)), set(labels.extract(claimed, language))
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def overlap_scores(truth: Sequence[str], claimed: Sequence[str], language: labels.TextLanguage) -> OverlapScores:
    """Mean overlaps.

    Raises:
        ValueError: unequal lengths or nothing to score.
    """
    pairs = list(zip(truth, claimed, strict=True))
    if not pairs:
        raise ValueError("nothing to score")
    return OverlapScores(
        len(pairs),
        sum(chrf(t, c) for t, c in pairs) / len(pairs),
        sum(label_f1(t, c, language) for t, c in pairs) / len(pairs),
    )


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))
