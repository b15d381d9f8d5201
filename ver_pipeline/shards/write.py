"""Write samples as tars: the same bytes whenever the same samples go in.

A tar's members have no owner and no time; its name carries a hash of its bytes, so a new build never overwrites what a
reader of the old manifest sees.  Which sample lies in which tar is decided in ``layout.py``.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.untrusted import inside
from ver_pipeline.shards.layout import Sample
from ver_pipeline.shards.names import NAME_HASH_CHARS, shard_stem
from ver_pipeline.shards.read import Offsets, flat_offsets, read_offsets

Digests = dict[str, dict[str, str]]
"""Per key the sha256 of its record (``json``) and poster (``jpg``); that of the media stands in the record."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished tar: name, content hash, and where each member's data begins.

    ``members`` maps a key to ``{"json": (offset, size), "mp4": ..., "jpg": ...}``, in bytes.
    """

    name: str
    split: str
    sha256: str
    size_bytes: int
    members: dict[str, Offsets]
    digests: Digests


def write_shard(folder: Path, split: str, samples: Sequence[Sample], digests: Digests) -> Shard:
    """Write one tar and name it by where it begins and what it holds.

    Args:
        folder: where the tar goes; the caller moves it into the data set when it publishes.
        samples: sorted by key.
        digests: of these samples, from :func:`sample_digests`.
    """
    path, sha256, size_bytes = write_tar(folder, shard_stem(split, samples[0].key), _members(samples))
    return Shard(path.name, split, sha256, size_bytes, read_offsets(path), digests)


def sample_digests(samples: Iterable[Sample]) -> Digests:
    """Of each sample, in order, the sha256 of its record and, where it carries media, of its poster."""
    digests: Digests = {}
    for sample in samples:
        files = {"json": sample.record_path, "jpg": sample.poster_path if sample.media_path else None}
        digests[sample.key] = {name: hash_file(Path(path))[0] for name, path in files.items() if path is not None}
    return digests


def write_tar(folder: Path, stem: str, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> tuple[Path, str, int]:
    """Write samples (key, members by extension) as a tar of the data set's form, one at a time in memory.

    Returns:
        Its path, ``stem`` with the hash of its bytes; its sha256; its size in bytes.  It is synced.
    """
    temporary = folder / f".{uuid.uuid4().hex}.writing"
    with open(temporary, "wb") as file:
        with _tar_writer()(file, mtime=0, user="", group="", mode=0o0644) as tar:
            for key, members in samples:
                tar.write({"__key__": key, **members})
        file.flush()
        os.fsync(file.fileno())
    sha256, size_bytes = hash_file(temporary)
    return temporary.replace(inside(folder, f"{stem}-{sha256[:NAME_HASH_CHARS]}.tar")), sha256, size_bytes


def _tar_writer() -> Any:
    """``webdataset.TarWriter``, which does not need the torch that the package imports for its readers, for seconds.

    The package is imported as where torch is not installed, and forgotten, so that who imports it later gets all of it.
    """
    if "webdataset" in sys.modules or "torch" in sys.modules:
        import webdataset

        return webdataset.TarWriter
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        import webdataset

        return webdataset.TarWriter
    finally:
        del sys.modules["torch"]
        for name in [name for name in sys.modules if name.partition(".")[0] == "webdataset"]:
            del sys.modules[name]


def _members(samples: Iterable[Sample]) -> Iterator[tuple[str, dict[str, bytes]]]:
    for sample in samples:
        files = {"json": sample.record_path}
        if sample.media_path is not None:
            files |= {"mp4": sample.media_path} | ({"jpg": sample.poster_path} if sample.poster_path else {})
        yield sample.key, {name: Path(path).read_bytes() for name, path in files.items()}


def index_rows(shard: Shard, flat: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of ``index.parquet`` for one shard: offsets joined to the flat columns of each record."""
    for row in flat:
        digests = shard.digests.get(row["key"], {})
        hashes = {"json_sha256": digests.get("json"), "jpg_sha256": digests.get("jpg")}
        yield {**row, "split": shard.split, "shard": shard.name, **flat_offsets(shard.members[row["key"]]), **hashes}
