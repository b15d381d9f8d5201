"""``record.Faces``: what was seen of faces, as the record keeps it, with rounded numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ver_pipeline.measure.action_units import UNITS, blinks, is_still, resting, unit_tracks
from ver_pipeline.measure.face_shape import FACE_HEIGHT_CM, ShapeLook
from ver_pipeline.measure.following import Track
from ver_pipeline.measure.speaking import Speaking, mouth_of, who_speaks


def faces_record(
    tracks: Sequence[Track],
    sampled_s: Sequence[float],
    detector: str,
    expression: str,
    voice: Sequence[tuple[float, float]] | None,
    duration_s: float,
) -> dict[str, Any]:
    """``record.Faces``.

    Args:
        tracks: the faces, in order.
        sampled_s: the times of the full looks.
        detector: name and version of the face detector.
        expression: name and version of the expression network.
        voice: when somebody is heard; None where mouths were not followed.
        duration_s: of the clip.
    """
    records = [_track_record(track, f"f{number}") for number, track in enumerate(tracks, 1)]
    on_screen = None
    if voice:
        faces, decided = who_speaks([mouth_of(track.shape) for track in tracks], voice, duration_s)
        on_screen = asdict(decided)
        for record, one in zip(records, faces, strict=True):
            record["speaking"] = _speaking_record(one)
    per_time: dict[float, int] = {}
    for track in tracks:
        for t_s, _, _ in track.looks:
            per_time[t_s] = per_time.get(t_s, 0) + 1
    return {
        "n_tracks": len(tracks),
        "max_simultaneous": max(per_time.values(), default=0),
        "sampled_s": list(sampled_s),
        "tracks": records,
        "detector": detector,
        "expression_model": expression,
        "voice_on_screen": on_screen,
    }


def _speaking_record(one: Speaking) -> dict[str, Any]:
    motions = (one.motion_in_voice, one.motion_outside)
    inside, outside = (None if motion is None else round(min(1.0, motion), 4) for motion in motions)
    return {
        "score": None if one.score is None else round(one.score, 3),
        "motion_in_voice": inside,
        "motion_outside": outside,
        "spans": [{"start_s": start_s, "end_s": end_s} for start_s, end_s in one.spans],
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
        "shape": shape_record(track.shape) if track.shape else None,
        "speaking": None,
    }


def shape_record(looks: Sequence[ShapeLook]) -> dict[str, Any]:
    """``record.FaceShape``: columns of equal length, one value a look; None where a part was not visible."""
    rest, source = resting(looks)
    tracks = unit_tracks(looks, rest, source == "track")
    return {
        "t_s": [look.t_s for look in looks],
        "presence": [round(look.presence, 2) for look in looks],
        "yaw_deg": [round(look.pose.yaw_deg, 1) for look in looks],
        "pitch_deg": [round(look.pose.pitch_deg, 1) for look in looks],
        "roll_deg": [round(look.pose.roll_deg, 1) for look in looks],
        "gaze_yaw_deg": [None if look.gaze is None else round(look.gaze.yaw_deg, 1) for look in looks],
        "gaze_pitch_deg": [None if look.gaze is None else round(look.gaze.pitch_deg, 1) for look in looks],
        "mouth_open": [
            round(min(1.0, look.measures.mouth_open / FACE_HEIGHT_CM), 3) if look.visible else None for look in looks
        ],
        "eye_open": [round(min(1.0, look.measures.eye_open), 3) if look.detailed else None for look in looks],
        "units": {
            name: {
                "value": [None if v is None else round(v, 2) for v in tracks[name].values],
                "confidence": round(tracks[name].confidence, 2),
            }
            for name in UNITS
        },
        "rest": source,
        "still": is_still(looks),
        "blinks_s": blinks(looks, tracks["AU43"].values),
    }


def _rounded(box: Sequence[float]) -> list[float]:
    """Three decimals, never outside the frame."""
    x, y = round(box[0], 3), round(box[1], 3)
    return [x, y, round(min(box[2], 1 - x), 3), round(min(box[3], 1 - y), 3)]


def _rounded_scores(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(min(1.0, value), 3) for name, value in sorted(scores.items())}
