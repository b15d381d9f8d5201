"""Records read back from the shards, in order of key, without reading the films between them."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.migrate import record_of

if TYPE_CHECKING:
    from ver_pipeline.dataset import Dataset

OPEN_SHARDS = 64
PLACES = "json_offset, json_size, mp4_offset, mp4_size, jpg_offset, jpg_size"


class ShardReader:
    """Members of a data set's tars by offset; keeps the last :data:`OPEN_SHARDS` tars open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: OrderedDict[str, BinaryIO] = OrderedDict()
        self._stack = ExitStack()

    def __enter__(self) -> ShardReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def member(self, shard: str, offset: int | None, size: int | None) -> bytes | None:
        """A member's bytes; None where the index says that there is none.

        Raises:
            CorruptDataError: the tar ends inside the member, or is not there.
        """
        if offset is None or size is None:
            return None
        try:
            file = self._open(shard)
            if offset + size > os.fstat(file.fileno()).st_size:
                raise CorruptDataError(f"{shard} ends inside a member", "run: ver lint")
            file.seek(offset)
            data = file.read(size)
        except OSError as error:
            raise CorruptDataError(f"cannot read {shard}: {error}", "run: ver lint") from error
        if len(data) != size:
            raise CorruptDataError(f"{shard} ends inside a member", "run: ver lint")
        return data

    def members(self, row: dict[str, Any]) -> dict[str, bytes]:
        """Extension to bytes of all members of an index row."""
        found = {
            ext: self.member(row["shard"], row[f"{ext}_offset"], row[f"{ext}_size"]) for ext in ("jpg", "json", "mp4")
        }
        return {extension: data for extension, data in found.items() if data is not None}

    def _open(self, shard: str) -> BinaryIO:
        file = self._files.pop(shard, None)
        if file is None:
            file = (self._root / shard).open("rb")
            if len(self._files) >= OPEN_SHARDS:
                self._files.popitem(last=False)[1].close()
        self._files[shard] = file
        return file


def local_root(data: Dataset) -> Path:
    """The data set's folder, its index checked; see ``Dataset.shard_folder``."""
    return data.shard_folder


def read_records(data: Dataset, where: str = "true") -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(index row, record) of every sample in order of key.

    Args:
        where: a condition over the columns of the view ``samples``.

    Raises:
        CorruptDataError: a member is no record of this schema, or of another key than the index says.
    """
    chosen = "" if where.strip() == "true" else f"WHERE key IN (SELECT key FROM samples WHERE {where})"
    rows = data.sql(f'SELECT * FROM "index" {chosen} ORDER BY key')
    with ShardReader(local_root(data)) as shards:
        for values in rows:
            row = dict(zip(rows.columns, values, strict=True))
            record = shards.member(row["shard"], row["json_offset"], row["json_size"])
            yield row, record_of(record or b"", row["key"], row["shard"])
