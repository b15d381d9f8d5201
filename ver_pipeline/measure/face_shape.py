"""What the shape of a face measures at one look: lips, brows, lids, cheeks, jaw; and where the eyes look.

All lengths are taken with the head's movement out (``head_pose.aligned``), in centimetres of MediaPipe's canonical
face, whose height from hairline to chin is ``FACE_HEIGHT_CM``.  So they do not change with the size of a face and
hardly with its turning, up to the angles named here; beyond them, and on faces too small, a part is not visible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ver_pipeline.measure.face_mesh import LEFT_EYE, RIGHT_EYE, Mesh, Points
from ver_pipeline.measure.head_pose import Floats, HeadPose, aligned, head_pose

FACE_HEIGHT_CM = 17.67
"""Points 10 (hairline) to 152 (chin) of the canonical face."""
INNER_LIPS = ((13, 14), (82, 87), (312, 317))
CORNERS = (61, 291)
RIGHT_LIDS, LEFT_LIDS = ((159, 145), (158, 153), (160, 144)), ((386, 374), (385, 380), (387, 373))
INNER_BROWS, OUTER_BROWS = (107, 55, 336, 285), (70, 63, 46, 53, 300, 293, 276, 283)
MAX_YAW_DEG, MAX_PITCH_DEG = 45.0, 35.0
"""Beyond, half of the face is hidden and the mesh guesses it."""
MIN_HEIGHT_PX, MIN_DETAIL_PX = 32, 56
"""Faces less high show no shape; less than the second, no brows and lids."""
EYEBALL = 0.42
"""Radius of an eyeball as a share of the distance of an eye's corners (12.5 mm to 30 mm, usual anatomy)."""


@dataclass(frozen=True, slots=True)
class Measures:
    """One look, lengths in cm of the canonical face; ``eye_open`` is height to width of the lids' opening.

    ``corners_up`` is how high the corners of the mouth lie above its middle, ``corner_height`` how high in the face.
    """

    mouth_open: float
    mouth_width: float
    corners_up: float
    corner_height: float
    jaw: float
    brow_inner: float
    brow_outer: float
    brow_gap: float
    eye_open: float
    cheek: float


@dataclass(frozen=True, slots=True)
class Gaze:
    """Degrees towards the camera's axes, head and eyes together: to the picture's right, and up."""

    yaw_deg: float
    pitch_deg: float


@dataclass(frozen=True, slots=True)
class ShapeLook:
    """A face at one look; ``form`` are its points as ``aligned`` gives them, ``height_px`` is from hairline to chin."""

    t_s: float
    presence: float
    pose: HeadPose
    height_px: float
    measures: Measures
    form: Floats
    gaze: Gaze | None = None

    @property
    def visible(self) -> bool:
        """Whether anything of the shape can be read."""
        turned = abs(self.pose.yaw_deg) > MAX_YAW_DEG or abs(self.pose.pitch_deg) > MAX_PITCH_DEG
        return not turned and self.height_px >= MIN_HEIGHT_PX

    @property
    def detailed(self) -> bool:
        """Whether brows and lids can be read."""
        return self.visible and self.height_px >= MIN_DETAIL_PX

    def with_gaze(self, gaze: Gaze) -> ShapeLook:
        """The same look with its gaze."""
        return replace(self, gaze=gaze)


def shape_look(t_s: float, mesh: Mesh, width: int, height: int) -> ShapeLook:
    """Measure a face in a frame of ``width`` by ``height`` pixels; its gaze is not looked at yet."""
    form = aligned(mesh.points)
    pose = head_pose(mesh.points, width, height)
    return ShapeLook(t_s, mesh.presence, pose, face_height_px(mesh.points), measures(form), form)


def face_height_px(points: Points) -> float:
    """From hairline to chin, in pixels of the frame."""
    return float(np.linalg.norm(points[10, :2] - points[152, :2]))


def measures(form: Floats) -> Measures:
    """The measures of an aligned face, ``(468, 3)`` in cm of the canonical face."""

    def distance(one: int, other: int) -> float:
        return float(np.linalg.norm(form[one] - form[other]))

    def height(*points: int) -> float:
        return float(form[list(points), 1].mean())

    return Measures(
        mouth_open=sum(distance(*pair) for pair in INNER_LIPS) / len(INNER_LIPS),
        mouth_width=distance(*CORNERS),
        corners_up=height(*CORNERS) - height(13, 14),
        corner_height=height(*CORNERS),
        jaw=height(2) - height(152),
        brow_inner=height(*INNER_BROWS) - height(RIGHT_EYE[1], LEFT_EYE[1]),
        brow_outer=height(*OUTER_BROWS) - height(RIGHT_EYE[0], LEFT_EYE[0]),
        brow_gap=distance(55, 285),
        eye_open=sum(
            sum(distance(*pair) for pair in lids) / len(lids) / distance(*eye)
            for lids, eye in ((RIGHT_LIDS, RIGHT_EYE), (LEFT_LIDS, LEFT_EYE))
        )
        / 2,
        cheek=height(145, 374) - height(50, 280),
    )


def nearer_eye(pose: HeadPose) -> tuple[int, int]:
    """The eye that is turned to the camera."""
    return RIGHT_EYE if pose.yaw_deg > 0 else LEFT_EYE


def gaze_of(look: ShapeLook, points: Points, eye: tuple[int, int], iris: tuple[float, float]) -> Gaze:
    """Where the eyes look, from one iris: its offset from the middle between the eye's corners, on a ball.

    Both angles of the eye are added to the head's.  Good to some ten degrees: the ball's size and middle are a mean
    person's.
    """
    outer, inner = points[eye[0], :2].astype(float), points[eye[1], :2].astype(float)
    right, left = (outer, inner) if eye == RIGHT_EYE else (inner, outer)
    across = left - right  # towards the picture's right
    length = float(np.hypot(*across))
    if length < 1:
        return Gaze(look.pose.yaw_deg, look.pose.pitch_deg)
    along, down = across / length, np.array([-across[1], across[0]]) / length
    offset = np.array(iris) - (outer + inner) / 2
    width = length / max(0.3, math.cos(math.radians(look.pose.yaw_deg)))
    turn, drop = (max(-1.0, min(1.0, float(offset @ axis) / (EYEBALL * width))) for axis in (along, down))
    yaw, pitch = math.degrees(math.asin(turn)), -math.degrees(math.asin(drop))
    return Gaze(look.pose.yaw_deg + yaw, look.pose.pitch_deg + pitch)
