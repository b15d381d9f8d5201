"""How a frame is made of fields: names, and what a codec claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldOrder = Literal["progressive", "tff", "bff"]

FLAGGED: dict[int, FieldOrder] = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}
"""libavcodec's AVFieldOrder to the field that is shown first (TT, BB, TB, BT: the second letter)."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Which field of a frame is shown first, and whether 24 frames a second were spread over fields by 3:2 pulldown."""

    field_order: FieldOrder
    telecined: bool = False
