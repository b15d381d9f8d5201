"""The shape of the face in the cues: a vote of its own, a downward look that is no tears, a subject by rule."""

from __future__ import annotations

from typing import Any

import pytest
from test_cues import annotate, clip, say, set_face

from ver_pipeline.annotators.cues.face_geometry import read_shape, shape_distribution
from ver_pipeline.annotators.cues.features import read_features
from ver_pipeline.annotators.cues.labeling_sources import label_votes
from ver_pipeline.measure.action_units import UNITS

SAD, SMILING = {"sadness": 1.0}, {"happiness": 1.0}
TEARS = ("downcast", "drawn", "lowered", "下垂", "耷拉", "低眉", "撇着")


def shaped(
    data: dict[str, Any], units: dict[str, float], gaze_pitch_deg: float = 0.0, track: int = 0
) -> dict[str, Any]:
    """Give a face track a shape that is the same at eight looks a second."""
    face = data["measured"]["faces"]["tracks"][track]
    count = max(2, int(8 * (face["end_s"] - face["start_s"])))
    step_s = (face["end_s"] - face["start_s"]) / (count - 1)
    level = (0.0,) * count
    face["shape"] = {
        "t_s": [round(face["start_s"] + n * step_s, 3) for n in range(count)],
        "presence": [1.0] * count, "yaw_deg": list(level), "pitch_deg": list(level), "roll_deg": list(level),
        "gaze_yaw_deg": list(level), "gaze_pitch_deg": [gaze_pitch_deg] * count,
        "mouth_open": list(level), "eye_open": [0.25] * count, "rest": "track",
        "units": {name: {"value": [units.get(name, 0.0)] * count, "confidence": 0.6} for name in UNITS},
    }  # fmt: skip
    return data


def votes(data: dict[str, Any]) -> dict[str, Any]:
    features = read_features(data["clip"], data["speech"], data["measured"])
    return {vote.voter: vote for vote in label_votes(features, data["speech"], data["measured"])}


def told(annotation: dict[str, Any]) -> str:
    return " ".join(seen[f"text_{language}"] for seen in annotation["observations"] for language in ("en", "zh"))


def test_a_face_that_only_looks_down_is_not_told_as_close_to_tears() -> None:
    data = shaped(set_face(clip(), [SAD] * 6), {}, gaze_pitch_deg=-28.0)
    annotation = annotate(data)
    assert not any(word in told(annotation) for word in TEARS)
    assert "down" in told(annotation) and "目光" in told(annotation)
    assert annotation["emotion"]["primary"] != "sadness"


@pytest.mark.parametrize("units", [{"AU15": 0.6}, {"AU1": 0.6, "AU2": 0.1}, {"AU6": 0.6, "AU43": 0.5}])
def test_a_face_that_is_drawn_down_is_told_so_wherever_it_looks(units: dict[str, float]) -> None:
    data = shaped(set_face(clip(), [SAD] * 6), units, gaze_pitch_deg=-28.0)
    assert any(word in told(annotate(data)) for word in TEARS)


def test_without_a_shape_a_face_is_told_by_its_expression_as_before() -> None:
    data = set_face(clip(), [SAD] * 6)
    assert any(word in told(annotate(data)) for word in TEARS)
    assert "shape" not in votes(data)


@pytest.mark.parametrize(
    ("units", "label"),
    [
        ({"AU12": 0.8, "AU6": 0.5, "AU25": 1.0}, "happiness"),
        ({"AU1": 0.9, "AU2": 0.9, "AU26": 0.8, "AU25": 1.0}, "surprise"),
        ({"AU15": 0.7, "AU1": 0.5}, "sadness"),
        ({"AU6": 0.7, "AU43": 0.6, "AU12": 0.5}, "sadness"),
        ({"AU25": 1.0, "AU26": 0.6}, "neutral"),
        ({}, "neutral"),
    ],
)
def test_the_shape_votes_by_the_units_that_go_together(units: dict[str, float], label: str) -> None:
    data = shaped(set_face(clip(), [SMILING] * 6), units)
    vote = votes(data)["shape"]
    assert vote.top == label
    assert sum(vote.dist.values()) == pytest.approx(1.0)


def test_the_shape_never_sees_the_expression() -> None:
    smiling, sad = (shaped(set_face(clip(), [scores] * 6), {"AU12": 0.8}) for scores in (SMILING, SAD))
    assert votes(smiling)["shape"] == votes(sad)["shape"]


def test_units_that_are_not_sure_enough_or_not_visible_are_not_read() -> None:
    data = shaped(set_face(clip(), [SAD] * 6), {"AU12": 1.0})
    track = data["measured"]["faces"]["tracks"][0]
    for unit in track["shape"]["units"].values():
        unit["confidence"] = 0.1
    assert read_shape(track, track["start_s"], track["end_s"]) is None
    for unit in track["shape"]["units"].values():
        unit |= {"confidence": 0.6, "value": [None] * len(unit["value"])}
    assert read_shape(track, track["start_s"], track["end_s"]) is None


def test_a_blink_is_no_crying() -> None:
    data = shaped(set_face(clip(), [SAD] * 6), {})
    track = data["measured"]["faces"]["tracks"][0]
    track["shape"]["units"]["AU43"]["value"][3] = 1.0
    shape = read_shape(track, track["start_s"], track["end_s"])
    assert shape is not None and shape_distribution(shape)["neutral"] > 0.9


def test_a_voice_that_is_off_the_screen_says_nothing_of_the_face_and_the_text_says_so() -> None:
    data = shaped(set_face(say(clip(), "Please do not be so sad."), [SMILING] * 6), {"AU12": 0.9, "AU6": 0.6})
    assert {"words", "voice"} & set(votes(data))
    data["measured"]["faces"]["voice_on_screen"] = {
        "decision": "off", "voice_s": 2.0, "known_s": 2.0, "speaking_s": 0.0,
    }  # fmt: skip
    assert set(votes(data)) == {"face", "shape"}
    annotation = annotate(data)
    assert annotation["emotion"]["primary"] == "happiness"
    if data["measured"]["voice"] is not None:
        assert "mouth" in told(annotation) and "口型" in told(annotation)


def test_of_several_faces_the_subject_is_the_one_who_speaks_and_a_still_one_comes_last() -> None:
    data = clip()
    tracks = [set_face(clip(), [SMILING] * 6)["measured"]["faces"]["tracks"][0] for _ in range(2)]
    for n, track in enumerate(tracks):
        track |= {"track_id": f"f{n + 1}", "mean_box": [0.1 + 0.5 * n, 0.2, 0.2, 0.4]}
        for look in track["boxes"]:
            look["box"] = track["mean_box"]
    data["measured"]["faces"] |= {"n_tracks": 2, "max_simultaneous": 2, "tracks": tracks}
    spans = [{"start_s": 0.5, "end_s": 1.5}]
    motion = {"score": 0.9, "motion_in_voice": 0.02, "motion_outside": None}
    for n in (0, 1):
        for m, track in enumerate(tracks):
            track["speaking"] = {**motion, "spans": spans if m == n else []}
        assert annotate(data)["emotion"]["subject_track_id"] == f"f{n + 1}"
    for n in (0, 1):
        for m in (0, 1):
            shaped(data, {}, track=m)
            tracks[m]["shape"]["still"] = m == n
        assert annotate(data)["emotion"]["subject_track_id"] == f"f{2 - n}"
