"""Shards: the same samples give the same bytes, and a stock reader opens them."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
import webdataset

from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.shards.layout import Sample, plan_shards
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.shards.write import sample_digests, write_shard


def make_samples(folder: Path, n: int = 7) -> list[Sample]:
    samples = []
    for i in range(n):
        record, media, poster = (folder / f"{i}.{ext}" for ext in ("json", "mp4", "jpg"))
        record.write_bytes(b'{"n":%d}' % i)
        media.write_bytes(bytes([i]) * (700 + i))
        poster.write_bytes(b"\xff\xd8" + bytes([i]) * 9)
        split = "val" if i % 3 == 0 else "train"
        samples.append(Sample(f"{i:016x}_00000000_00002000", split, *map(str, (record, media, poster)), 400_000))
    return samples


def write_all(folder: Path, samples: list[Sample]) -> dict[str, str]:
    folder.mkdir()
    config = ShardConfig(shard_size_bytes=1_000_000)
    shards = [write_shard(folder, split, group, sample_digests(group)) for split, group in plan_shards(samples, config)]
    for shard in shards:
        assert hashlib.sha256((folder / shard.name).read_bytes()).hexdigest() == shard.sha256
    return {shard.name: shard.sha256 for shard in shards}


def test_order_and_time_of_writing_do_not_change_a_byte(tmp_path):
    samples = make_samples(tmp_path)
    mixed = samples.copy()
    random.Random(3).shuffle(mixed)
    assert write_all(tmp_path / "a", samples) == write_all(tmp_path / "b", mixed)


def test_stock_webdataset_reads_every_sample_whole(tmp_path):
    samples = make_samples(tmp_path)
    names = write_all(tmp_path / "out", samples)
    urls = [str(tmp_path / "out" / name) for name in names]
    read = {s["__key__"]: s for s in webdataset.WebDataset(urls, shardshuffle=False)}
    assert set(read) == {s.key for s in samples}
    for i, sample in enumerate(samples):
        assert read[sample.key]["mp4"] == bytes([i]) * (700 + i)
        assert read[sample.key]["json"] == b'{"n":%d}' % i


def test_offsets_point_at_the_members(tmp_path):
    samples = make_samples(tmp_path)
    shard = write_shard(tmp_path, "train", samples, sample_digests(samples))
    for i, sample in enumerate(samples):
        at = shard.members[sample.key]
        assert ShardReader(tmp_path).read(shard.name, *at["mp4"]) == bytes([i]) * (700 + i)
        assert sorted(at) == ["jpg", "json", "mp4"]


def test_a_shard_is_filled_to_its_size_and_never_mixes_splits(tmp_path):
    planned = list(plan_shards(make_samples(tmp_path), ShardConfig(shard_size_bytes=1_000_000)))
    assert [(split, len(group)) for split, group in planned] == [("train", 2), ("train", 2), ("val", 2), ("val", 1)]


def test_the_same_key_twice_is_refused(tmp_path):
    sample = make_samples(tmp_path, 1)[0]
    with pytest.raises(VerError, match="two samples carry the key"):
        list(plan_shards([sample, sample], ShardConfig()))


def test_a_reference_shard_holds_no_pixels(tmp_path):
    samples = [Sample(s.key, s.split, s.record_path) for s in make_samples(tmp_path, 2)]
    shard = write_shard(tmp_path, "train", samples, sample_digests(samples))
    assert {ext for members in shard.members.values() for ext in members} == {"json"}


def many_videos(n: int, size_bytes: int) -> list[Sample]:
    """Samples as the planner sees them: one to three clips of each of ``n`` videos, as ids come: by chance."""
    ids = [hashlib.sha256(str(i).encode()).hexdigest()[:16] for i in range(n)]
    return [
        Sample(f"{video}_{c:08d}_{c + 1:08d}", "train", "", size_bytes=size_bytes)
        for i, video in enumerate(ids)
        for c in range(i % 3 + 1)
    ]


def test_a_video_more_or_less_changes_few_shards_and_leaves_the_others():
    config = ShardConfig(shard_size_bytes=1_000_000)

    def shards(samples: list[Sample]) -> set[tuple[str, ...]]:
        return {tuple(s.key for s in group) for _, group in plan_shards(samples, config)}

    samples = many_videos(600, 40_000)
    whole = shards(samples)
    assert all(len(keys) * 40_000 <= 1_000_000 for keys in whole)
    assert len(whole) < 2 * (len(samples) * 40_000 / 1_000_000)  # more than half full on the whole
    changed = []
    for video in sorted({s.key[:16] for s in samples})[::40]:
        left = shards([s for s in samples if s.key[:16] != video])
        changed.append(len(left - whole))
    assert max(changed) <= 8
    assert sum(changed) <= 3 * len(changed)


def test_writing_a_shard_imports_no_torch_and_leaves_webdataset_whole_for_others(tmp_path):
    program = """
import sys
from pathlib import Path
from ver_pipeline.shards.write import write_tar
write_tar(Path(sys.argv[1]), "s", [("a", {"json": b"{}"})])
write_tar(Path(sys.argv[1]), "s", [("b", {"json": b"{}"})])
assert not {"torch", "webdataset"} & set(sys.modules), "torch or half of webdataset is there"
import torch, webdataset
assert webdataset.pytorch.IterableDataset is torch.utils.data.IterableDataset
write_tar(Path(sys.argv[1]), "s", [("c", {"json": b"{}"})])
assert sys.modules["torch"] is torch and sys.modules["webdataset"] is webdataset
"""
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
    assert len(list(tmp_path.glob("s-*.tar"))) == 3
