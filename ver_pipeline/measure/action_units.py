"""Approximate action units of the Facial Action Coding System from the shape of a face.

An action unit (Ekman, Friesen & Hager 2002) is the work of a muscle; here only its trace in 468 points is seen, so
these are approximations by geometry, as in Tian, Kanade & Cohn 2001, not codings: a wrinkle is not seen, a pressed lip
hardly.  A value of 0 is the face at rest and 1 a full movement, by the lengths of ``UNITS``: judgements from the sample
footage, fitted to no labels.

Rest is the face's own where its track is long enough: a quantile of the track's looks, held within what faces at rest
measure (``Rest``), so that a face that smiles throughout does not pass for one at rest.  Else it is the mean face's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ver_pipeline.measure.face_shape import MAX_PITCH_DEG, MAX_YAW_DEG, Measures, ShapeLook

OWN_LOOKS, OWN_S = 6, 1.5
"""Visible looks, and seconds from the first to the last, that a rest of one's own needs."""
GOOD_HEIGHT_PX = 120
"""A face this high or more is seen in all detail."""
UNKNOWN_REST = 0.6
"""Factor on the confidence where rest is the mean face's."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Of one measure: the mean face's, how far people differ, and the quantile of a track that is nearest to rest."""

    mean: float
    spread: float
    quantile: float


RESTS: Mapping[str, Rest] = {
    "mouth_open": Rest(0.15, 0.15, 0.2),
    "mouth_width": Rest(5.15, 0.35, 0.3),
    "corners_up": Rest(-0.07, 0.06, 0.5),
    "corner_height": Rest(-4.5, 0.2, 0.4),
    "jaw": Rest(7.5, 0.5, 0.25),
    "brow_inner": Rest(1.85, 0.5, 0.5),
    "brow_outer": Rest(1.6, 0.4, 0.5),
    "brow_gap": Rest(2.45, 0.25, 0.5),
    "eye_open": Rest(0.26, 0.05, 0.6),
    "cheek": Rest(3.1, 0.12, 0.7),
}

Resting = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Unit:
    """One action unit: its FACS name, how well geometry tells it (0 to 1), whether it lies about the eyes."""

    name: str
    reliability: float
    detail: bool
    value: Callable[[Measures, Resting], float]


def _closing(now: Measures, rest: Resting) -> float:
    return (rest["eye_open"] - now.eye_open) / max(0.05, rest["eye_open"] - 0.1)


UNITS: Mapping[str, Unit] = {
    "AU1": Unit("inner brow raiser", 0.6, True, lambda m, r: (m.brow_inner - r["brow_inner"]) / 0.7),
    "AU2": Unit("outer brow raiser", 0.6, True, lambda m, r: (m.brow_outer - r["brow_outer"]) / 0.6),
    "AU4": Unit(
        "brow lowerer",
        0.5,
        True,
        lambda m, r: 0.6 * (r["brow_inner"] - m.brow_inner) / 0.45 + 0.4 * (r["brow_gap"] - m.brow_gap) / 0.3,
    ),
    "AU5": Unit("upper lid raiser", 0.4, True, lambda m, r: (m.eye_open - r["eye_open"]) / 0.1),
    "AU6": Unit("cheek raiser", 0.5, True, lambda m, r: (r["cheek"] - m.cheek) / 0.45),
    "AU12": Unit(
        "lip corner puller",
        0.8,
        False,
        lambda m, r: (
            0.6 * (m.mouth_width - r["mouth_width"]) / 1.5 + 0.4 * (m.corner_height - r["corner_height"]) / 0.7
        ),
    ),
    "AU15": Unit("lip corner depressor", 0.4, False, lambda m, r: (r["corners_up"] - m.corners_up) / 0.35),
    "AU25": Unit("lips part", 0.8, False, lambda m, r: (m.mouth_open - r["mouth_open"]) / 1.0),
    "AU26": Unit("jaw drop", 0.7, False, lambda m, r: (m.jaw - r["jaw"]) / 1.2),
    "AU43": Unit("eyes closed", 0.6, True, _closing),
}
CLOSED = 0.6
"""An AU43 of this and more counts as closed, for blinks."""
MAX_BLINK_S = 0.6
STILL_STEP_CM, STILL_SPREAD_CM = 0.03, 0.022
"""In centimetres of the canonical face.  Of frozen frames of the sample footage, with noise and a slow zoom, up to
0.027 and 0.021; of people in it at least 0.037 and 0.056."""


