"""Sample footage: pinned videos with their rights beside them, and a bilingual video of four scenes."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from ver_pipeline.assets import store
from ver_pipeline.cli import main
from ver_pipeline.footage.compose import BILINGUAL_SCENES, BILINGUAL_SHA256, MANIFEST, bilingual_video, compose
from ver_pipeline.schemas.hashing import sha256_file


def test_samples_are_the_pinned_videos_each_with_its_rights_and_group(tmp_path: Path) -> None:
    assert main(["footage", "fetch", str(tmp_path)]) == 0
    videos = sorted(tmp_path.glob("*.mp4"))
    assert len(videos) == 6
    pins = {file.path: file.sha256 for asset in store.assets().values() for file in asset.files}
    for video in videos:
        assert pins.get(video.name, sha256_file(video)) == sha256_file(video)
        assert json.loads(video.with_suffix(".json").read_text())["license"].startswith("LicenseRef-sample")
    notes = json.loads((tmp_path / MANIFEST).read_text())
    assert {row["path"] for row in notes["videos"]} == {video.name for video in videos}
    assert "Do not publish" in notes["notice"]


def test_videos_with_the_same_people_are_one_group_so_that_no_split_separates_them(tmp_path: Path) -> None:
    main(["footage", "fetch", str(tmp_path)])
    group = {p.stem: json.loads(p.read_text())["group_id"] for p in tmp_path.glob("[!.]*.json")}
    assert group["bilingual"] == group["jwpIntro"] == group["testMovie"] == group["WolfgangLanger_Pexels"]
    assert len(set(group.values())) == 3


def test_a_damaged_sample_is_put_right_by_fetching_again(tmp_path: Path) -> None:
    main(["footage", "fetch", str(tmp_path)])
    video = tmp_path / "bikes.mp4"
    whole = sha256_file(video)
    video.write_bytes(b"cut")
    main(["footage", "fetch", str(tmp_path)])
    assert sha256_file(video) == whole


@pytest.mark.once
def test_the_bilingual_video_is_the_same_bytes_on_every_processor(tmp_path: Path) -> None:
    """Composed anew by this process's code path; the test command repeats it under other instruction sets."""
    composed = compose(tmp_path / "film.mp4")
    assert sha256_file(composed) == sha256_file(bilingual_video()) == BILINGUAL_SHA256


def test_the_bilingual_video_has_frame_and_audio_for_its_four_scenes() -> None:
    with av.open(str(bilingual_video())) as video:
        picture, audio = video.streams.video[0], video.streams.audio[0]
        assert (picture.width, picture.height, picture.average_rate) == (640, 360, 25)
        end_s = BILINGUAL_SCENES[-1][2]
        assert abs(picture.frames / 25 - end_s) <= 0.08  # two frames: the scenes' own lengths are rounded to frames
        assert abs(float(audio.duration * audio.time_base) - end_s) <= 0.08
