"""Answers as text: a table that fits the terminal, CSV, JSON lines, Markdown; and Parquet.

Transcripts are untrusted text: in tables and Markdown, control characters (terminal escapes among
them) are shown as their escape, never sent.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Result

FORMATS = ("table", "csv", "json", "parquet", "markdown")
SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".md": "markdown", ".txt": "table"}
MIN_COLUMN = 6
READABLE = 10
ELLIPSIS = "…"
SEPARATOR = "  "

Rows = Iterable[Sequence[Any]]


def plain(value: Any) -> str:
    """One value on one line, safe for a terminal."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, dict):
        return plain(json.dumps(value, ensure_ascii=False, default=str))
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split()) if any(space in text for space in "\n\r\t") else text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def width_of(text: str) -> int:
    """Columns that a text takes on a terminal: two for each wide (Chinese) character."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fit(text: str, width: int) -> str:
    """The text cut to ``width`` columns, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += width_of(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def write_table(out: TextIO, columns: Sequence[str], types: Sequence[str], rows: Rows, width: int | None) -> None:
    """Columns padded to their content, made to fit ``width`` (None: no limit).

    The widest columns are cut first; columns that would then be unreadable are left out and named below.
    """
    columns = [plain(name) for name in columns]
    cells = [[plain(value) for value in row] for row in rows]
    widths = [max([width_of(name), *(width_of(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    n_shown = len(columns) if width is None else _that_fit(widths, width)
    widths = widths[:n_shown]
    if width is not None:
        _shrink(widths, width - len(SEPARATOR) * (n_shown - 1))
    right = [_is_number(type_) for type_ in types[:n_shown]]
    out.write(_line(columns[:n_shown], widths, right) + "\n")
    out.write(SEPARATOR.join("─" * n for n in widths) + "\n")
    for row in cells:
        out.write(_line(row[:n_shown], widths, right) + "\n")
    if n_shown < len(columns):
        out.write(f"(and {len(columns) - n_shown} columns more: {', '.join(columns[n_shown:])})\n")


def _that_fit(widths: Sequence[int], room: int) -> int:
    """How many of the first columns can be shown with at least :data:`READABLE` characters each."""
    used = 0
    for i, width in enumerate(widths):
        used += min(width, READABLE) + (len(SEPARATOR) if i else 0)
        if used > room:
            return max(1, i)
    return len(widths)


def _shrink(widths: list[int], room: int) -> None:
    """Take width from the widest columns until all fit ``room``, or none can give more."""
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widest = max(range(len(widths)), key=widths.__getitem__)
        others = sorted(widths, reverse=True)[1:2] or [MIN_COLUMN]
        step = max(1, min(sum(widths) - room, widths[widest] - others[0]))
        widths[widest] = max(MIN_COLUMN, widths[widest] - step)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        text = fit(cell, width)
        gap = " " * (width - width_of(text))
        parts.append(gap + text if to_right else text + gap)
    return SEPARATOR.join(parts).rstrip()


def _is_number(type_: str) -> bool:
    return type_.upper().startswith(("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "UBIGINT", "NUMBER"))


def write_csv(out: TextIO, columns: Sequence[str], types: Sequence[str], rows: Rows, width: int | None) -> None:
    """RFC 4180 with a header; lists and structs as JSON; null is empty."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_nested(value) for value in row])


def _nested(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, tuple, dict)) else value


def write_json(out: TextIO, columns: Sequence[str], types: Sequence[str], rows: Rows, width: int | None) -> None:
    """One JSON object a line."""
    for row in rows:
        out.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str) + "\n")


def write_markdown(out: TextIO, columns: Sequence[str], types: Sequence[str], rows: Rows, width: int | None) -> None:
    """A pipe table; pipes and markup in values are escaped."""
    out.write("| " + " | ".join(_escaped(plain(name)) for name in columns) + " |\n")
    out.write("|" + "|".join(" ---: " if _is_number(type_) else " --- " for type_ in types) + "|\n")
    for row in rows:
        out.write("| " + " | ".join(_escaped(plain(value)) for value in row) + " |\n")


def _escaped(text: str) -> str:
    for char in "\\|<>`*[]":
        text = text.replace(char, "\\" + char)
    return text


WRITERS: dict[str, Callable[[TextIO, Sequence[str], Sequence[str], Rows, int | None], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "markdown": write_markdown,
}


def write_parquet(result: Result, path: Path) -> int:
    """Write an answer as Parquet, streamed; the number of rows.  ``path`` appears whole or not at all."""
    import pyarrow.parquet as pq

    partial = path.with_name(path.name + ".partial")
    n_rows = 0
    try:
        with result.batches() as reader, pq.ParquetWriter(partial, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                n_rows += batch.num_rows
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return n_rows


def show(out: TextIO, result: Result, form: str, limit: int, width: int | None) -> None:
    """Write at most ``limit`` rows (0: all) and say when there are more."""
    rows = itertools.islice(result, limit or None)
    WRITERS[form](out, result.columns, result.types, rows, width)
    if limit and result.fetch(1):
        sys.stderr.write(f"({limit} rows shown; there are more: --limit 0 shows all)\n")
