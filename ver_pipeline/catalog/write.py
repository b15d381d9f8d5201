"""Write the catalog tables: same rows, same bytes.

Memory is bounded by one row group a table (:data:`ROW_GROUP`), whatever the number of records;
sources, rejects and runs are few and are sorted in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ver_pipeline.catalog.rows import RECORD_ROWS, reject_row, source_row
from ver_pipeline.schemas.catalog_tables import RUNS, TABLES
from ver_pipeline.schemas.columns import Table, arrow_schema
from ver_pipeline.schemas.tables import INDEX

ROW_GROUP = 16_384


class TableWriter:
    """Rows in, one Parquet file out, in row groups of exactly :data:`ROW_GROUP` rows.

    The bytes depend on the rows, their order and the Parquet library only: no clock, no thread count.
    A row with an unknown or missing column is a ``ValueError``.
    """

    def __init__(self, table: Table, path: Path, *, optional: bool = False) -> None:
        import pyarrow.parquet as pq

        self._table = table
        self._names = frozenset(table.names)
        self._optional = optional
        self._schema = arrow_schema(table)
        self._columns: dict[str, list[Any]] = {name: [] for name in table.names}
        self._waiting = 0
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=3, version="2.6", use_dictionary=True
        )

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None and self._waiting:
                self._flush()
        finally:
            self._writer.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row.

        Raises:
            ValueError: it has columns that the table lacks, or lacks some (unless ``optional``).
        """
        wrong = row.keys() - self._names if self._optional else row.keys() ^ self._names
        if wrong:
            raise ValueError(f"table {self._table.name}: columns {sorted(wrong)} are unknown or missing")
        for name, values in self._columns.items():
            values.append(row.get(name))
        self._waiting += 1
        if self._waiting == ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        arrays = [pa.array(self._columns[field.name], field.type) for field in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP)
        self._columns = {name: [] for name in self._columns}
        self._waiting = 0


def write_rows(table: Table, rows: Iterable[Mapping[str, Any]], path: Path, *, optional: bool = False) -> Path:
    """Write rows that are already in the table's order.  ``optional``: absent columns become null."""
    with TableWriter(table, path, optional=optional) as writer:
        for row in rows:
            writer.write(row)
    return path


def write_index(rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write the index (rows as ``INDEX`` names them, ascending by key; the two hashes may be absent)."""
    unhashed = {"json_sha256": None, "jpg_sha256": None}
    return write_rows(INDEX, ({**unhashed, **row} for row in rows), path)


def write_catalog(
    records: Iterable[Mapping[str, Any]],
    sources: Iterable[Mapping[str, Any]],
    rejects: Iterable[Mapping[str, Any]],
    runs: Iterable[Mapping[str, Any]],
    out_dir: Path,
) -> dict[str, Path]:
    """Write ``out_dir/<table>.parquet`` for every table and return table name -> path.

    Args:
        records: ``Record`` dicts (JSON types) in ascending order of ``key``; read once, streamed.
        sources: ``Source`` dicts; one given twice is written once.
        rejects: rows as ``Reject.to_row`` gives them.
        runs: rows of the ``runs`` table; columns that were not measured may be absent.
        out_dir: created when absent; files of the same names are overwritten.

    Raises:
        ValueError: a record out of order or twice, or a row with an unknown column.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = {name: out_dir / f"{name}.parquet" for name in TABLES}
    with ExitStack() as stack:
        writers = {name: stack.enter_context(TableWriter(TABLES[name], paths[name])) for name in RECORD_ROWS}
        last = ""
        for record in records:
            if record["key"] <= last:
                raise ValueError(f"records must come in ascending order of key: {record['key']} after {last}")
            last = record["key"]
            for name, rows in RECORD_ROWS.items():
                for row in rows(record):
                    writers[name].write(row)
    by_id = {source["id"]: source for source in sources}
    write_rows(TABLES["sources"], (source_row(by_id[id_]) for id_ in sorted(by_id)), paths["sources"])
    write_rows(TABLES["rejects"], _sorted("rejects", map(reject_row, rejects)), paths["rejects"])
    write_rows(RUNS, _sorted("runs", runs), paths["runs"], optional=True)
    return paths


def _sorted(name: str, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows in the table's order, nulls first."""
    order = TABLES[name].order
    return sorted(rows, key=lambda row: tuple((row.get(c) is not None, str(row.get(c) or "")) for c in order))
