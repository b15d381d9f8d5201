"""Records read back from the shards, in order of key, without reading the videos between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog.where import ALL, select_keys
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.shards.read import ShardReader

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

PLACES = "json_offset, json_size, mp4_offset, mp4_size, jpg_offset, jpg_size"


def local_root(data: Dataset) -> Path:
    """The data set's folder, its index checked; see ``Dataset.shard_folder``."""
    return data.shard_folder


def read_records(data: Dataset, where: str = ALL) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(index row, record) of every sample in order of key.

    Args:
        where: which samples: a condition over ``samples``, or a whole SELECT (``catalog/where.py``).

    Raises:
        QueryError: the condition is not understood.
        QueryRefusedError: it is more than a condition, or asks for more than the data set.
        CorruptDataError: a member is no record of this schema, or of another key than the index says.
    """
    chosen = "" if where.strip() == ALL else f"WHERE key IN ({select_keys(data, where)})"
    with ShardReader(local_root(data)) as shards:  # which checks the index: before a query sorts it
        rows = data.sql(f'SELECT * FROM "index" {chosen} ORDER BY key')
        for values in rows:
            row = dict(zip(rows.columns, values, strict=True))
            record = shards.member(row, "json")
            yield row, record_of(record or b"", row["key"], row["shard"])
