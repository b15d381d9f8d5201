"""Scenes: cuts where the frame cuts, whatever the file's timing looks like."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import videos

from ver_pipeline.schemas.config import ScenesConfig
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.stages.scenes import ScenesStage
from ver_pipeline.timeline.transitions import join_transitions


def cuts_of(path: Path, **settings: Any) -> list[float]:
    stage = ScenesStage(ScenesConfig(**settings))
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


@pytest.mark.parametrize("how", ["fade", "fadeblack"])
def test_a_dissolve_and_a_fade_are_one_boundary(tmp_path, how):
    looks = [("-f", "lavfi", "-t", "4", "-i", f"{name}=s=320x240:r=25") for name in ("testsrc2", "mandelbrot")]
    even = "fps=25,setsar=1,format=yuv420p,settb=AVTB"
    graph = f"[0:v]{even}[a];[1:v]{even}[b];[a][b]xfade=transition={how}:duration=1:offset=3"
    path = tmp_path / "gradual.mp4"
    videos.ffmpeg(*looks[0], *looks[1], "-filter_complex", graph, *videos.X264, path)
    (cut_s,) = cuts_of(path)
    assert 3.0 <= cut_s <= 4.0
    assert [at for at in cuts_of(path, gradual=False) if 3.3 <= at <= 3.8] == []


def test_signs_of_one_transition_are_one_boundary_and_a_hard_cut_stays_where_it_is():
    assert join_transitions([Fraction(2)], [Fraction(9, 4), Fraction(6), Fraction(7)]) == [Fraction(2), Fraction(13, 2)]
