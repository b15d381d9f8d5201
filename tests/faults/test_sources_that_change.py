"""A video that is replaced, cut, written to or removed while a build reads it.

It is a reject that a rerun cures, never a clip of other bytes than its lineage says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import videos

from ver_pipeline.engine.runner import Runner
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.sources.rows import source_rows
from ver_pipeline.stages.base import Row
from ver_pipeline.stages.ingest import IngestStage
from ver_pipeline.stages.scenes import ScenesStage


def replaced(path: Path) -> None:
    videos.good(path.with_name("other.mp4"), 3.0, hz=700)
    os.replace(path.with_name("other.mp4"), path)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def growing(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 4096)


def removed(path: Path) -> None:
    path.unlink()


FAULTS = (replaced, cut, growing, removed)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return videos.good(tmp_path / "raw" / "film.mp4", 2.5)


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    (tmp_path / "out" / ".ver" / "media").mkdir(parents=True)
    return WorkFolder(tmp_path / "out" / ".ver")


def ingested(video: Path, work: WorkFolder) -> Row:
    rows, _ = source_rows(list_sources(str(video.parent)))
    (row,) = Runner(IngestStage(BuildConfig().ingest), work)(rows)
    return row


def scenes(row: Row, work: WorkFolder) -> Row:
    runner = Runner(ScenesStage(BuildConfig().scenes), work)
    try:
        (done,) = runner([row])
    finally:
        runner.close()
    return done


@pytest.mark.parametrize("fault", FAULTS)
def test_a_video_that_changes_after_it_was_hashed_is_a_reject_and_nothing_of_it_is_kept(
    fault: Callable[[Path], None], video: Path, work: WorkFolder, tmp_path: Path
) -> None:
    shutil.copy2(video, tmp_path / "kept.mp4")
    row = ingested(video, work)
    fault(video)
    told = scenes(row, work)["reject"]
    assert (told["reason"], told["retryable"]) == ("changed_source", True)
    assert told["uri"] == "film.mp4" and "run the command again" in told["message"]
    shutil.copy2(tmp_path / "kept.mp4", video)  # the video comes back: what follows is work on its own bytes
    assert "reject" not in scenes(ingested(video, work), work)


def test_a_video_that_is_still_being_written_is_a_reject_of_the_first_stage(
    video: Path, work: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ver_pipeline.stages import ingest

    probe = ingest.probe

    def while_it_grows(path: Path, *more: object) -> object:
        found = probe(path, *more)
        growing(path)
        return found

    monkeypatch.setattr(ingest, "probe", while_it_grows)
    rows, _ = source_rows(list_sources(str(video.parent)))
    (outcome,) = IngestStage(BuildConfig().ingest).run(rows)
    assert outcome.reason == "changed_source" and outcome.retryable
