"""Tables of data sets, open for reading in SQL: one sandboxed connection, bounded in time and memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ver_pipeline.catalog import sandbox
from ver_pipeline.catalog.connection import Addresses, connect
from ver_pipeline.catalog.limits import Budget, Limits, limits_of
from ver_pipeline.catalog.named import load_query
from ver_pipeline.schemas.bounded_parquet import check_texts
from ver_pipeline.schemas.columns import Table
from ver_pipeline.schemas.errors import MissingDependencyError
from ver_pipeline.schemas.extras import imports

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class Result:
    """The answer of one query.  It is computed once; take it in one form."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, working: Callable[[], AbstractContextManager[None]]) -> None:
        self._cursor, self._working = cursor, working
        described = cursor.description or []
        self.columns = [str(column[0]) for column in described]
        self.types = [str(column[1]) for column in described]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while rows := self.fetch(2048):
            yield from rows

    def fetch(self, n: int) -> list[tuple[Any, ...]]:
        """The next ``n`` rows; fewer at the end."""
        with self._working():
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

        with warnings.catch_warnings(), self._working():
            warnings.simplefilter("ignore", UserWarning)  # DuckDB 2 advises a lazy relation
            reader: Any = self._cursor.to_arrow_reader(rows)
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader))

    def _batches(self, reader: Any) -> Iterator[pa.RecordBatch]:
        while True:
            with self._working():
                batch = _next_batch(reader)
            if batch is None:
                return
            yield batch

    def arrow(self) -> pa.Table:
        """The answer as an Arrow table."""
        return self.batches().read_all()

    def pandas(self) -> pd.DataFrame:
        """The answer as a pandas frame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        with imports("build", "an answer as a pandas frame", "take arrow()"):
            import pandas  # noqa: F401 - DuckDB makes the frame with it
        with self._working():
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


class Database:
    """Views over Parquet files.  Close it, or use it in a ``with`` statement.

    Args:
        threads: how many threads a query may use; None means one a core.
        limits: None means what the environment says, else the defaults.
    """

    def __init__(self, *, threads: int | None = None, limits: Limits | None = None) -> None:
        self._threads, self._limits = threads, limits or limits_of()
        self._addresses = Addresses()
        self._files: list[Path] = []
        self._scratch = tempfile.TemporaryDirectory(prefix="ver-", ignore_cleanup_errors=True)

    def open(self, views: Mapping[str, tuple[Table, Path | None]], joined: Mapping[str, str]) -> None:
        """Make the views (as :func:`connect` takes them); call it once.

        Raises:
            QueryError: a file is no Parquet.
        """
        self._files = [path for _, path in views.values() if path is not None]
        spill = Path(self._scratch.name) / "spill"
        with self._told_plainly():
            self._connection = connect(views, joined, spill, self._addresses, self._limits, self._threads)

    def check_texts(self) -> None:
        """Ask for this before the tables are read whole: a query has limits of its own.

        Raises:
            CorruptDataError: a small file stands for texts without measure.
        """
        for path in self._files:
            check_texts(path)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> Result:
        """Run one query; ``@name`` runs a named one.

        Raises:
            QueryError: it is not understood or failed.
            QueryRefusedError: it asks for more than reading the data set.
            QueryLimitError: it takes more time or memory than it may; also while the answer is taken.
        """
        text = load_query(query.strip()) if query.strip().startswith("@") else query
        cursor = self._connection.cursor()
        budget = Budget(cursor, self._limits, self._end_process)
        with self._working(budget):
            statement = sandbox.check(cursor, text)
            return Result(cursor.execute(statement, list(parameters)), partial(self._working, budget))

    def parser(self) -> duckdb.DuckDBPyConnection:
        """A cursor for looking at queries without running them."""
        return self._connection.cursor()

    def close(self) -> None:
        """Release files and remove what was copied here."""
        if hasattr(self, "_connection"):
            self._connection.close()
        self._addresses.close()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def _end_process(self, message: str) -> None:
        self._scratch.cleanup()
        if self._limits.end_process is not None:
            self._limits.end_process(message)

    @contextmanager
    def _working(self, budget: Budget) -> Iterator[None]:
        with self._told_plainly(), budget.spend():
            yield

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """DuckDB's errors as ours, in one line that does not tell where anything lies."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            if gone := next((path for path in self._files if not path.exists()), None):
                what = f"{gone.name} is gone: the data set was replaced since it was opened"
                raise sandbox.QueryError(what, "open it again") from error
            what = self._addresses.plain(sandbox.first_line(error))
            raise sandbox.QueryError(what, "ver query OUT --list shows tables and columns") from error


def _next_batch(reader: Any) -> pa.RecordBatch | None:
    """Arrow's errors are DuckDB's, which works while the answer is taken."""
    import duckdb
    import pyarrow as pa

    try:
        return next(reader, None)
    except (pa.ArrowException, OSError) as error:
        raise duckdb.Error(str(error)) from error
