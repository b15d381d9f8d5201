"""Decode a stored clip once: a few frames spread evenly over it, and all of its audio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.open import MediaError, open_media

RATE_HZ = 16_000

Picture = npt.NDArray[np.uint8]
"""A frame, ``(height, width, 3)``, RGB."""
Audio = npt.NDArray[np.float32]
"""Mono at ``RATE_HZ``, ``(samples,)``, in [-1, 1]."""


class ClipError(Exception):
    """A stored clip cannot be decoded; the message says why."""


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """One looked-at frame: its time in the clip and its pixels ``(height, width, 3)``, RGB."""

    t_s: float
    rgb: Picture


def sample_times(duration_s: float, frames_per_s: float, max_frames: int) -> list[float]:
    """Evenly spread times, each the middle of an equal share of the clip; at least one."""
    count = max(1, min(max_frames, round(duration_s * frames_per_s)))
    return [duration_s * (number + 0.5) / count for number in range(count)]


class ClipReader:
    """One pass over a clip.  Iterate ``frames()`` to its end, then ``audio()`` holds the whole audio."""

    def __init__(self, path: str, times_s: list[float], threads: int) -> None:
        self.path, self.times_s, self.threads = path, times_s, threads
        self._pieces: list[Audio] = []
        self._has_audio = False

    def frames(self) -> Iterator[SampledFrame]:
        """The frame shown at each wanted time, in order; each is decoded from the clip itself.

        Raises:
            ClipError: the clip cannot be opened or decoded.
        """
        import av

        try:
            with open_media(self.path) as container:
                yield from self._decode(container)
        except (MediaError, av.FFmpegError) as error:
            raise ClipError(f"the clip {self.path} cannot be decoded: {error}") from error

    def audio(self) -> Audio | None:
        """The audio as 16 kHz mono, float32 ``(samples,)`` in [-1, 1]; None where the clip has none."""
        if not self._has_audio:
            return None
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)

    def _decode(self, container: Any) -> Iterator[SampledFrame]:
        import av

        video = container.streams.video[0]
        video.codec_context.thread_count = self.threads
        streams = [video, *container.streams.audio[:1]]
        self._has_audio = len(streams) > 1
        resampler = av.AudioResampler("flt", "mono", RATE_HZ)
        wanted = iter(self.times_s)
        due = next(wanted, None)
        last: Any = None
        for frame in container.decode(*streams):
            if isinstance(frame, av.AudioFrame):
                self._keep(resampler.resample(frame))
                continue
            # The frame on the screen at a time is the last one that started at or before it.
            while due is not None and last is not None and frame.time > due:
                yield _sample(last)
                due = next(wanted, None)
            last = frame
        while due is not None and last is not None:
            yield _sample(last)
            due = next(wanted, None)
        if self._has_audio:
            self._keep(resampler.resample(None))

    def _keep(self, frames: list[Any]) -> None:
        self._pieces += [frame.to_ndarray().ravel() for frame in frames]


def distinct_frames(frames: Iterable[SampledFrame], full: Iterable[bool]) -> Iterator[tuple[SampledFrame, bool]]:
    """Each frame once, with whether any of the looks that showed it was a full one.

    A clip slower than its looks shows one frame at several of them.
    """
    held: tuple[SampledFrame, bool] | None = None
    for sample, is_full in zip(frames, full, strict=False):
        if held is not None and sample.t_s <= held[0].t_s:
            held = (held[0], held[1] or is_full)
            continue
        if held is not None:
            yield held
        held = (sample, is_full)
    if held is not None:
        yield held


def _sample(frame: Any) -> SampledFrame:
    return SampledFrame(round(float(frame.time or 0.0), 3), frame.to_ndarray(format="rgb24"))


def luma(rgb: Picture) -> npt.NDArray[np.float32]:
    """BT.601's brightness in 0..255: uint8 RGB ``(height, width, 3)`` to float32 ``(height, width)``."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(rgb.astype(np.float32) @ weights, np.float32)