@dataclass(frozen=True, slots=True)
class UnitTrack:
    """One unit over a track: a value a look, None where it is not visible; ``confidence`` is 0 where it never is."""

    values: tuple[float | None, ...]
    confidence: float


def resting(looks: Sequence[ShapeLook]) -> tuple[dict[str, float], Literal["track", "default"]]:
    """The face at rest, and whether it is the track's own or the mean face's."""
    seen = [look for look in looks if look.visible]
    if len(seen) < OWN_LOOKS or seen[-1].t_s - seen[0].t_s < OWN_S:
        return {name: rest.mean for name, rest in RESTS.items()}, "default"
    values = {}
    for name, rest in RESTS.items():
        own = float(np.quantile([getattr(look.measures, name) for look in seen], rest.quantile))
        values[name] = min(rest.mean + rest.spread, max(rest.mean - rest.spread, own))
    return values, "track"


def unit_tracks(looks: Sequence[ShapeLook], rest: Resting, own: bool) -> dict[str, UnitTrack]:
    """Every unit over the looks of one track."""
    return {name: _track(unit, looks, rest, own) for name, unit in UNITS.items()}


def blinks(looks: Sequence[ShapeLook], closing: Sequence[float | None]) -> list[float]:
    """Times at which the eyes were closed for ``MAX_BLINK_S`` at most.  Some fall between two looks and are missed."""
    values: list[float] = []
    begin: int | None = None
    for i, value in enumerate([*closing, None]):
        if value is not None and value >= CLOSED:
            begin = i if begin is None else begin
        elif begin is not None:
            before, after = begin > 0 and closing[begin - 1] is not None, value is not None
            if before and after and looks[i - 1].t_s - looks[begin].t_s <= MAX_BLINK_S:
                values.append(looks[begin].t_s)
            begin = None
    return values


def is_still(looks: Sequence[ShapeLook]) -> bool | None:
    """Whether a face never moved in itself: a painting, a photograph, a statue, a frozen picture; also slowly zoomed.

    Compared are its points with the head's movement out: from look to look (median), and about their mean.  None where
    the track is too short to tell.  A picture of a face that the camera pans over is not always told.
    """
    seen = [look for look in looks if look.visible]
    if len(seen) < OWN_LOOKS or seen[-1].t_s - seen[0].t_s < OWN_S:
        return None
    forms = np.stack([look.form[:, :2] for look in seen])
    steps = np.linalg.norm(np.diff(forms, axis=0), axis=2).mean(axis=1)
    spread = np.linalg.norm(forms - forms.mean(axis=0), axis=2).mean()
    return bool(np.median(steps) < STILL_STEP_CM and spread < STILL_SPREAD_CM)


def _track(unit: Unit, looks: Sequence[ShapeLook], rest: Resting, own: bool) -> UnitTrack:
    values: list[float | None] = []
    sure: list[float] = []
    for look in looks:
        if look.detailed if unit.detail else look.visible:
            values.append(min(1.0, max(0.0, unit.value(look.measures, rest))))
            sure.append(_visibility(look))
        else:
            values.append(None)
    whole = unit.reliability * (1.0 if own else UNKNOWN_REST)
    return UnitTrack(tuple(values), whole * sum(sure) / len(sure) if sure else 0.0)


def _visibility(look: ShapeLook) -> float:
    """1 for a large face that looks into the camera, less with turning and with size."""
    turned = max(abs(look.pose.yaw_deg) / MAX_YAW_DEG, abs(look.pose.pitch_deg) / MAX_PITCH_DEG)
    size = min(1.0, max(0.3, look.height_px / GOOD_HEIGHT_PX))
    return look.presence * size * (1 - 0.5 * min(1.0, turned))
