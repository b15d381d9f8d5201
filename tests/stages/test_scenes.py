"""Scenes: cuts where the frame cuts, whatever the file's timing looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
import videos

from ver_pipeline.schemas.config import ScenesConfig
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.stages.scenes import ScenesStage


def cuts_of(path: Path) -> list[float]:
    stage = ScenesStage(ScenesConfig())
    stage.open()
    outcome = stage.run([{"source": {"id": "0" * 64, "uri": path.name, "clock_jumps": []}, "path": str(path)}])[0]
    assert not isinstance(outcome, Reject), outcome
    return outcome["shots"]["cuts_s"]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.shots(tmp_path_factory.mktemp("scenes") / "shots.mp4", (3.0, 4.0, 3.0))


def test_cuts_are_found_to_the_frame(video):
    assert cuts_of(video) == [3.0, 7.0]


def test_a_video_without_a_cut_is_one_scene(tmp_path):
    assert cuts_of(videos.silent(tmp_path / "one.mp4")) == []


@pytest.mark.parametrize("name", ["shifted.mkv", "stream.ts", "odd.mov"])
def test_cuts_do_not_depend_on_start_time_or_time_base(video, tmp_path, name):
    before = {"shifted.mkv": ("-itsoffset", "7.3"), "stream.ts": (), "odd.mov": ()}[name]
    options = {"odd.mov": ("-video_track_timescale", "90123")}.get(name, ("-copyts",) if name == "shifted.mkv" else ())
    other = videos.remux(video, tmp_path / name, *options, before=before)
    # A transport stream starts its audio and video at slightly different times; a frame is 0.04 s.
    assert cuts_of(other) == pytest.approx([3.0, 7.0], abs=0.04)


def test_cuts_stand_at_their_time_when_the_frame_rate_varies(video, tmp_path):
    thin = tmp_path / "thin.mp4"
    videos.ffmpeg("-i", video, "-vf", "select='lt(t,5)+not(mod(n,2))'", "-fps_mode", "vfr", *videos.X264, thin)
    # After 5 s every second frame is gone: the cut at 7 s shows at the next frame that is left.
    assert cuts_of(thin) == pytest.approx([3.0, 7.0], abs=0.041)


def test_a_turned_video_has_the_same_cuts(video, tmp_path):
    assert cuts_of(videos.rotated(tmp_path / "turned.mp4", video)) == [3.0, 7.0]
