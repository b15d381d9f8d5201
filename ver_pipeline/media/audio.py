"""A video's audio as PCM in step with its frames, whatever happens to its format on the way.

Each decoded block stands where its time stamp says, on the source timeline: sound that begins late is preceded by
silence, holes are filled with silence, overlaps are cut.  A change of sample rate, channels or layout in mid-stream
begins a new resampler, at the new block's own time.  Packets that do not decode leave silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.clock import Jump, steady_packets
from ver_pipeline.media.open import open_media

Pcm = npt.NDArray[np.int16]
"""Samples, ``[samples, channels]``."""

DRIFT_S = Fraction(15, 1000)
"""Audio that is further than this from its time stamps is put right.  Smaller differences are rounding of stamps."""
SEEK_LEAD_S = 2
"""Decoding begins this much early, so that the decoder has settled where samples are wanted."""
BLOCK_S = 4
"""Silence is yielded in blocks of at most this length."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What samples are wanted: their rate, and 1 or 2 channels."""

    rate_hz: int
    channels: int

    @property
    def layout(self) -> str:
        """The channels as libav names them: ``mono`` or ``stereo``."""
        return "stereo" if self.channels == 2 else "mono"


def read_pcm(
    path: str,
    track: int,
    form: AudioFormat,
    begin_s: Fraction = Fraction(0),
    end_s: Fraction | None = None,
    jumps: Sequence[Jump] = (),
    restarts: list[Fraction] | None = None,
) -> Iterator[Pcm]:
    """Blocks of shape ``[samples, channels]`` whose first sample is the one at ``begin_s`` of the source timeline.

    They are int16 at ``form.rate_hz`` and end with the audio, or at ``end_s``; a track of which nothing decodes gives
    nothing.

    Args:
        track: which audio stream, counted from 0.
        jumps: jumps of the file's clock; a file with some is always read from its beginning.
        restarts: is given the source times, in seconds, at which the audio's format changed or its clock was put right.

    Raises:
        MediaError: the file cannot be opened.
        av.FFmpegError: its container cannot be read on.
    """
    import av

    with open_media(path) as container:
        stream = container.streams.audio[track]
        start = Fraction(container.start_time or 0, 1_000_000)
        if begin_s > SEEK_LEAD_S and not jumps:
            at = (begin_s - SEEK_LEAD_S + start) / stream.time_base
            container.seek(int(at), stream=stream, backward=True, any_frame=False)
        line = _Line(form, restarts if restarts is not None else [], at=round(begin_s * form.rate_hz))
        for packet in steady_packets(container, [stream], jumps):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue  # what does not decode is silence
            for frame in frames:
                seconds = None if frame.pts is None else frame.pts * frame.time_base - start
                if end_s is not None and seconds is not None and seconds >= end_s:
                    yield from line.finish()
                    return
                yield from line.add(frame, seconds)
        yield from line.finish()


def read_pcm_exactly(blocks: Iterator[Pcm], n_samples: int) -> Iterator[Pcm]:
    """The first ``n_samples`` (of each channel) of what ``blocks`` yields; fewer where it ends before."""
    left = n_samples
    for block in blocks:
        if left <= 0:
            return
        yield block[:left]
        left -= len(block)


@dataclass
class _Line:
    """The samples written so far, and the stretch of steady audio that is being resampled."""

    form: AudioFormat
    restarts: list[Fraction]
    at: int
    """The sample, counted from the source's zero, that comes next."""
    resampler: Any = None
    kind: tuple[Any, ...] | None = None
    origin_s: Fraction = Fraction(0)
    fed: int = 0
    rate_hz: int = 0
    late: int = 0
    """Samples of the stretch that lie before ``at`` and are dropped."""

    def add(self, frame: Any, seconds: Fraction | None) -> Iterator[Pcm]:
        import av

        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        expected = self.origin_s + Fraction(self.fed, self.rate_hz) if self.rate_hz else None
        if seconds is None:
            seconds = expected if expected is not None else Fraction(self.at, self.form.rate_hz)
        if kind != self.kind or expected is None or abs(seconds - expected) > DRIFT_S:
            yield from self.finish()
            if expected is not None:
                self.restarts.append(seconds)
            self.resampler = av.AudioResampler("s16", self.form.layout, self.form.rate_hz)
            self.kind, self.rate_hz, self.origin_s, self.fed = kind, frame.sample_rate, seconds, 0
            first = round(seconds * self.form.rate_hz)
            yield from self._silence(first - self.at)
            self.late = max(0, self.at - first)
        self.fed += frame.samples
        frame.pts = None
        yield from self._keep(self.resampler.resample(frame))

    def finish(self) -> Iterator[Pcm]:
        """What the resampler still holds."""
        if self.resampler is not None:
            yield from self._keep(self.resampler.resample(None))
            self.resampler = None

    def _keep(self, frames: list[Any]) -> Iterator[Pcm]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1, self.form.channels)
            if self.late:
                dropped = min(self.late, len(samples))
                self.late -= dropped
                samples = samples[dropped:]
            if len(samples):
                self.at += len(samples)
                yield samples

    def _silence(self, n: int) -> Iterator[Pcm]:
        most = BLOCK_S * self.form.rate_hz
        while n > 0:
            size = min(n, most)
            self.at += size
            n -= size
            yield np.zeros((size, self.form.channels), np.int16)
