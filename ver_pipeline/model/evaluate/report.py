"""Evaluation reports: answers or files in, one nested dict of numbers out, and its text form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ver_pipeline.model.evaluate.answers import Answer
from ver_pipeline.model.evaluate.closed import closed_scores, interval
from ver_pipeline.model.evaluate.layouts import LAYOUTS, paired, read_rows, true_class
from ver_pipeline.model.evaluate.openset import set_scores
from ver_pipeline.model.evaluate.overlap import overlap_scores
from ver_pipeline.model.evaluate.reply import ABSTAIN, claimed_label, claimed_words, classes_of, in_taxonomy
from ver_pipeline.schemas import labels
from ver_pipeline.schemas.errors import UsageError


def score_answers(given: Sequence[Answer], taxonomy: str, wheel: dict[str, str] | None = None) -> dict[str, Any]:
    """Scores per language: closed labels, abstention, open words, overlap of descriptions."""
    report: dict[str, Any] = {}
    for language in dict.fromkeys(a.language for a in given):
        mine = [a for a in given if a.language == language]
        scores = {
            "label": _closed([a for a in mine if a.task == "label"], language, taxonomy),
            "open": _open([a for a in mine if a.task == "open"], language, wheel),
            "describe": _overlap([a for a in mine if a.task == "describe"], language),
        }
        report[language] = {name: value for name, value in scores.items() if value is not None}
    return report


def score_files(reference: Path, predictions: Path, layout: str, wheel: dict[str, str] | None = None) -> dict[str, Any]:
    """Scores of a file of predictions against a reference file in a public layout.

    Raises:
        UsageError: the files do not fit the layout or each other.
    """
    form = LAYOUTS.get(layout)
    truth, answers = read_rows(reference, layout), _read_predictions(predictions, layout)
    pairs = paired(truth, answers)
    report: dict[str, Any] = {"layout": layout, "clips": len(pairs)}
    if form is None or not pairs:
        raise UsageError(f"{reference} has no rows", "give the reference table")
    labelled = [(t, p) for t, p in pairs if t.label]
    known = [(true_class(t.label, form.taxonomy), t, p) for t, p in labelled]
    scored = [(c, p) for c, _, p in known if c is not None]
    if scored:
        claimed = [in_taxonomy(claimed_label(p.label or p.text, _script(p.label or p.text)), form.taxonomy)
                   for _, p in scored]  # fmt: skip
        closed = closed_scores([c for c, _ in scored], claimed, classes_of(form.taxonomy))
        report["label"] = _with_interval(asdict(closed), [c == a for (c, _), a in zip(scored, claimed, strict=True)])
        report["label"]["unknown_references"] = sorted({t.label for c, t, _ in known if c is None})
    described = [(t, p) for t, p in pairs if t.text]
    if described:
        language = _script(described[0][0].text)
        report["overlap"] = asdict(
            overlap_scores([t.text for t, _ in described], [p.text for _, p in described], language)
        )
        words = [(claimed_words(t.text, language), claimed_words(p.text, language)) for t, p in described]
        if any(w[0] for w in words):
            report["open"] = asdict(set_scores([w[0] for w in words], [w[1] for w in words], wheel))
    return report


def as_text(report: dict[str, Any], indent: str = "") -> str:
    """The report for people: one number a line."""
    lines = []
    for name, value in report.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", as_text(value, indent + "  ")]
        elif isinstance(value, float):
            lines.append(f"{indent}{name:<18} {value:.4f}")
        else:
            lines.append(f"{indent}{name:<18} {value}")
    return "\n".join(line for line in lines if line)


def _closed(given: Sequence[Answer], language: labels.TextLanguage, taxonomy: str) -> dict[str, Any] | None:
    if not given:
        return None
    claims = [claimed_label(a.reply, language) for a in given]
    truths = [a.record["emotion"]["primary"] for a in given]
    determined = [
        (in_taxonomy(t, taxonomy), in_taxonomy(c, taxonomy) if c != ABSTAIN else None)
        for t, c in zip(truths, claims, strict=True)
        if t != ABSTAIN and in_taxonomy(t, taxonomy) is not None
    ]
    abstained = [c == ABSTAIN for c in claims]
    report: dict[str, Any] = {
        "taxonomy": taxonomy,
        "abstained": sum(abstained),
        "rightly_abstained": sum(a and t == ABSTAIN for a, t in zip(abstained, truths, strict=True)),
        "undetermined_references": sum(t == ABSTAIN for t in truths),
    }
    if determined:
        truth, claimed = zip(*determined, strict=True)
        closed = asdict(closed_scores([str(t) for t in truth], claimed, classes_of(taxonomy)))
        report |= _with_interval(closed, [t == c for t, c in determined])
    return report


def _open(
    given: Sequence[Answer], language: labels.TextLanguage, wheel: dict[str, str] | None
) -> dict[str, Any] | None:
    truth = [[o[language] for o in a.record["emotion"]["labels_open"]] for a in given]
    if not any(truth):
        return None
    return asdict(set_scores(truth, [claimed_words(a.reply, language) for a in given], wheel))


def _overlap(given: Sequence[Answer], language: labels.TextLanguage) -> dict[str, Any] | None:
    if not given:
        return None
    return asdict(
        overlap_scores([a.record["description"][language] for a in given], [a.reply for a in given], language)
    )


def _with_interval(scores: dict[str, Any], hits: list[bool]) -> dict[str, Any]:
    low, high = interval(hits)
    return {**scores, "accuracy_95": [round(low, 4), round(high, 4)]}


def _read_predictions(path: Path, layout: str) -> dict[str, Any]:
    """Predictions in the reference's own layout, or in ours (name, label or text)."""
    try:
        return read_rows(path, "labels")
    except UsageError:
        return read_rows(path, layout)


def _script(text: str) -> labels.TextLanguage:
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"


def wheel_of(path: Path | None) -> dict[str, str]:
    """Our emotion wheel, or an external one by path."""
    return labels.wheel(None if path is None else str(path))
