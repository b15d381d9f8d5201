"""Random access to a published data set's tars through its index.  Follows the manifest and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import CorruptDataError, UsageError
from ver_pipeline.schemas.hashing import sha256_file
from ver_pipeline.schemas.untrusted import check_files, read_index
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.read import EXTENSIONS, ShardReader

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Identity:
    """What a checkpoint remembers of a set, so that it can refuse another one by name of the field."""

    dataset_id: str
    index_sha256: str
    split: str
    where: str
    n: int
    keys_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ShardSet:
    """The selected samples of one data set, sorted by key.

    Guarantees: every listed shard was there with its published size when it was opened; row ``i`` is
    the same sample on every machine and in every process.

    Attributes:
        folder: the data set.
        keys: the samples' keys.
        shards: each sample's tar, by name.
        offsets: by member (``json``, ``mp4``, ``jpg``), int64 [n]: the first byte in the tar, -1 where there is none.
        sizes: likewise, in bytes.
        duration_s: float64 [n], how long each clip is.
        identity: what a checkpoint remembers of it.
        reader: reads members from the tars.
    """

    folder: Path
    keys: tuple[str, ...]
    shards: tuple[str, ...]
    offsets: dict[str, np.ndarray]
    sizes: dict[str, np.ndarray]
    duration_s: np.ndarray
    identity: Identity
    reader: ShardReader

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, row: int, member: str) -> bytes | None:
        """The bytes of ``json``, ``mp4`` or ``jpg`` of one sample; None when it has no such member.

        Raises:
            CorruptDataError: the shard ends before the member does, or cannot be read.
        """
        offset = int(self.offsets[member][row])
        if offset < 0:
            return None
        return self.reader.read(self.shards[row], offset, int(self.sizes[member][row]))


def open_shards(folder: Path, split: str = "train", where: str = "", *, verify: bool = False) -> ShardSet:
    """Open a data set for training.

    Args:
        folder: what ``ver build`` wrote.
        split: ``train``, ``val``, ``test`` or ``heldout``; ``all`` takes every split.
        where: SQL over the columns of ``samples`` (``label = 'anger' AND confidence > 0.7``), with all tables
            at hand for subqueries; or a whole ``SELECT`` that yields ``key``.  ``samples`` holds the split alone.
        verify: also hash every file the manifest lists.

    Raises:
        CorruptDataError: manifest, index and shards do not belong together.
        UsageError: the query fails or selects nothing.
        QueryRefusedError: the query asks for more than the data set.
        QueryLimitError: the query takes more time or memory than it may.
    """
    manifest = load_manifest(folder)
    check_files(folder, manifest["files"])
    _check_files(folder, manifest["files"], verify)
    entries = [f for f in manifest["files"] if f["kind"] == "index"]
    if len(entries) != 1:
        raise CorruptDataError(f"{folder}: the manifest lists {len(entries)} indexes", "build it again")
    table = _select(folder, manifest["files"], folder / entries[0]["path"], split, where)
    if table.num_rows == 0:
        raise UsageError(f"{folder}: no sample in split {split!r}" + (f" where {where}" if where else ""),
                         "widen the query, or choose another split")  # fmt: skip
    keys = tuple(table["key"].to_pylist())
    shards = tuple(table["shard"].to_pylist())
    identity = Identity(manifest["dataset_id"], entries[0]["sha256"], split, where, len(keys), digest(list(keys)))
    return ShardSet(
        folder=folder,
        keys=keys,
        shards=shards,
        offsets={m: _ints(table, f"{m}_offset") for m in EXTENSIONS},
        sizes={m: _ints(table, f"{m}_size") for m in EXTENSIONS},
        duration_s=table["duration_s"].to_numpy(),
        identity=identity,
        reader=ShardReader(folder),
    )


def _check_files(folder: Path, files: Sequence[dict[str, Any]], verify: bool) -> None:
    for entry in files:
        if entry["kind"] not in ("shard", "index"):
            continue
        path = folder / entry["path"]
        size = path.stat().st_size if path.is_file() else -1
        if size != entry["size_bytes"]:
            state = "is missing" if size < 0 else f"has {size} bytes, published were {entry['size_bytes']}"
            raise CorruptDataError(f"{path} {state}", "run `ver lint`, restore the file or build again")
        if verify and sha256_file(path) != entry["sha256"]:
            raise CorruptDataError(f"{path} does not have its published sha256", "restore the file or build again")


def _select(folder: Path, files: Sequence[dict[str, Any]], index: Path, split: str, where: str) -> pa.Table:
    """The index rows of a split and a query, sorted by key."""
    import pyarrow.compute as pc

    table = read_index(index, files)
    if split != "all":
        table = table.filter(pc.equal(table["split"], split))
    if where.strip():
        table = table.filter(pc.is_in(table["key"], value_set=_keys_where(folder, split, where)))
    return table.sort_by("key")


def _keys_where(folder: Path, split: str, where: str) -> pa.Array:
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.catalog.sandbox import QueryError
    from ver_pipeline.catalog.where import select_keys

    try:
        with open_dataset(folder, threads=1) as data:
            chosen = select_keys(data, where, None if split == "all" else split)
            return data.sql(chosen).arrow()["key"].combine_chunks()
    except QueryError as error:
        raise UsageError(f"the query fails: {error.what}", error.cure) from error


def _ints(table: pa.Table, name: str) -> np.ndarray:
    """A column of offsets or sizes, -1 where the member is absent."""
    return table[name].fill_null(-1).to_numpy().astype(np.int64)
