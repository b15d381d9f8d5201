"""CSV layouts of public benchmarks and of predictions.  The files are the user's; none is shipped."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ver_pipeline.schemas import labels
from ver_pipeline.schemas.errors import UsageError

NAME_COLUMNS = ("name", "names", "video_name", "key")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold what.  ``taxonomy`` is that of the label column."""

    label_columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    taxonomy: str
    language: str


LAYOUTS: Mapping[str, Layout] = {
    "mer2024": Layout(("discrete",), (), "mer6", "en"),
    "dfew": Layout(("label",), (), "dfew7", "en"),
    "emer": Layout(("emotions", "emotion"), ("reasons", "chi_reasons", "eng_reasons"), "canonical", "zh"),
    "labels": Layout(("label", "prediction", "emotion"), ("text", "reply"), "canonical", "en"),
}
"""MER2024's reference table, a DFEW single-label fold, EMER v1 (one file a language), and ours."""


@dataclass(frozen=True, slots=True)
class Row:
    """One clip of a file: the label as written, the text, either empty when the file has none."""

    name: str
    label: str
    text: str


def read_rows(path: Path, layout: str) -> dict[str, Row]:
    """Rows by clip name.

    Raises:
        UsageError: unknown layout, missing columns, or a name that occurs twice.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}", f"one of {', '.join(LAYOUTS)}")
    form = LAYOUTS[layout]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            table = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "give a CSV file in UTF-8") from error
    name = _column(columns, NAME_COLUMNS)
    label, text = _column(columns, form.label_columns), _column(columns, form.text_columns)
    if name is None or (label is None and text is None):
        wanted = f"{'/'.join(NAME_COLUMNS)} and {'/'.join(form.label_columns + form.text_columns)}"
        raise UsageError(f"{path} has columns {columns}", f"layout {layout} wants {wanted}")
    rows: dict[str, Row] = {}
    for line in table:
        clip = _clip_name(line[name])
        if clip in rows:
            raise UsageError(f"{path}: {clip!r} occurs twice", "keep one row a clip")
        rows[clip] = Row(clip, (line[label] if label else "").strip(), (line[text] if text else "").strip())
    return rows


def true_class(value: str, taxonomy: str) -> str | None:
    """A reference label as a class of the taxonomy: its name in either language, or DFEW's code."""
    if taxonomy == "canonical":
        return labels.canonical(value)
    label = labels.from_closed(taxonomy, value)  # type: ignore[arg-type]
    return None if label is None else labels.closed_labels(label)[taxonomy]


def paired(truth: Mapping[str, Row], predicted: Mapping[str, Row]) -> list[tuple[Row, Row]]:
    """Rows of the same clip, in the reference's order; a clip without prediction gets an empty one.

    Raises:
        UsageError: predictions for clips that the reference does not have.
    """
    if strangers := sorted(predicted.keys() - truth.keys()):
        raise UsageError(f"predictions for unknown clips: {strangers[:5]}", "do the names agree?")
    return [(row, predicted.get(name, Row(name, "", ""))) for name, row in truth.items()]


def _column(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in wanted if name in by_name), None)


def _clip_name(value: str) -> str:
    """File names with and without a media suffix are the same clip; DFEW's 1 and 00001 are too."""
    stem = value.strip().removesuffix(".mp4").removesuffix(".avi")
    return str(int(stem)) if stem.isdigit() else stem
