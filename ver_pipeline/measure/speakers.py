"""The seam between a video's sound and whoever says which voice speaks when.

Voices are told apart within one video and named in order of first appearance (``S1``, ``S2``, ...).  Such a name means
nothing outside of the video: nobody is recognised, and no voice is compared with one of another video.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono at ``RATE_HZ``, ``(samples,)``, in [-1, 1]."""

RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice from ``start_s`` to ``end_s``; ``speaker`` is None where there is too little to tell whose it is."""

    start_s: float
    end_s: float
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who speaks when in one video, in order of time; voices may overlap.

    ``vectors`` holds a unit vector a speaker where the diarizer has one.  It describes a voice and is personal data.
    """

    voices: tuple[Voice, ...] = ()
    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class Diarizer(Protocol):
    """Tells the voices of a video apart.  The same video gives the same turns."""

    def fingerprint(self) -> Mapping[str, Any]:
        """All that shapes the outcome; cheap, loads nothing."""
        ...

    def open(self) -> None:
        """Load models.

        Raises:
            MissingModelError, MissingDependencyError: what is needed is not there; says how to get it.
        """
        ...

    def diarize(self, sound: Iterable[Samples], speech_s: Sequence[tuple[float, float]]) -> Diarization:
        """Who speaks when.

        Args:
            sound: the video's sound from its beginning, in blocks, which may be read once.
            speech_s: where somebody speaks, in seconds; nothing outside of it need be looked at.
        """
        ...


def named(
    voices: Iterable[tuple[float, float, int | None]], vectors: Mapping[int, Sequence[float]] | None = None
) -> Diarization:
    """Voices in order of time, the numbers of speakers made names in order of first appearance.

    Args:
        voices: start and end in seconds, and a number of the speaker.
        vectors: by the same numbers.
    """
    names: dict[int, str] = {}
    renamed = []
    for start_s, end_s, number in sorted(voices, key=lambda v: (v[0], v[1], -1 if v[2] is None else v[2])):
        name = None if number is None else names.setdefault(number, f"S{len(names) + 1}")
        renamed.append(Voice(round(start_s, 3), round(end_s, 3), name))
    vectors_kept = {names[number]: tuple(vector) for number, vector in (vectors or {}).items() if number in names}
    return Diarization(tuple(renamed), vectors_kept)
