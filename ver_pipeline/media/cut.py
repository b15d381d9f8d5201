"""Cutting: whole groups of frames copied into a clip, its audio encoded beside them, and a probe of the result.

A clip's first packet is a keyframe of a closed group and no later packet refers back, so nothing hidden
travels along (no pre-roll behind an edit list).  Audio is cut to the sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ver_pipeline.media.open import open_media
from ver_pipeline.schemas.config import ClipConfig

AAC_FRAME = 1024
"""Samples of one AAC frame: how far a clip's audio may end from its frame."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Frames ``[first, end)`` of a video and the file to write."""

    first: int
    end: int
    to: Path


class CutError(Exception):
    """A clip cannot be cut as planned, or does not probe as planned."""


def cut_clips(
    video: Path, fps: Fraction, cuts: Sequence[Cut], audio: Any, rate_hz: int, config: ClipConfig
) -> Iterator[Cut]:
    """Demux ``video`` once and write each planned clip; yields each as it is finished and synced.

    Args:
        video: a video whose keyframes stand where the cuts begin.
        audio: array of shape [samples, channels], int16, in step with the video; None without audio.

    Raises:
        CutError: when a cut does not begin on a keyframe or frames are missing.
    """
    with open_media(video) as container:
        stream = container.streams.video[0]
        packets = _grouped(container, stream, fps, cuts)
        for cut, group in packets:
            samples = None if audio is None else _slice(audio, cut, fps, rate_hz)
            _write(stream, group, fps, cut, samples, rate_hz, config)
            yield cut


def _grouped(container: Any, stream: Any, fps: Fraction, cuts: Sequence[Cut]) -> Iterator[tuple[Cut, list[Any]]]:
    """The packets of each cut, in decoding order; holds one clip's packets at a time."""
    todo = list(cuts)
    group: list[Any] = []
    for packet in container.demux(stream):
        if packet.pts is None:
            continue
        frame = round(packet.pts * packet.time_base * fps)
        if group and todo and packet.is_keyframe and frame >= todo[0].end:
            yield todo.pop(0), group
            group = []
        if not todo:
            return
        if not group and not (packet.is_keyframe and frame == todo[0].first):
            if frame >= todo[0].first and packet.is_keyframe:
                raise CutError(f"no keyframe at frame {todo[0].first}; the next is at {frame}")
            continue
        group.append(packet)
    if group and todo:
        yield todo.pop(0), group
    if todo:
        raise CutError(f"the video ends before frame {todo[0].first}")


def _slice(audio: Any, cut: Cut, fps: Fraction, rate_hz: int) -> Any:
    """The clip's samples, padded with silence where the video's audio ends early."""
    import numpy as np

    first, end = round(cut.first / fps * rate_hz), round(cut.end / fps * rate_hz)
    part = np.asarray(audio[first:end])
    if len(part) < end - first:
        part = np.concatenate([part, np.zeros((end - first - len(part), audio.shape[1]), audio.dtype)])
    return part


def _write(
    stream: Any, group: list[Any], fps: Fraction, cut: Cut, samples: Any, rate_hz: int, config: ClipConfig
) -> None:
    import av

    if len(group) != cut.end - cut.first:
        raise CutError(f"frames {cut.first} to {cut.end}: {len(group)} packets instead of {cut.end - cut.first}")
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(cut.to), "w", format="mp4", options=options) as out:
        video_out = out.add_stream_from_template(stream)
        audio_stream = None
        if samples is not None:
            layout = "stereo" if samples.shape[1] == 2 else "mono"
            audio_stream = out.add_stream("aac", rate=rate_hz, layout=layout, bit_rate=config.audio_bitrate)
            audio_stream.codec_context.options = {"flags": "+bitexact"}
        offset = round(cut.first / fps / stream.time_base)
        for packet in group:
            packet.pts -= offset
            packet.dts = None if packet.dts is None else packet.dts - offset
            packet.stream = video_out
            out.mux(packet)
        if audio_stream is not None:
            for packet in _aac(audio_stream, samples, rate_hz):
                out.mux(packet)
    with open(cut.to, "rb") as file:
        os.fsync(file.fileno())


def _aac(audio_stream: Any, samples: Any, rate_hz: int) -> Iterator[Any]:
    import av
    import numpy as np

    layout = "stereo" if samples.shape[1] == 2 else "mono"
    for first in range(0, len(samples), AAC_FRAME):
        block = np.ascontiguousarray(samples[first : first + AAC_FRAME]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = first
        frame.time_base = Fraction(1, rate_hz)
        yield from audio_stream.encode(frame)
    yield from audio_stream.encode(None)


def count_frames(path: Path) -> int:
    """How many frames a file's index lists."""
    with open_media(path) as container:
        return int(container.streams.video[0].frames)


def check_clip(path: Path, fps: Fraction, n_frames: int, rate_hz: int | None) -> tuple[int, int]:
    """Prove that a written clip is what was planned, by demuxing it; returns (width, height).

    Raises:
        CutError: wrong number of frames, first one no keyframe or not shown first, duration off by more than a
            frame (an AAC frame for audio), or a stream missing.
    """
    with open_media(path) as clip:
        video = clip.streams.video[0]
        stamps = [(p.pts * p.time_base, p.is_keyframe) for p in clip.demux(video) if p.pts is not None]
        if len(stamps) != n_frames:
            raise CutError(f"holds {len(stamps)} frames instead of {n_frames}")
        if not stamps[0][1]:
            raise CutError("does not begin with a keyframe")
        if stamps[0][0] != min(at for at, _ in stamps):
            raise CutError("holds frames that come before its first keyframe, which no player shows")
        shown = max(at for at, _ in stamps) - min(at for at, _ in stamps) + 1 / fps
        if abs(shown - n_frames / fps) > 1 / fps:
            raise CutError(f"lasts {float(shown):.3f} s instead of {float(n_frames / fps):.3f} s")
        if bool(clip.streams.audio) != (rate_hz is not None):
            raise CutError("audio is missing" if rate_hz else "holds audio that the video has not")
        size = video.codec_context.width, video.codec_context.height
        if rate_hz is not None:
            audio_stream = clip.streams.audio[0]
            audio_s = Fraction(audio_stream.duration or 0) * audio_stream.time_base
            slack = max(1 / fps, Fraction(2 * AAC_FRAME, rate_hz))
            if abs(audio_s - n_frames / fps) > slack:
                raise CutError(f"has {float(audio_s):.3f} s of audio for {float(n_frames / fps):.3f} s of frame")
    return size
