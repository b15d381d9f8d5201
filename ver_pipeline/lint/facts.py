"""One form for a row, whether it comes from a record or from Parquet, so that the two can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.tables import TABLES, Table

OWNER = {"sources": "source_id"}
"""The column by which a table's rows are compared; ``key`` for all others."""


def record_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """``(table, owner, digest)`` of the rows that a record's JSON form puts into each table of the catalog."""
    from ver_pipeline.catalog.rows import RECORD_ROWS, source_row

    for name, rows_of in RECORD_ROWS.items():
        rows = list(rows_of(record))
        if rows:
            yield name, record["key"], rows_digest(TABLES[name], rows)
    yield "sources", record["source"]["id"], rows_digest(TABLES["sources"], [source_row(record["source"])])


def table_facts(path: Path, table: Table) -> Iterator[tuple[str, str]]:
    """``(owner, digest)`` of the rows of a Parquet file, in its order."""
    owner = OWNER.get(table.name, "key")
    for name, rows in groupby(_rows(path), key=lambda row: row[owner]):
        yield str(name), rows_digest(table, rows)


def rows_digest(table: Table, rows: Iterable[Mapping[str, Any]]) -> str:
    """16 hex digits over the rows, with each value in its column's type."""
    plain = [[_typed(column.type, row.get(column.name)) for column in table.columns] for row in rows]
    return hashlib.sha256(canonical_json(plain)).hexdigest()[:16]


def _typed(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "float":
        return float(value)
    if kind == "floats":
        return [float(v) for v in value]
    return list(value) if kind == "strings" else value


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(4096):
            yield from batch.to_pylist()
