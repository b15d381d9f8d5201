"""Faces followed over a clip: detected now and then, and in between by the mesh, which costs a fifth as much.

At a *full* look a face's expression is scored; at the looks between only its shape is followed, each time in the crop
where it was last.  The detector runs where nothing is followed, where a face was lost, and every ``DETECT_EVERY_S``
at the latest, for faces that come in.  Without the mesh it runs at every full look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ver_pipeline.measure.face_mesh import Crop, FaceMesh, Mesh, Points, crop_of_box, crop_of_points
from ver_pipeline.measure.face_shape import ShapeLook, gaze_of, nearer_eye, shape_look
from ver_pipeline.measure.faces import Box, Face, overlap
from ver_pipeline.measure.frames import Picture, SampledFrame

TRACK_IOU = 0.3
MAX_MISSED = 1
"""A face may be missing on this many detections in a row and still be the same face."""
LONE_CONF = 0.75
"""A face seen on one of several frames only must be at least this sure."""
DETECT_EVERY_S = 1.4
"""Longest time between two detections while every face is followed: every third full look of a clip of usual length."""
MIN_PRESENCE = 0.5
"""Below, the mesh sees no face where it looks."""
MAX_FOLLOWED = 4
"""Faces, largest first, whose shape is followed between full looks."""
MOVED = 0.12
"""A face that moved by more than this share of its crop is looked at once more, in a crop of its own."""


class Detector(Protocol):
    """Finds faces in a frame."""

    def detect(self, rgb: Picture) -> list[Face]:
        """The faces of a frame, surest first."""


class Scorer(Protocol):
    """Scores the expressions of faces."""

    def score(self, rgb: Picture, faces: Sequence[Face]) -> list[dict[str, float]]:
        """Per face its expression scores."""


@dataclass(slots=True)
class Track:
    """One face over time: looks are (time, face, expression scores), in order; ``shape`` has looks between them too.

    ``now`` is where it is, ``mesh`` how it was last seen there (None where it is not followed), ``frame_in`` how its
    box lies to the mesh: offset of the middle and size, in widths and heights of the mesh.
    """

    now: Face
    looks: list[tuple[float, Face, dict[str, float]]] = field(default_factory=list)
    shape: list[ShapeLook] = field(default_factory=list)
    missed: int = 0
    mesh: Mesh | None = None
    frame_in: Box = (0.0, 0.0, 1.0, 1.0)


class FaceFollower:
    """Fed the looked-at frames of one clip in order; a shot cut between two of them ends every track.

    Args:
        detector: finds faces.
        scorer: scores expressions.
        mesh: gives the shape of a face; None follows by detection alone.
        cuts_s: times of the clip's cuts.
    """

    def __init__(self, detector: Detector, scorer: Scorer, mesh: FaceMesh | None, cuts_s: Sequence[float]) -> None:
        self.detector, self.scorer, self.mesh = detector, scorer, mesh
        self.cuts_s = sorted(cuts_s)
        self.done: list[Track] = []
        self.live: list[Track] = []
        self.last_s: float | None = None
        self.detected_s: float | None = None
        self.n_full = 0

    def look(self, sample: SampledFrame, full: bool) -> None:
        """Take the next frame; ``full``: with expressions, and detection where it is due."""
        t_s, rgb = sample.t_s, sample.rgb
        if self.last_s is not None and any(self.last_s < cut <= t_s for cut in self.cuts_s):
            self.done, self.live, self.detected_s = self.done + self.live, [], None
        self.last_s = t_s
        if self.mesh is not None:
            self._follow(t_s, rgb, full)
        if not full:
            return
        self.n_full += 1
        if self._due(t_s):
            self._match(self.detector.detect(rgb))
            self.detected_s = t_s
            for track in self.live:
                if self.mesh is not None and track.mesh is None and track.missed == 0:
                    self._begin(track, t_s, rgb)
        seen = [track for track in self.live if track.missed == 0]
        for track, scores in zip(seen, self.scorer.score(rgb, [track.now for track in seen]), strict=True):
            track.looks.append((t_s, track.now, scores))
            self._gaze(track, t_s, rgb)

    def result(self) -> list[Track]:
        """All tracks that are believed, by time of first look, larger first."""
        self.done, self.live = self.done + self.live, []
        tracks = [t for t in self.done if len(t.looks) > 1 or self.n_full < 3 or t.looks[0][1].conf >= LONE_CONF]
        return sorted(tracks, key=lambda t: (t.looks[0][0], -t.looks[0][1].box[2] * t.looks[0][1].box[3]))

    def _due(self, t_s: float) -> bool:
        if self.detected_s is None or t_s - self.detected_s >= DETECT_EVERY_S - 1e-6:
            return True
        return not self.live or any(track.mesh is None for track in self.live)

    def _match(self, faces: Sequence[Face]) -> None:
        """Give each face to the track it overlaps most; the others begin tracks, and tracks without one may end."""
        pairs = [
            (overlap(track.now.box, face.box), t, f)
            for t, track in enumerate(self.live)
            for f, face in enumerate(faces)
        ]
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for value, t, f in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
            if value >= TRACK_IOU and t not in taken_tracks and f not in taken_faces:
                taken_tracks.add(t)
                taken_faces.add(f)
                self.live[t].now, self.live[t].missed = faces[f], 0
        for t, track in enumerate(self.live):
            track.missed += t not in taken_tracks
        self.done += [track for track in self.live if track.missed > MAX_MISSED]
        self.live = [track for track in self.live if track.missed <= MAX_MISSED]
        self.live += [Track(face) for f, face in enumerate(faces) if f not in taken_faces]

    def _follow(self, t_s: float, rgb: Picture, full: bool) -> None:
        """Look at each face where it was last; one that is not there any more is lost until it is detected."""
        by_size = sorted(self.live, key=lambda track: -track.now.box[2] * track.now.box[3])
        for track in by_size if full else by_size[:MAX_FOLLOWED]:
            if track.mesh is not None:
                track.mesh = self._mesh_at(rgb, track.mesh.points)
                if track.mesh is not None:
                    track.now = _face_of(track, rgb)
                    self._take(track, t_s, rgb)

    def _begin(self, track: Track, t_s: float, rgb: Picture) -> None:
        """Look for the mesh of a face that was just detected."""
        height, width = rgb.shape[:2]
        x, y, wide, high = track.now.box
        first = self._look_in(rgb, crop_of_box(x * width, y * height, wide * width, high * height))
        track.mesh = first and self._look_in(rgb, crop_of_points(first.points))
        if track.mesh is not None:
            left, top, across, down = _bounds(track.mesh.points)
            track.frame_in = (
                ((x + wide / 2) * width - left - across / 2) / across,
                ((y + high / 2) * height - top - down / 2) / down,
                wide * width / across,
                high * height / down,
            )
            self._take(track, t_s, rgb)

    def _mesh_at(self, rgb: Picture, points: Points) -> Mesh | None:
        crop = crop_of_points(points)
        mesh = self._look_in(rgb, crop)
        if mesh is not None:
            again = crop_of_points(mesh.points)
            if max(abs(again.x - crop.x), abs(again.y - crop.y)) > MOVED * crop.side:
                return self._look_in(rgb, again)
        return mesh

    def _look_in(self, rgb: Picture, crop: Crop) -> Mesh | None:
        mesh = self.mesh.look(rgb, crop) if self.mesh is not None else None
        return mesh if mesh is not None and mesh.presence >= MIN_PRESENCE else None

    def _take(self, track: Track, t_s: float, rgb: Picture) -> None:
        if track.mesh is not None:
            track.shape.append(shape_look(t_s, track.mesh, rgb.shape[1], rgb.shape[0]))

    def _gaze(self, track: Track, t_s: float, rgb: Picture) -> None:
        """Where a face looks that has just been looked at in full."""
        if self.mesh is None or track.mesh is None or not track.shape:
            return
        look = track.shape[-1]
        if look.t_s == t_s and look.detailed:
            eye = nearer_eye(look.pose)
            iris = self.mesh.iris_of(rgb, track.mesh, eye)
            track.shape[-1] = look.with_gaze(gaze_of(look, track.mesh.points, eye, iris))


def look_times(full_s: Sequence[float], looks_per_s: float, duration_s: float) -> list[tuple[float, bool]]:
    """The times to look at with whether the look is a full one: each full one, and others evenly between and around.

    Never less than the full ones; ``looks_per_s`` is met to the nearest whole number of looks for each full one.
    """
    step_s = duration_s / len(full_s)
    share = max(1, round(looks_per_s * step_s))
    first = [full_s[0] - n * step_s / share for n in range(share, 0, -1)]
    times = [(t_s, False) for t_s in first if t_s >= 0]
    for begin_s in full_s:
        times += [(begin_s + n * step_s / share, n == 0) for n in range(share)]
    return [(t_s, full) for t_s, full in times if full or t_s < duration_s]


def _bounds(points: Points) -> tuple[float, float, float, float]:
    """Left, top, width and height of the points, in pixels."""
    left, top = (float(v) for v in points[:, :2].min(axis=0))
    right, bottom = (float(v) for v in points[:, :2].max(axis=0))
    return left, top, max(1.0, right - left), max(1.0, bottom - top)


def _face_of(track: Track, rgb: Picture) -> Face:
    """The face's box where its mesh is now, as the detector would draw it; inside the frame."""
    if track.mesh is None:
        return track.now
    height, width = rgb.shape[:2]
    left, top, across, down = _bounds(track.mesh.points)
    offset_x, offset_y, wide, high = track.frame_in
    middle_x, middle_y = left + across * (0.5 + offset_x), top + down * (0.5 + offset_y)
    x, y = max(0.0, middle_x - wide * across / 2) / width, max(0.0, middle_y - high * down / 2) / height
    right = min(float(width), middle_x + wide * across / 2) / width
    bottom = min(float(height), middle_y + high * down / 2) / height
    if right <= x or bottom <= y:
        return track.now
    return Face((x, y, right - x, bottom - y), track.now.conf)
