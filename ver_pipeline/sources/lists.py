"""Lists of videos: CSV, JSONL or Parquet with a row a file and what may be said of it."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.bounded_parquet import read_bounded
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError, UsageError

SIDECAR_FIELDS = frozenset(
    {
        "path",
        "uri",
        "license",
        "rights_basis",
        "consent",
        "group_id",
        "group",
        "speaker",
        "language",
        "title",
        "collection",
    }
)
"""What a sidecar, or a row of a list, may say of a video."""
RIGHTS_FIELDS = frozenset({"license", "rights_basis", "consent"})
LIST_SUFFIXES = (".csv", ".jsonl", ".parquet")


def read_manifest(path: str) -> dict[str, dict[str, Any]]:
    """Rows of a manifest (CSV, JSONL or Parquet) by their ``path`` column, in Unicode NFC.

    Raises:
        UsageError: when it cannot be read, has no ``path`` column, or says two things of one file.
    """
    entries: dict[str, dict[str, Any]] = {}
    for row in rows_of(Path(path)):
        name = unicodedata.normalize("NFC", path_of(row, Path(path)))
        if entries.setdefault(name, row) != row:
            raise UsageError(f"the list {path} has two rows for {name} that differ", "keep one of them")
    return entries


def path_of(row: dict[str, Any], path: Path) -> str:
    """The file that a row of the list ``path`` names, in its column ``path`` or ``uri``.

    Raises:
        UsageError: it names none.
    """
    name = row.get("path") or row.get("uri")
    if not isinstance(name, str) or not name:
        raise UsageError(f"a row of {path} has no 'path'", "every row names a file, relative to --source")
    return name


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a list without the cells that hold nothing; what JSON cannot hold (a date) as text.

    Raises:
        UsageError: it cannot be read, a row does not fit its columns, or a column is none of ``SIDECAR_FIELDS``.
    """
    try:
        rows = _read(path)
    except (OSError, ValueError, MemoryError, csv.Error) as error:
        raise UsageError(
            f"the list {path} cannot be read: {error}", "CSV, JSONL or Parquet with a 'path' column"
        ) from (error)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or None in row:
            raise UsageError(f"row {number} of the list {path} does not fit its columns", "mend that row")
    _require_known({name for row in rows for name in row}, path)
    filled = [{k: v for k, v in row.items() if v not in ("", None) and v == v} for row in rows]  # NaN is not itself
    return [json.loads(json.dumps(row, default=str)) for row in filled]


def _require_known(names: Iterable[str], path: Path) -> None:
    if unknown := sorted(set(names) - SIDECAR_FIELDS):
        cure = f"known are {', '.join(sorted(SIDECAR_FIELDS))}"
        raise UsageError(f"the list {path} has the unknown column {unknown[0]!r}", cure)


def _read(path: Path) -> list[Any]:
    if path.suffix.lower() == ".csv":
        with open(path, newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    if path.suffix.lower() == ".jsonl":
        return [parse_json(line) for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    return _read_parquet(path)


def _read_parquet(path: Path) -> list[Any]:
    """Rows of a table, of which nothing is unpacked before its columns and its size are known to be a list's."""
    import pyarrow.parquet

    names = pyarrow.parquet.read_schema(path).names
    _require_known(names, path)
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the column {twice[0]!r} is there twice")
    try:
        return list(read_bounded(path, names).to_pylist())
    except CorruptDataError as error:
        raise UsageError(error.what, "a list holds one row a file, and plain values") from error
