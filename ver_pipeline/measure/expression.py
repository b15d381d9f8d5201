"""How a face looks: seven classes by face-api's expression network (``convert.py``).

Each face is seen four times, tight and a little wider, as it is and mirrored, and the answers are
averaged: a single view of this network is often over-sure.  The converted network agrees with the
JavaScript original (a test pins it).  Seen on some forty faces of sample footage it tells happiness,
sadness, surprise and neutral well and misses anger and disgust.  It is evidence, not truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.faces import Box, Face
from ver_pipeline.measure.frames import Picture
from ver_pipeline.measure.networks import onnx_session

MODEL = "face-expression"
CLASSES = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
SIDE = 112
MARGINS = (1.0, 1.15)
MIN_FACE_PIXELS = 24
"""A smaller face is not scored: there is nothing to see in it."""


class ExpressionNet:
    """Scores faces; the same crop gives the same scores."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.session: Any = None

    def open(self) -> None:
        """Load the network; fetches it where the store lacks it.

        Raises:
            MissingModelError: it could not be had.
        """
        self.session = onnx_session(str(store.resolve(MODEL)), self.threads)

    def score(self, rgb: Picture, faces: Sequence[Face]) -> list[dict[str, float]]:
        """Per face the probability of each class, summing to 1; empty for a face too small to score.

        Args:
            rgb: the frame, uint8 ``(height, width, 3)``.
            faces: the faces in it.
        """
        return [self._score_one(rgb, face.box) for face in faces]

    def _score_one(self, rgb: Picture, box: Box) -> dict[str, float]:
        height, width = rgb.shape[:2]
        if min(box[2] * width, box[3] * height) < MIN_FACE_PIXELS:
            return {}
        views = [crop(rgb, box, margin) for margin in MARGINS]
        batch = np.stack([view for v in views for view in (v, v[:, ::-1])]).transpose(0, 3, 1, 2)
        # One face a call: a batch of another size may choose another kernel and round otherwise.
        probs = self.session.run(None, {"input": np.ascontiguousarray(batch, np.float32)})[0].mean(axis=0)
        return dict(zip(CLASSES, (float(p) for p in probs / probs.sum()), strict=True))


def crop(rgb: Picture, box: Box, margin: float) -> npt.NDArray[np.uint8]:
    """A face cut out, padded with black to a square as the network's authors do.

    Args:
        rgb: the frame, uint8 ``(height, width, 3)``.
        box: the face.
        margin: factor on the box's width and height.

    Returns:
        uint8 ``(SIDE, SIDE, 3)``, RGB.
    """
    import cv2

    height, width = rgb.shape[:2]
    middle_x, middle_y = (box[0] + box[2] / 2) * width, (box[1] + box[3] / 2) * height
    half_w, half_h = box[2] * width * margin / 2, box[3] * height * margin / 2
    left, right = round(max(0.0, middle_x - half_w)), round(min(float(width), middle_x + half_w))
    top, bottom = round(max(0.0, middle_y - half_h)), round(min(float(height), middle_y + half_h))
    face = rgb[top:bottom, left:right]
    side = max(face.shape[:2])
    square = np.zeros((side, side, 3), np.uint8)
    y, x = (side - face.shape[0]) // 2, (side - face.shape[1]) // 2
    square[y : y + face.shape[0], x : x + face.shape[1]] = face
    shrink = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=shrink), np.uint8)
