"""shard: lay samples out in tars, the same bytes whenever the same samples go in.

Which sample lies in which tar is a pure function of the set of samples, and a local one: a film more or less
changes a shard or a few.  A tar's members have no owner and no time; its name carries a hash of its bytes, so
a new build never overwrites what a reader of the old manifest sees.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.untrusted import inside

TAR_BLOCK_BYTES = 512
NAME_HASH_CHARS = 8
STEM_CHARS = 6
LAYOUT = 1
"""Counted up when the same samples are laid out as other bytes."""

Digests = dict[str, dict[str, str]]
"""Per key the sha256 of its record (``json``) and poster (``jpg``); that of the media stands in the record."""


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

    ``members`` maps a key to ``{"json": (offset, size), "mp4": ..., "jpg": ...}``, in bytes.
    """

    name: str
    split: str
    sha256: str
    size_bytes: int
    members: dict[str, dict[str, tuple[int, int]]]
    digests: Digests


def layout_fingerprint() -> str:
    """The identity of how samples become a tar's bytes."""
    from importlib.metadata import version

    return digest({"layout": LAYOUT, "webdataset": version("webdataset")})


def plan_shards(samples: Iterable[Sample], config: ShardConfig) -> Iterator[tuple[str, list[Sample]]]:
    """(split, samples) of each shard, in order of split and key.

    A shard is filled to its size, at least to half of it, and then ends before a film that marks an end by its
    own id.  So a film that comes or goes changes the shard it falls into and perhaps a few after it, not all:
    the others keep their bytes and their names (content-defined chunking, as in rsync and LBFS, over films).

    Raises:
        VerError: when two samples carry the same key.
    """
    ordered = sorted(samples, key=lambda s: (s.split, s.key))
    for a, b in itertools.pairwise(ordered):
        if a.key == b.key:
            raise VerError(f"two samples carry the key {a.key}", "their sources share 16 hex digits; report this")
    for split, group in itertools.groupby(ordered, key=lambda s: s.split):
        for shard in _filled(group, config.shard_size_bytes):
            yield split, shard


def _filled(samples: Iterable[Sample], full_bytes: int) -> Iterator[list[Sample]]:
    shard: list[Sample] = []
    filled = 0
    for film, clips in itertools.groupby(samples, key=_film):
        some = list(clips)
        film_bytes = sum(sample.size_bytes for sample in some)
        may_end = filled >= full_bytes / 2 and _marks_an_end(film, film_bytes, full_bytes)
        if shard and (may_end or filled + film_bytes > full_bytes):
            yield shard
            shard, filled = [], 0
        for sample in some:
            if shard and filled + sample.size_bytes > full_bytes:
                yield shard
                shard, filled = [], 0
            shard.append(sample)
            filled += sample.size_bytes
    if shard:
        yield shard


def _film(sample: Sample) -> str:
    return sample.key.partition("_")[0]


def _marks_an_end(film: str, film_bytes: int, full_bytes: int) -> bool:
    """Such a film comes about once in a quarter of a shard's size.  Its id is hashed again: shards are in the
    order of the ids, whose first digits are therefore no chance."""
    chance = int.from_bytes(hashlib.sha256(film.encode()).digest()[:8], "big") / 2**64
    return chance < film_bytes / (full_bytes / 4)


def shard_stem(split: str, first_key: str) -> str:
    """A shard's name before the hash of its bytes: its split and where in the order of keys it begins.  No number:
    a number would change with every shard before it."""
    return f"{split}-{first_key[:STEM_CHARS]}"


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
    found: Digests = {}
    for sample in samples:
        files = {"json": sample.record_path, "jpg": sample.poster_path if sample.media_path else None}
        found[sample.key] = {name: hash_file(Path(path))[0] for name, path in files.items() if path is not None}
    return found


def write_tar(folder: Path, stem: str, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> tuple[Path, str, int]:
    """Write samples (key, members by extension) as a tar of the data set's form, one at a time in memory.

    Returns:
        Its path, ``stem`` with the hash of its bytes; its sha256; its size in bytes.  It is synced.
    """
    import webdataset

    temporary = folder / f".{uuid.uuid4().hex}.writing"
    with open(temporary, "wb") as file:
        with webdataset.TarWriter(file, mtime=0, user="", group="", mode=0o0644) as tar:
            for key, members in samples:
                tar.write({"__key__": key, **members})
        file.flush()
        os.fsync(file.fileno())
    sha256, size_bytes = hash_file(temporary)
    return temporary.replace(inside(folder, f"{stem}-{sha256[:NAME_HASH_CHARS]}.tar")), sha256, size_bytes


def _members(samples: Iterable[Sample]) -> Iterator[tuple[str, dict[str, bytes]]]:
    for sample in samples:
        files = {"json": sample.record_path}
        if sample.media_path is not None:
            files |= {"mp4": sample.media_path} | ({"jpg": sample.poster_path} if sample.poster_path else {})
        yield sample.key, {name: Path(path).read_bytes() for name, path in files.items()}


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
