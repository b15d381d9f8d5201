"""The converted expression network answers as the original does, and small faces are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from ver_pipeline.assets import store
from ver_pipeline.measure.expression import CLASSES, SIDE, ExpressionNet, crop
from ver_pipeline.measure.faces import Face, decode, overlap
from ver_pipeline.measure.networks import onnx_session

ORIGINAL = (
    (0.25544, 0.05535, 0.46652, 0.01066, 0.13625, 0.00211, 0.07367),
    (0.20205, 0.05541, 0.09447, 0.03740, 0.02617, 0.00358, 0.58092),
    (0.26632, 0.02150, 0.52388, 0.02512, 0.01982, 0.01092, 0.13245),
)
"""What @vladmandic/face-api 1.7.15 itself (FaceExpressionNet, CPU backend, Node 20) answers to the three
frames of ``noise()``, which exercise every layer; on photographs of faces it agreed as closely."""


def noise() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8) for _ in ORIGINAL]


def test_the_converted_network_agrees_with_the_javascript_original() -> None:
    session = onnx_session(str(store.resolve("face-expression")), threads=1)
    for picture, expected in zip(noise(), ORIGINAL, strict=True):
        (answer,) = session.run(None, {"input": picture.transpose(2, 0, 1)[None].astype(np.float32)})
        assert answer[0] == pytest.approx(expected, abs=2e-5)


def test_a_face_too_small_to_see_anything_in_is_not_scored() -> None:
    net = ExpressionNet(threads=1)
    net.open()
    picture = np.zeros((200, 200, 3), np.uint8)
    small, large = Face((0.1, 0.1, 0.1, 0.2), 0.9), Face((0.1, 0.1, 0.5, 0.5), 0.9)
    unscored, scored = net.score(picture, [small, large])
    assert unscored == {}
    assert set(scored) == set(CLASSES)
    assert sum(scored.values()) == pytest.approx(1)


def test_a_crop_keeps_the_faces_proportions_and_pads_with_black() -> None:
    picture = np.full((100, 100, 3), 255, np.uint8)
    face = crop(picture, (0.4, 0.2, 0.2, 0.6), 1.0)
    assert face.shape == (SIDE, SIDE, 3)
    assert face[:, SIDE // 2].min() == 255
    assert face[:, 2].max() == face[:, -3].max() == 0


def test_overlapping_boxes_of_one_face_become_one_and_boxes_stay_inside_the_frame() -> None:
    heat, scales, offsets = np.zeros((20, 20)), np.full((2, 20, 20), np.log(6.0)), np.zeros((2, 20, 20))
    heat[0, 0], heat[10, 10], heat[10, 11], heat[5, 5] = 0.7, 0.9, 0.8, 0.4
    faces = decode(heat, scales, offsets, min_conf=0.6)
    assert [round(f.conf, 2) for f in faces] == [0.9, 0.7]
    assert faces[0].box == pytest.approx((0.375, 0.375, 0.3, 0.3))
    assert faces[1].box == pytest.approx((0.0, 0.0, 0.175, 0.175))


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 0.2, 0.2), (0.1, 0, 0.2, 0.2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2)) == 0.0
