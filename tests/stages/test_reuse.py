"""What is published and would be written again stays: the same files, and still the same data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from factory import make_records
from outfolder import poster, with_video

from ver_pipeline.lint import lint_dataset
from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.publishing.unchanged import is_published, note_published, untouched
from ver_pipeline.schemas.config import BuildConfig, ShardConfig
from ver_pipeline.shards.layout import Sample
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.workdir import WorkFolder

CONFIG = BuildConfig(shard=ShardConfig(shard_size_bytes=1_000_000))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    folder = tmp_path_factory.mktemp("videos")
    samples, sources = [], {}
    for record, video in map(with_video, make_records(24)):
        members = {"json": record.to_json(), "mp4": video, "jpg": poster()}
        for extension, data in members.items():
            (folder / f"{record.key}.{extension}").write_bytes(data)
        paths = [str(folder / f"{record.key}.{extension}") for extension in members]
        samples.append(Sample(record.key, record.split, *paths, size_bytes=400_000))  # two or so fill a shard
        sources[record.source.id] = record.source.model_dump(mode="json")
    tools = {"ffmpeg": "7"}
    return Content(samples, list(sources.values()), [], [], CONFIG, {"clip": "ab", "shard": "cd"}, tools)


def build(out: Path, content: Content) -> dict[str, tuple[str, int]]:
    """Publish as a build does; returns the hash and the inode of every shard."""
    work = WorkFolder(out / ".ver")
    work.root.mkdir(parents=True, exist_ok=True)
    publish(out, work.staging, content, untouched=untouched(out, work))
    note_published(out, work, "any")
    shards = [file for file in load_manifest(out)["files"] if file["kind"] == "shard"]
    return {file["path"]: (file["sha256"], os.stat(out / file["path"]).st_ino) for file in shards}


def without(content: Content, samples: Sequence[Sample]) -> Content:
    return replace(content, samples=[s for s in content.samples if s not in samples])


def test_a_shard_that_would_be_written_again_is_kept_and_the_set_equals_one_built_from_nothing(
    content: Content, tmp_path: Path
) -> None:
    before = build(tmp_path / "out", without(content, content.samples[5:6]))
    after = build(tmp_path / "out", content)
    kept = before.keys() & after.keys()
    assert len(before) > 4
    assert len(kept) >= len(before) - 3
    assert all(before[name] == after[name] for name in kept)
    assert lint_dataset(tmp_path / "out").is_sound
    fresh = build(tmp_path / "fresh", content)
    assert {name: sha256 for name, (sha256, _) in after.items()} == {
        name: sha256 for name, (sha256, _) in fresh.items()
    }
    ids = {load_manifest(tmp_path / name)["dataset_id"] for name in ("out", "fresh")}
    assert len(ids) == 1


def test_a_shard_that_somebody_touched_is_written_again(content: Content, tmp_path: Path) -> None:
    before = build(tmp_path, content)
    damaged, *others = sorted(before)
    path = tmp_path / damaged
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    assert not lint_dataset(tmp_path).is_sound
    after = build(tmp_path, content)
    assert lint_dataset(tmp_path).is_sound
    assert all(after[name] == before[name] for name in others)


def test_building_again_mends_a_damaged_manifest(content: Content, tmp_path: Path) -> None:
    before = build(tmp_path, content)
    manifest = tmp_path / "manifest.json"
    data = bytearray(manifest.read_bytes())
    data[len(data) // 2] ^= 1
    manifest.write_bytes(data)
    assert not is_published(tmp_path, WorkFolder(tmp_path / ".ver"), "any")
    after = build(tmp_path, content)
    assert {name: sha256 for name, (sha256, _) in after.items()} == {
        name: sha256 for name, (sha256, _) in before.items()
    }
    assert lint_dataset(tmp_path).is_sound


@pytest.mark.parametrize("change", ["records", "layout"])
def test_nothing_is_kept_that_would_be_written_otherwise(content: Content, tmp_path: Path, change: str) -> None:
    before = build(tmp_path / "out", content)
    if change == "layout":
        after = build(tmp_path / "out", replace(content, fingerprints={**content.fingerprints, "shard": "ef"}))
    else:
        samples = []
        for sample in content.samples:
            record = tmp_path / f"{sample.key}.json"
            record.write_bytes(Path(sample.record_path).read_bytes() + b"\n")
            samples.append(replace(sample, record_path=str(record)))
        after = build(tmp_path / "out", replace(content, samples=samples))
    assert not {inode for _, inode in before.values()} & {inode for _, inode in after.values()}
