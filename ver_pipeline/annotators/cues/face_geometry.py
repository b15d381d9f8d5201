"""What the shape of a face says beside the expression network: a vote of its own, and a check on what is told.

The vote follows which action units go together in which expression (EMFACS; Ekman & Friesen 1983) as far as geometry
sees them: a smile, raised brows, drawn brows, lowered corners of the mouth.  Parted lips count for nothing by
themselves: people who speak part them.  The numbers are judgements, not fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ver_pipeline.schemas.record_types import LabelId

MIN_CONFIDENCE = 0.2
"""Action units less sure than this are not read."""
DOWN_DEG = -15.0
"""Head and eyes together this far below the camera look down."""
AT_REST = 0.25
"""Every unit that is read below this: the face is at rest."""

READ = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU12", "AU15", "AU25", "AU26", "AU43")


@dataclass(frozen=True, slots=True)
class PhaseShape:
    """A stretch of a face: its units by name, 0 to 1, those that are sure enough, at each look (``looks``) and in the
    mean (``units``); where head and eyes point, in degrees.  ``confidence`` is the mean of the units' own.
    """

    looks: tuple[Mapping[str, float], ...]
    units: Mapping[str, float]
    confidence: float
    head_pitch_deg: float
    gaze_pitch_deg: float | None

    @property
    def looks_down(self) -> bool:
        """The eyes, or where they were not looked at the head, point down."""
        pitch = self.head_pitch_deg if self.gaze_pitch_deg is None else self.gaze_pitch_deg
        return pitch <= DOWN_DEG

    @property
    def drawn_down(self) -> bool:
        """Something of the face besides its direction is as in crying: corners, inner brows, or cheeks at the eyes."""
        inner = self.unit("AU1") - self.unit("AU2")
        return self.unit("AU15") >= 0.3 or inner >= 0.2 or self.unit("AU4") >= 0.35 or self.unit("AU6") >= 0.3

    def unit(self, name: str) -> float:
        """A unit's mean, 0 where it is not known."""
        return self.units.get(name, 0.0)


def read_shape(track: Mapping[str, Any], start_s: float, end_s: float) -> PhaseShape | None:
    """The shape of a face track between two times; None where it was not measured there."""
    shape = track.get("shape")
    if not shape:
        return None
    at = [i for i, t_s in enumerate(shape["t_s"]) if start_s - 1e-6 <= t_s <= end_s + 1e-6]
    sure = {name: unit for name, unit in shape["units"].items() if unit["confidence"] >= MIN_CONFIDENCE}
    looks = [{n: u["value"][i] for n, u in sure.items() if u["value"][i] is not None} for i in at]
    units = {n: m for n in sure if (m := _mean([look[n] for look in looks if n in look])) is not None}
    if not units:
        return None
    gaze = [shape["gaze_pitch_deg"][i] for i in at if shape["gaze_pitch_deg"][i] is not None]
    return PhaseShape(
        tuple(look for look in looks if look),
        units,
        sum(shape["units"][name]["confidence"] for name in units) / len(units),
        _mean([shape["pitch_deg"][i] for i in at]) or 0.0,
        _mean(gaze),
    )


def shape_distribution(shape: PhaseShape) -> dict[LabelId, float]:
    """What the units of a stretch may mean, in the mean over its looks; sums to 1, and leans to neutral where little
    moves."""
    rows = [_look_distribution(look) for look in shape.looks]
    return {label: sum(row[label] for row in rows) / len(rows) for label in rows[0]}


def _look_distribution(units: Mapping[str, float]) -> dict[LabelId, float]:
    """What one look may mean.  Cheeks drawn up at closing eyes are of crying, unless the mouth smiles with lips apart.

    Prkachin & Solomon 2008 find the same units (6, 7, 43) in faces that hurt.
    """
    au = {name: units.get(name, 0.0) for name in READ}
    squeezed = min(1.0, 1.5 * min(au["AU6"], au["AU43"])) * (1 - au["AU12"] * au["AU25"])
    smile = au["AU12"] * (0.7 + 0.3 * min(1.0, 2 * au["AU6"])) * (1 - squeezed)
    raised = min(au["AU1"], au["AU2"])
    surprise = raised * (0.5 + 0.3 * au["AU26"] + 0.2 * au["AU5"])
    lowered = max(au["AU15"], 0.8 * max(0.0, au["AU1"] - au["AU2"]), squeezed)
    drawn = au["AU4"] * (1 - raised)
    strength: dict[LabelId, float] = {
        "happiness": smile,
        "surprise": surprise,
        "sadness": lowered * (1 - smile) + 0.3 * drawn,
        "anger": 0.5 * drawn,
        "neutral": max(0.1, 1 - max(smile, surprise, lowered, drawn) / (2 * AT_REST)),
    }
    whole = sum(strength.values())
    return {label: value / whole for label, value in sorted(strength.items())}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
