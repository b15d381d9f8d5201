"""Where a head points, and a face's points with the head's movement taken out.

Both compare the mesh with MediaPipe's canonical face (468 points in space, in centimetres): the angles by the
projection that fits best (``cv2.solvePnP``, the parts that expressions hardly move), the points by the similarity that
fits best (Umeyama 1991), weighted as MediaPipe weighs its points for that.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.face_mesh import MODEL, Points

Floats = npt.NDArray[np.float64]

RIGID_ABOVE_CM = -1.2
"""Points of the canonical face above this (about the tip of the nose) are used for the angles: no mouth, no jaw."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """``points`` (468, 3) in cm, x to the picture's right, y up, z to the camera; ``weights`` (468,), 0 for most."""

    points: Floats
    weights: Floats
    rigid: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees.  Yaw: turned to the picture's right; pitch: up; roll: clockwise as seen.  All 0: into the camera."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@cache
def canonical() -> Canonical:
    """The canonical face.

    Raises:
        MissingModelError: it is not in the store and could not be had.
    """
    data = json.loads((store.resolve(MODEL) / "canonical_face.json").read_text("utf-8"))
    points = np.array(data["points"], np.float64)
    weights = np.zeros(len(points))
    for number, weight in data["rigid"].items():
        weights[int(number)] = weight
    return Canonical(points, weights / weights.sum(), np.flatnonzero(points[:, 1] > RIGID_ABOVE_CM))


def head_pose(points: Points, width: int, height: int) -> HeadPose:
    """Yaw, pitch and roll of a face in a frame of ``width`` by ``height`` pixels.

    The camera is taken as one whose focal length is the frame's longer side (a field of view of 53 degrees): of
    another one the angles of a face far from the middle are some degrees off.
    """
    import cv2

    face = canonical()
    camera = np.array([[max(width, height), 0, width / 2], [0, max(width, height), height / 2], [0, 0, 1]], np.float64)
    model = face.points[face.rigid] * (1, -1, -1)  # OpenCV: y down, z away from the camera
    seen = np.ascontiguousarray(points[face.rigid, :2], np.float64)
    _, turn, _ = cv2.solvePnP(model, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    return _angles(cv2.Rodrigues(turn)[0])


def aligned(points: Points) -> Floats:
    """The points as if the head looked into the camera: ``(468, 3)`` in cm of the canonical face, axes as its."""
    face = canonical()
    source = points.astype(np.float64) * (1, -1, -1)
    turn, scale, move = _similarity(source, face.points, face.weights)
    return np.asarray(scale * source @ turn.T + move, np.float64)


def _similarity(source: Floats, target: Floats, weights: Floats) -> tuple[Floats, float, Floats]:
    """Turn, scale and move that bring ``source`` nearest to ``target`` in weighted least squares (Umeyama 1991)."""
    used = np.flatnonzero(weights)
    source, target, weights = source[used], target[used], weights[used]
    centre_s, centre_t = weights @ source, weights @ target
    from_s, from_t = source - centre_s, target - centre_t
    u, sizes, vt = np.linalg.svd((from_t * weights[:, None]).T @ from_s)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    turn = (u * flip) @ vt
    spread = float(weights @ (from_s**2).sum(axis=1))
    scale = float((sizes * flip).sum()) / max(spread, 1e-12)
    return turn, scale, centre_t - scale * turn @ centre_s


def _angles(turn: Any) -> HeadPose:
    """Angles of a rotation of a face that looked along -z, in OpenCV's axes (x right, y down, z away)."""
    nose = turn @ np.array([0.0, 0.0, -1.0])
    yaw = math.degrees(math.atan2(nose[0], -nose[2]))
    pitch = math.degrees(math.atan2(-nose[1], math.hypot(nose[0], nose[2])))
    # Roll is what is left of the turn when yaw and pitch are undone: the slope of the line between the eyes.
    a, b = math.radians(yaw), math.radians(pitch)
    level = np.array([math.cos(a), 0.0, math.sin(a)])
    upright = np.array([-math.sin(a) * math.sin(b), -math.cos(b), math.cos(a) * math.sin(b)])
    across = turn @ np.array([1.0, 0.0, 0.0])
    roll = math.degrees(math.atan2(-float(across @ upright), float(across @ level)))
    return HeadPose(yaw, pitch, roll)
