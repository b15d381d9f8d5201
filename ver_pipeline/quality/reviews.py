"""How well each annotator agrees with human reviewers: kappa and F1 over the clips that were reviewed.

The truth of a clip is the label of its human record.  An annotator is judged by its own annotation of
that clip, which stands among the record's alternatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """One annotator against the reviewers.  ``kappa`` is None where chance agreement is certain."""

    annotator: str
    n: int
    n_abstained: int
    accuracy: float
    kappa: float | None
    macro_f1: float


def human_scores(records: Iterable[Mapping[str, Any]]) -> list[Score]:
    """A score per annotator over all records that a human decided, sorted by name.

    Abstentions (``undetermined``) are counted, and count as wrong where the human named a label.
    """
    pairs: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        if record.get("human") is None:
            continue
        truth = record["emotion"]["primary"]
        seen: set[str] = set()
        for other in record["alternatives"]:
            provenance = other["provenance"]
            name = f"{provenance['annotator']}:{provenance['model']}"
            if provenance["tier"] != "human" and name not in seen:
                seen.add(name)
                pairs.setdefault(name, []).append((truth, other["emotion"]["primary"]))
    return [_score(name, rows) for name, rows in sorted(pairs.items())]


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa (J. Cohen, 1960); None where expected agreement is 1, so that nothing can be said."""
    n = len(pairs)
    if not n:
        return None
    observed = sum(a == b for a, b in pairs) / n
    names = {name for pair in pairs for name in pair}
    expected = sum(
        (sum(a == name for a, _ in pairs) / n) * (sum(b == name for _, b in pairs) / n) for name in sorted(names)
    )
    return None if expected >= 1.0 else (observed - expected) / (1.0 - expected)


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 over the classes that occur in the truth (the first of each pair)."""
    classes = sorted({truth for truth, _ in pairs})
    if not classes:
        return 0.0
    total = 0.0
    for name in classes:
        hit = sum(a == b == name for a, b in pairs)
        total += 2 * hit / (sum(a == name for a, _ in pairs) + sum(b == name for _, b in pairs))
    return total / len(classes)


def _score(name: str, rows: Sequence[tuple[str, str]]) -> Score:
    return Score(
        annotator=name,
        n=len(rows),
        n_abstained=sum(said == "undetermined" for _, said in rows),
        accuracy=sum(a == b for a, b in rows) / len(rows),
        kappa=cohen_kappa(rows),
        macro_f1=macro_f1(rows),
    )
