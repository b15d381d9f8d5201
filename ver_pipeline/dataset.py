"""Open a published data set and ask it anything in SQL.

    from ver_pipeline import open_dataset

    with open_dataset("shards/") as data:
        frame = data.sql("SELECT label, count(*) AS n FROM samples GROUP BY label").pandas()

Tables are read-only views over the catalog (``schemas/tables.py`` says what each column means), with
``samples`` as the flat join of them.  A query reads the data set and nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog import sandbox
from ver_pipeline.catalog.fetch import Located, locate
from ver_pipeline.catalog.named import load_query
from ver_pipeline.schemas.errors import MissingDependencyError, UsageError
from ver_pipeline.schemas.tables import INDEX, SAMPLES_SQL, TABLES, Table
from ver_pipeline.schemas.untrusted import INDEX_COLUMNS, read_index

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_DUCKDB_TYPES = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN",
                 "strings": "VARCHAR[]", "floats": "DOUBLE[]"}  # fmt: skip


class Result:
    """The answer of one query.  It is computed once; take it in one form."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        described = cursor.description or []
        self.columns = [str(column[0]) for column in described]
        self.types = [str(column[1]) for column in described]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while rows := self.fetch(2048):
            yield from rows

    def fetch(self, n: int) -> list[tuple[Any, ...]]:
        """The next ``n`` rows; fewer at the end."""
        with _query_errors():
            return list(self._cursor.fetchmany(n))

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return list(self)

    def dicts(self) -> list[dict[str, Any]]:
        """All rows that are left, as dicts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self]

    def batches(self, rows: int = 65_536) -> pa.RecordBatchReader:
        """The answer as a stream of Arrow record batches."""
        import warnings

        with warnings.catch_warnings():  # DuckDB 2 advises a lazy relation; this answer is computed already
            warnings.simplefilter("ignore", UserWarning)
            name = "to_arrow_reader" if hasattr(self._cursor, "to_arrow_reader") else "fetch_record_batch"  # 2.0, 1.4
            return getattr(self._cursor, name)(rows)

    def arrow(self) -> pa.Table:
        """The answer as an Arrow table."""
        with _query_errors():
            return self.batches().read_all()

    def pandas(self) -> pd.DataFrame:
        """The answer as a pandas frame."""
        with _query_errors():
            return self._cursor.df()

    def polars(self) -> pl.DataFrame:
        """The answer as a polars frame.

        Raises:
            MissingDependencyError: polars is not installed.
        """
        try:
            import polars as pl
        except ImportError as error:
            raise MissingDependencyError("polars is not installed", "pip install polars") from error
        frame = pl.from_arrow(self.arrow())
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


class Dataset:
    """A published data set, open for reading.  Close it, or use it in a ``with`` statement."""

    def __init__(self, location: str | Path, *, threads: int | None = None) -> None:
        self._threads = threads
        self._scratch = tempfile.TemporaryDirectory(prefix="ver-", ignore_cleanup_errors=True)
        scratch = Path(self._scratch.name)
        try:
            self._located: Located = locate(location, scratch)
            self._connection = self._connect(scratch)
        except BaseException:
            self._scratch.cleanup()
            raise

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest that all answers follow."""
        return self._located.manifest

    @property
    def root(self) -> Path | None:
        """The local folder, or None for a remote data set."""
        return self._located.root

    @cached_property
    def shard_folder(self) -> Path:
        """The local folder, for those who read its shards by offset or write files under its keys: every row of the
        index has a clip's key and points into a shard that the manifest lists.

        Raises:
            UsageError: the data set is remote.
            CorruptDataError: naming the first row that is not so.
        """
        if self.root is None:
            raise UsageError("this needs the data set in a local folder", "copy it here first")
        read_index(self._located.tables["index"], self.manifest["files"], INDEX_COLUMNS)
        return self.root

    @property
    def table_paths(self) -> dict[str, Path]:
        """Table name (and ``index``) to the local Parquet file that holds it."""
        return dict(self._located.tables)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> Result:
        """Run one query; ``@name`` runs a named one.

        Raises:
            QueryError: it is not understood or failed.
            QueryRefusedError: it asks for more than reading the data set.
        """
        text = load_query(query.strip()) if query.strip().startswith("@") else query
        cursor = self._connection.cursor()
        statement = sandbox.check(cursor, text)
        with _query_errors():
            return Result(cursor.execute(statement, list(parameters)))

    def close(self) -> None:
        """Release files and remove what was copied here."""
        self._connection.close()
        self._scratch.cleanup()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def _connect(self, scratch: Path) -> duckdb.DuckDBPyConnection:
        import duckdb

        config: dict[str, Any] = {"python_enable_replacements": False}
        if self._threads is not None:
            config["threads"] = self._threads
        connection = duckdb.connect(":memory:", config=config)
        files = self._located.tables
        with _query_errors():
            for table in (*TABLES.values(), INDEX):
                connection.execute(f'CREATE VIEW "{table.name}" AS {_select(table, files.get(table.name))}')
            _fill_in(connection, files)
            connection.execute(f"CREATE VIEW samples AS {SAMPLES_SQL}")
        sandbox.lock(connection, list(files.values()), scratch / "spill")
        return connection


def _select(table: Table, path: Path | None) -> str:
    """The rows of a table; none when the data set was published without it."""
    if path is not None:
        return f"SELECT * FROM read_parquet({sandbox.quote(str(path))})"
    nulls = ", ".join(f'NULL::{_DUCKDB_TYPES[column.type]} AS "{column.name}"' for column in table.columns)
    return f"SELECT {nulls} WHERE false"


def _fill_in(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Give tables of an earlier release the columns that were added since, as null."""
    found: dict[str, set[str]] = {}
    for name, column in connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
        found.setdefault(name, set()).add(column)
    for table in (*TABLES.values(), INDEX):
        missing = [column for column in table.columns if column.name not in found[table.name]]
        if missing:
            nulls = ", ".join(f'NULL::{_DUCKDB_TYPES[column.type]} AS "{column.name}"' for column in missing)
            rows = _select(table, files.get(table.name)).replace("SELECT *", f"SELECT *, {nulls}", 1)
            connection.execute(f'CREATE OR REPLACE VIEW "{table.name}" AS {rows}')


@contextmanager
def _query_errors() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise sandbox.QueryError(sandbox.first_line(error), "ver query OUT --list shows tables and columns") from error


def open_dataset(location: str | Path, *, threads: int | None = None) -> Dataset:
    """Open the data set in a folder, or at an ``http(s)://`` or ``s3://`` address.

    Args:
        threads: how many threads a query may use; None means one a core.

    Raises:
        CorruptDataError: there is no whole data set.
        VerError: the place cannot be reached.
    """
    return Dataset(location, threads=threads)
