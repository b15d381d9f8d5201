"""The one connection to DuckDB: views of Parquet files, then everything else shut (``sandbox.py``).

A view must name its file, and whoever may ask may ask for the view's text, its plan or an error message.  So files are
reached through open folders: ``/dev/fd/7/clips-1a2b3c4d.parquet`` does not tell where the data set lies.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog import sandbox
from ver_pipeline.catalog.limits import Limits, settings_of
from ver_pipeline.schemas.bounded_parquet import require_rows
from ver_pipeline.schemas.columns import Table

if TYPE_CHECKING:
    import duckdb

_DUCKDB_TYPES = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN",
                 "strings": "VARCHAR[]", "floats": "DOUBLE[]"}  # fmt: skip


class Addresses:
    """Addresses of files that do not tell where they lie.  Where the system has no ``/dev/fd`` they do."""

    def __init__(self) -> None:
        self._folders: dict[Path, int] = {}
        self._closed = weakref.finalize(self, _close, self._folders)

    def of(self, path: Path) -> str:
        """The address of a file, which need not exist, in a folder that does."""
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        address = f"/dev/fd/{self._folders[folder]}"
        return f"{address}/{path.name}" if os.path.isdir(f"{address}/.") else str(path)

    def plain(self, text: str) -> str:
        """A text (an error's) without addresses and places: the bare names of the files."""
        for folder, fd in sorted(self._folders.items(), key=lambda item: -len(str(item[0]))):
            for place in (f"/dev/fd/{fd}/", f"{folder}/", f"{os.path.realpath(folder)}/"):
                text = text.replace(place, "")
        return text

    def close(self) -> None:
        """Let go of the folders."""
        self._closed()


def connect(
    views: Mapping[str, tuple[Table, Path | None]],
    joined: Mapping[str, str],
    spill_dir: Path,
    addresses: Addresses,
    limits: Limits,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database in memory that can read the views and nothing else, for good.

    Args:
        views: name of a view to the table that it shows and its file; None where the data set has none.
        joined: names of further views to their SQL over the others.
        spill_dir: where DuckDB may put what does not fit in memory; made on demand.

    Raises:
        duckdb.Error: a file is no Parquet.
        CorruptDataError: one tells of more rows than its bytes can hold.
    """
    import duckdb

    config: dict[str, Any] = {"python_enable_replacements": False}
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    files = {name: None if path is None else addresses.of(path) for name, (_, path) in views.items()}
    for name, (table, _) in views.items():
        connection.execute(f'CREATE VIEW "{name}" AS {_select(table, files[name])}')
    for name, (_, path) in views.items():
        if path is not None:
            row_count = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [files[name]]).fetchone()
            require_rows(path, row_count[0] if row_count else 0)
    columns_by_view: dict[str, set[str]] = {}
    for name, column in connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
        columns_by_view.setdefault(name, set()).add(column)
    for name, (table, _) in views.items():
        # Tables of an earlier release get the columns that were added since, as null.
        missing = [column for column in table.names if column not in columns_by_view[name]]
        if missing:
            rows = _select(table, files[name]).replace("SELECT *", f"SELECT *, {_nulls(table, missing)}", 1)
            connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {rows}')
    for name, sql in joined.items():
        connection.execute(f'CREATE VIEW "{name}" AS {sql}')
    for setting in settings_of(limits):
        connection.execute(f"SET {setting}")
    sandbox.lock(connection, [file for file in files.values() if file is not None], addresses.of(spill_dir))
    return connection


def _select(table: Table, file: str | None) -> str:
    """The rows of a table; none when the data set was published without it."""
    if file is not None:
        return f"SELECT * FROM read_parquet({sandbox.quote(file)})"
    return f"SELECT {_nulls(table, table.names)} WHERE false"


def _nulls(table: Table, names: Sequence[str]) -> str:
    types = {column.name: _DUCKDB_TYPES[column.type] for column in table.columns}
    return ", ".join(f'NULL::{types[name]} AS "{name}"' for name in names)


def _close(folders: dict[Path, int]) -> None:
    while folders:
        os.close(folders.popitem()[1])
