"""Which sample lies in which tar: a pure function of the set of samples.

It is a local one: a video more or less changes a shard or a few.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.keys import parse_key

TAR_BLOCK_BYTES = 512
LAYOUT = 1
"""Counted up when the same samples are laid out as other bytes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample on its way into a shard.  ``media_path`` is None where the policy embeds no media."""

    key: str
    split: str
    record_path: str
    media_path: str | None = None
    poster_path: str | None = None
    size_bytes: int = 0


def layout_fingerprint() -> str:
    """The identity of how samples become a tar's bytes."""
    from importlib.metadata import version

    return digest({"layout": LAYOUT, "webdataset": version("webdataset")})


def plan_shards(samples: Iterable[Sample], config: ShardConfig) -> Iterator[tuple[str, list[Sample]]]:
    """(split, samples) of each shard, in order of split and key.

    A shard is filled to its size, at least to half of it, and then ends before a video that marks an end by its
    own id.  So a video that comes or goes changes the shard it falls into and perhaps a few after it, not all:
    the others keep their bytes and their names (content-defined chunking, as in rsync and LBFS, over videos).

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
    for video, clips in itertools.groupby(samples, key=_video):
        some = list(clips)
        video_bytes = sum(sample.size_bytes for sample in some)
        may_end = filled >= full_bytes / 2 and _marks_an_end(video, video_bytes, full_bytes)
        if shard and (may_end or filled + video_bytes > full_bytes):
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


def _video(sample: Sample) -> str:
    return parse_key(sample.key)[0]


def _marks_an_end(video: str, video_bytes: int, full_bytes: int) -> bool:
    """Such a video comes about once in a quarter of a shard's size.  Its id is hashed again: shards are in the
    order of the ids, whose first digits are therefore no chance."""
    chance = int.from_bytes(hashlib.sha256(video.encode()).digest()[:8], "big") / 2**64
    return chance < video_bytes / (full_bytes / 4)


def estimate_size(record_bytes: int, media_bytes: int, poster_bytes: int) -> int:
    """Bytes a sample takes in a tar: a header and whole blocks for each member."""
    sizes = [n for n in (record_bytes, media_bytes, poster_bytes) if n]
    return sum(TAR_BLOCK_BYTES + -(-n // TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES for n in sizes)
