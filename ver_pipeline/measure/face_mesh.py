"""The shape of a face: MediaPipe's mesh of 468 points on a crop, and the iris of an eye.

The networks are read by OpenCV (``cv2.dnn``), on one thread: the same crop gives the same points.  Like all of
OpenCV's arithmetic theirs follows the processor; ``runtime.instruction_set`` holds it (``OPENCV_CPU_DISABLE``).

How a crop lies follows MediaPipe 0.10 (``face_landmark_front``, ``iris_landmark_left_and_right``): a square of 1.5
times the face, turned so that the eyes are level; for an eye 2.3 times its width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.frames import Picture

MODEL = "face-mesh"
SIDE, EYE_SIDE = 192, 64
FACE_MARGIN, EYE_MARGIN = 1.5, 2.3
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
"""Outer and inner corner of the person's right eye (left in the picture) and left eye."""
OUTPUTS = ("conv2d_21", "conv2d_31")
"""The points and the presence of a face, as the network's file calls them."""

Points = npt.NDArray[np.float32]
"""``(468, 3)``: x and y in pixels of the frame, z in the same scale, smaller nearer to the camera."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square in a frame: its middle and side in pixels, turned clockwise by ``angle`` radians."""

    x: float
    y: float
    side: float
    angle: float


@dataclass(frozen=True, slots=True)
class Mesh:
    """The points of one face in one frame; ``presence`` is the network's own probability that there is a face."""

    points: Points
    presence: float


class FaceMesh:
    """Both networks; the same crop gives the same points."""

    def __init__(self) -> None:
        self.mesh: Any = None
        self.iris: Any = None

    def open(self) -> None:
        """Load the networks; fetches them where the store lacks them.

        Raises:
            MissingModelError: they could not be had.
        """
        folder = store.resolve(MODEL)
        self.mesh, self.iris = (_network(folder / f"{name}_landmark.tflite") for name in ("face", "iris"))

    def look(self, rgb: Picture, crop: Crop) -> Mesh:
        """The face in a crop of a frame, uint8 RGB ``(height, width, 3)``."""
        self.mesh.setInput(_cut(rgb, crop, SIDE))
        flat, presence = self.mesh.forward(list(OUTPUTS))
        points = _to_frame(flat.reshape(-1, 3), crop, SIDE)
        return Mesh(points, 1.0 / (1.0 + math.exp(-float(presence.ravel()[0]))))

    def iris_of(self, rgb: Picture, mesh: Mesh, eye: tuple[int, int]) -> tuple[float, float]:
        """The middle of an eye's iris in pixels of the frame; ``eye`` is ``RIGHT_EYE`` or ``LEFT_EYE``."""
        outer, inner = mesh.points[eye[0]], mesh.points[eye[1]]
        mirrored = eye == LEFT_EYE  # the network knows eyes of one side only
        middle, across = (outer + inner) / 2, (outer - inner if mirrored else inner - outer)
        side = EYE_MARGIN * math.hypot(across[0], across[1])
        crop = Crop(float(middle[0]), float(middle[1]), max(side, 1.0), math.atan2(across[1], across[0]))
        feed = _cut(rgb, crop, EYE_SIDE)
        self.iris.setInput(np.ascontiguousarray(feed[..., ::-1]) if mirrored else feed)
        iris = self.iris.forward("output_iris").reshape(-1, 3)[:1].copy()
        if mirrored:
            iris[:, 0] = EYE_SIDE - iris[:, 0]
        x, y, _ = _to_frame(iris, crop, EYE_SIDE)[0]
        return float(x), float(y)


def crop_of_box(x: float, y: float, width: float, height: float) -> Crop:
    """Where to look for a face whose box, in pixels, was detected; taken as upright."""
    return Crop(x + width / 2, y + height / 2, FACE_MARGIN * max(width, height), 0.0)


def crop_of_points(points: Points) -> Crop:
    """Where to look for a face that was last seen as these points."""
    across = points[LEFT_EYE[0]] - points[RIGHT_EYE[0]]
    angle = math.atan2(float(across[1]), float(across[0]))
    cos, sin = math.cos(angle), math.sin(angle)
    along = points[:, 0] * cos + points[:, 1] * sin
    down = points[:, 1] * cos - points[:, 0] * sin
    middle_along, middle_down = (float(v.max() + v.min()) / 2 for v in (along, down))
    side = FACE_MARGIN * max(float(np.ptp(along)), float(np.ptp(down)), 1.0)
    return Crop(middle_along * cos - middle_down * sin, middle_along * sin + middle_down * cos, side, angle)


def _network(path: Path) -> Any:
    import cv2

    cv2.setNumThreads(1)
    # OpenCV 5's new engine gives one output of a network only; older ones have no choice of engine.
    engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    return cv2.dnn.readNetFromTFLite(str(path), *([] if engine is None else [engine]))


def _cut(rgb: Picture, crop: Crop, side: int) -> npt.NDArray[np.float32]:
    """The crop as the networks want it: float32 ``(1, 3, side, side)`` in 0..1; black beyond the frame."""
    import cv2

    scale = side / crop.side
    cos, sin = math.cos(crop.angle) * scale, math.sin(crop.angle) * scale
    move = np.array(
        [
            [cos, sin, side / 2 - cos * crop.x - sin * crop.y],
            [-sin, cos, side / 2 + sin * crop.x - cos * crop.y],
        ]
    )
    square = cv2.warpAffine(rgb, move, (side, side), flags=cv2.INTER_LINEAR)
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def _to_frame(found: npt.NDArray[np.float32], crop: Crop, side: int) -> Points:
    """Points of a crop, ``(n, 3)`` in its pixels, in pixels of the frame."""
    scale = crop.side / side
    cos, sin = math.cos(crop.angle) * scale, math.sin(crop.angle) * scale
    along, down = found[:, 0] - side / 2, found[:, 1] - side / 2
    x, y = crop.x + along * cos - down * sin, crop.y + along * sin + down * cos
    return np.stack([x, y, found[:, 2] * scale], axis=1).astype(np.float32)
