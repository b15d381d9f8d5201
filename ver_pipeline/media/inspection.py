"""A short look into a video's frames and audio: what the container and the flags do not tell, or tell wrong."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ver_pipeline.media.cadence import STRETCH_FRAMES, Stretch, cadence, look, luma_of, stretch_starts
from ver_pipeline.media.color import Color
from ver_pipeline.media.fields import Cadence
from ver_pipeline.media.open import open_media
from ver_pipeline.media.probe import Probe, video_stream
from ver_pipeline.media.tone import HLG_REFERENCE_SIGNAL, REFERENCE_WHITE_NITS, hlg_to_linear, pq_to_nits

LEAST_FRAMES = 6
"""A stretch of fewer frames tells nothing."""
PEAK_PERCENTILE = 99.9
"""Of a frame's brightness: what is above is sparkle, and does not say how bright a video is."""
AUDIO_PACKETS = 50
"""So many packets from the beginning, or from the middle, must give at least one block of audio."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """``cadence``: fields and pulldown; ``peak``: the brightest light of a high-dynamic-range video in units of SDR
    white, 1 for all others; ``audible``: whether the chosen audio track decodes at all."""

    cadence: Cadence
    peak: float
    audible: bool


def inspect(path: Path, probed: Probe, track: int | None) -> Inspection:
    """Decode a few stretches of a video that has been probed, and a little of its audio.

    Raises:
        MediaError: the file cannot be opened.
    """
    stretches: list[Stretch] = []
    peak = 1.0
    begins_s = [Fraction(0)] if probed.jumps else [*stretch_starts(probed.end_s - probed.first_s), Fraction(0)]
    for begin_s in begins_s:
        if begin_s == 0 and stretches:
            break  # the beginning is looked at where nothing else can be: some streams can be decoded from there alone
        frames = _frames(path, begin_s and begin_s + Fraction(probed.first_s).limit_denominator(1000))
        if len(frames) < LEAST_FRAMES:
            continue  # whether the video decodes is judged where all of it is decoded
        stretches.append(look([luma_of(frame) for frame in frames]))
        if probed.color.hdr:
            peak = max([peak, *(_peak(frame, probed.color) for frame in frames)])
    measured_cadence = cadence(stretches, probed.flagged, probed.fps)
    return Inspection(measured_cadence, round(peak, 2), track is not None and _audible(path, track, probed.end_s))


def _frames(path: Path, begin_s: Fraction) -> list[Any]:
    """Up to ``STRETCH_FRAMES`` frames from the keyframe before ``begin_s`` on; fewer where they do not decode."""
    import av

    frames: list[Any] = []
    with open_media(path) as container:
        video = video_stream(container)
        video.codec_context.thread_count = 1  # worker threads may wait for each other when decoding ends half-way
        start = Fraction(container.start_time or 0, 1_000_000)
        try:
            if begin_s:
                at = int((start + begin_s) / video.time_base)
                container.seek(at, stream=video, backward=True, any_frame=False)
            for packet in container.demux(video):
                try:
                    frames += packet.decode()
                except av.error.InvalidDataError:
                    continue  # as when all of it is decoded: a recording may begin with what does not
                if len(frames) >= STRETCH_FRAMES:
                    break
        except av.error.FFmpegError:
            pass  # what was decoded till then is looked at
    return frames[:STRETCH_FRAMES]


def _peak(frame: Any, color: Color) -> float:
    """The light of the brightest pixels but a few, in units of SDR white, read from the signal's brightness."""
    signal = frame.to_ndarray(format="gray16le").astype(np.float64) / 65535
    brightest = np.percentile(signal, PEAK_PERCENTILE)
    if color.transfer == "smpte2084":
        return float(pq_to_nits(brightest)) / REFERENCE_WHITE_NITS
    return float(hlg_to_linear(brightest) / hlg_to_linear(np.array(HLG_REFERENCE_SIGNAL)))


def _audible(path: Path, track: int, end_s: float) -> bool:
    import av

    with open_media(path) as container:
        stream = container.streams.audio[track]
        if stream.codec_context is None:
            return False  # there is no decoder for it
        for at_s in (0.0, end_s / 2):
            if at_s:
                try:
                    container.seek(int(at_s * 1_000_000))
                except av.error.FFmpegError:
                    return False
            for number, packet in enumerate(_packets(container, stream)):
                if number >= AUDIO_PACKETS:
                    break
                try:
                    if packet.decode():
                        return True
                except av.error.FFmpegError:
                    continue
    return False


def _packets(container: Any, stream: Any) -> Any:
    import av

    try:
        yield from container.demux(stream)
    except av.error.FFmpegError:
        return
