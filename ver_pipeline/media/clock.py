"""The clock of a recording: one that jumps, as in joined transport streams, is made to run on.

A jump is found on the video's packets (``probe``), kept with the source, and taken out wherever its packets are read,
from all its streams by the same amount, so that frames and audio stay in step behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

JUMPING = frozenset({"mpegts", "mpeg"})
"""Containers (libavformat's names) whose time stamps may jump: recordings are joined by writing one behind another."""
FORWARD_S = Fraction(10)
"""A gap longer than this is a jump, a shorter one a gap in the recording (ffmpeg's ``dts_delta_threshold``).  Decoding
times never run back inside a recording: where they do, by however little, another one begins, and frames of both would
claim the same moments."""


@dataclass(frozen=True, slots=True)
class Jump:
    """From source time ``at_s`` on, ``add_s`` is added to the file's own time stamps (in place of earlier jumps')."""

    at_s: Fraction
    add_s: Fraction

    def to_row(self) -> tuple[int, int, int, int]:
        """As JSON: numerators and denominators."""
        return self.at_s.numerator, self.at_s.denominator, self.add_s.numerator, self.add_s.denominator

    @classmethod
    def of(cls, row: Sequence[int]) -> Jump:
        """From :meth:`to_row`."""
        return cls(Fraction(row[0], row[1]), Fraction(row[2], row[3]))


class JumpFinder:
    """Finds the jumps in one stream, packet by packet in the order of the file."""

    def __init__(self) -> None:
        self.jumps: list[Jump] = []
        self.add_s = Fraction(0)
        self._last = Fraction(0)
        self._expected: Fraction | None = None

    def add(self, decoded_s: Fraction, duration_s: Fraction) -> Fraction:
        """One packet, by its decoding time; returns what is to be added to its time stamps, in seconds."""
        seen, expected = decoded_s + self.add_s, self._expected
        if expected is not None and not self._last <= seen <= expected + FORWARD_S:
            self.add_s = expected - decoded_s
            seen = expected
            self.jumps.append(Jump(expected, self.add_s))
        self._last, self._expected = seen, seen + duration_s
        return self.add_s


def steady_packets(container: Any, streams: Sequence[Any], jumps: Sequence[Jump]) -> Iterator[Any]:
    """The packets of an open PyAV container, their time stamps without the jumps.

    Read from the file's beginning: a stream takes a jump at its own first packet behind it.
    """
    if not jumps:
        yield from container.demux(*streams)
        return
    clocks = {stream.index: _StreamClock(jumps) for stream in streams}
    for packet in container.demux(*streams):
        if (clock := clocks.get(packet.stream_index)) is not None:  # the last, empty packet belongs to no stream
            clock.correct(packet)
        yield packet


class _StreamClock:
    """How far one stream has come through the jumps."""

    def __init__(self, jumps: Sequence[Jump]) -> None:
        self.adds = [Fraction(0), *(jump.add_s for jump in jumps)]
        self.taken = 0
        self.expected: Fraction | None = None

    def correct(self, packet: Any) -> None:
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None:
            return
        base = packet.time_base
        at = ticks * base
        if self.expected is not None and self.taken + 1 < len(self.adds):
            now, after = (abs(at + add - self.expected) for add in self.adds[self.taken : self.taken + 2])
            self.taken += after < now
        add_s = self.adds[self.taken]
        self.expected = at + add_s + (packet.duration or 0) * base
        shift = round(add_s / base)
        packet.pts = None if packet.pts is None else packet.pts + shift
        packet.dts = None if packet.dts is None else packet.dts + shift
