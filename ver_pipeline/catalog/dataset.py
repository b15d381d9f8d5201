"""Open a published data set and ask it anything in SQL.

    from ver_pipeline import open_dataset

    with open_dataset("shards/") as data:
        frame = data.sql("SELECT label, count(*) AS n FROM samples GROUP BY label").pandas()

Tables are read-only views over the catalog (``schemas/tables.py`` says what each column means), with
``samples`` as the flat join of them.  A query reads the data set and nothing else.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.database import Database, Result
from ver_pipeline.catalog.fetch import Located, locate
from ver_pipeline.catalog.limits import Limits, limits_of
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.tables import INDEX, SAMPLES_SQL
from ver_pipeline.schemas.untrusted import INDEX_COLUMNS, read_index

__all__ = ["Dataset", "Result", "open_dataset"]


class Dataset(Database):
    """A published data set, open for reading.  Close it, or use it in a ``with`` statement."""

    def __init__(self, location: str | Path, *, threads: int | None = None, limits: Limits | None = None) -> None:
        super().__init__(threads=threads, limits=limits)
        try:
            self._located: Located = locate(location, Path(self._scratch.name))
            tables = {table.name: (table, self._located.tables.get(table.name)) for table in (*TABLES.values(), INDEX)}
            self.open(tables, {"samples": SAMPLES_SQL})
        except BaseException:
            self.close()
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


def open_dataset(
    location: str | Path, *, threads: int | None = None, timeout_s: float | None = None, memory: str | None = None
) -> Dataset:
    """Open the data set in a folder, or at an ``http(s)://`` or ``s3://`` address.

    Args:
        threads: how many threads a query may use; None means one a core.
        timeout_s: seconds that a query may take; 0 is no limit, None what ``VER_QUERY_TIMEOUT`` says, else 300.
        memory: what a query may use, such as ``16GB``; ``0`` is no limit, None what ``VER_QUERY_MEMORY`` says, else
            4 GiB or half of the machine's.

    Raises:
        CorruptDataError: there is no whole data set.
        VerError: the place cannot be reached.
    """
    return Dataset(location, threads=threads, limits=limits_of(timeout_s, memory))
