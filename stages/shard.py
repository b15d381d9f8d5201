"""shard: lay samples out in tars, the same bytes whenever the same samples go in.

Which sample lies in which tar is a pure function of the set of samples: per split, sorted by key, filled
to a size target.  A tar's members have no owner and no time; its name carries a hash of its bytes, so a
new build never overwrites what a reader of the old manifest sees.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import hash_file

TAR_BLOCK_BYTES = 512
NAME_HASH_CHARS = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample on its way into a shard.  ``media_path`` is None where the policy embeds no media."""

    key: str
    split: str
    record_path: str
    media_path: str | None = None
    poster_path: str | None = None
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished tar: name, content hash, and where each member's data begins.

    ``members`` maps a key to ``{"json": (offset, size), "mp4": ..., "jpg": ...}``, in bytes; ``digests``
    maps it to the sha256 of its record and poster (that of the media stands in the record).
    """

    name: str
    split: str
    sha256: str
    size_bytes: int
    members: dict[str, dict[str, tuple[int, int]]]
    digests: dict[str, dict[str, str]] = field(default_factory=dict)


def plan_shards(samples: Iterable[Sample], config: ShardConfig) -> Iterator[tuple[str, list[Sample]]]:
    """(split, samples) of each shard, in order.

    Raises:
        VerError: when two samples carry the same key.
    """
    ordered = sorted(samples, key=lambda s: (s.split, s.key))
    for a, b in itertools.pairwise(ordered):
        if a.key == b.key:
            raise VerError(f"two samples carry the key {a.key}", "their sources share 16 hex digits; report this")
    for split, group in itertools.groupby(ordered, key=lambda s: s.split):
        shard: list[Sample] = []
        filled = 0
        for sample in group:
            if shard and filled + sample.size_bytes > config.shard_size_bytes:
                yield split, shard
                shard, filled = [], 0
            shard.append(sample)
            filled += sample.size_bytes
        if shard:
            yield split, shard


def write_shard(folder: Path, split: str, number: int, samples: Sequence[Sample]) -> Shard:
    """Write one tar under a temporary name, sync it, and name it by its content.

    Args:
        folder: where the tar goes; the caller moves it into the data set when it publishes.
        samples: sorted by key.
    """
    import webdataset

    temporary = folder / f".{split}-{number:06d}.writing"
    digests: dict[str, dict[str, str]] = {}
    with open(temporary, "wb") as file:
        with webdataset.TarWriter(file, mtime=0, user="", group="", mode=0o0644) as tar:
            for sample in samples:
                members = _members(sample)
                tar.write({"__key__": sample.key, **members})
                digests[sample.key] = {
                    name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != "mp4"
                }
        file.flush()
        os.fsync(file.fileno())
    sha256, size_bytes = hash_file(temporary)
    name = f"{split}-{number:06d}-{sha256[:NAME_HASH_CHARS]}.tar"
    os.replace(temporary, folder / name)
    return Shard(name, split, sha256, size_bytes, read_offsets(folder / name), digests)


def _members(sample: Sample) -> dict[str, bytes]:
    members = {"json": Path(sample.record_path).read_bytes()}
    if sample.media_path is not None:
        members["mp4"] = Path(sample.media_path).read_bytes()
        if sample.poster_path is not None:
            members["jpg"] = Path(sample.poster_path).read_bytes()
    return members


def read_offsets(path: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Where each member's data lies in a tar: {key: {extension: (offset, size)}}, in file order."""
    import tarfile

    found: dict[str, dict[str, tuple[int, int]]] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, extension = member.name.partition(".")
            found.setdefault(key, {})[extension] = (member.offset_data, member.size)
    return found


def read_member(path: Path, offset: int, size_bytes: int) -> bytes:
    """One member's bytes, without reading the rest of the tar."""
    with open(path, "rb") as file:
        file.seek(offset)
        data = file.read(size_bytes)
    if len(data) != size_bytes:
        raise VerError(f"{path} ends inside a member", "the tar is cut off; fetch or build it again")
    return data


def estimate_size(record_bytes: int, media_bytes: int, poster_bytes: int) -> int:
    """Bytes a sample takes in a tar: a header and whole blocks for each member."""
    sizes = [n for n in (record_bytes, media_bytes, poster_bytes) if n]
    return sum(TAR_BLOCK_BYTES + -(-n // TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES for n in sizes)


def index_rows(shard: Shard, flat: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of ``index.parquet`` for one shard: offsets joined to the flat columns of each record."""
    for row in flat:
        at = shard.members[row["key"]]
        offsets: dict[str, Any] = {}
        for extension in ("json", "mp4", "jpg"):
            offset, size = at.get(extension, (None, None))
            offsets[f"{extension}_offset"], offsets[f"{extension}_size"] = offset, size
        told = shard.digests.get(row["key"], {})
        offsets |= {"json_sha256": told.get("json"), "jpg_sha256": told.get("jpg")}
        yield {**row, "split": shard.split, "shard": shard.name, **offsets}
