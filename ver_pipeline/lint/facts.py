"""One form for a row, whether it comes from a record or from Parquet, so that the two can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.columns import Table

OWNER = {"sources": "source_id"}
"""The column by which a table's rows are compared; ``key`` for all others."""


Columns = Mapping[str, frozenset[str]]
"""Table to the columns that its file holds: an earlier release of the same version knew fewer."""


def record_facts(record: Mapping[str, Any], columns: Columns) -> Iterator[tuple[str, str, str]]:
    """``(table, owner, digest)`` of the rows that a record's JSON form puts into each table of the catalog."""
    from ver_pipeline.catalog.rows import RECORD_ROWS, source_row

    for name, rows_of in RECORD_ROWS.items():
        rows = list(rows_of(record))
        if rows and name in columns:
            yield name, record["key"], rows_digest(TABLES[name], rows, columns[name])
    if "sources" in columns:
        source = source_row(record["source"])
        yield "sources", record["source"]["id"], rows_digest(TABLES["sources"], [source], columns["sources"])


def table_facts(path: Path, table: Table) -> Iterator[tuple[str, str]]:
    """``(owner, digest)`` of the rows of a Parquet file, in its order."""
    owner = OWNER.get(table.name, "key")
    columns = file_columns(path)
    for name, rows in groupby(_rows(path), key=lambda row: row[owner]):
        yield str(name), rows_digest(table, rows, columns)


def file_columns(path: Path) -> frozenset[str]:
    """The names of a Parquet file's columns."""
    import pyarrow.parquet as pq

    return frozenset(pq.read_schema(path).names)


def rows_digest(table: Table, rows: Iterable[Mapping[str, Any]], columns: frozenset[str]) -> str:
    """16 hex digits over the rows' ``columns``, with each value in its column's type."""
    chosen = [column for column in table.columns if column.name in columns]
    plain = [[_typed(column.type, row.get(column.name)) for column in chosen] for row in rows]
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
