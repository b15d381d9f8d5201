"""A video's audio as windows of bounded size, cut where nobody speaks.

16 kHz mono, in step with the frames (``media/audio.py``): second 0 is the video's second 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.audio import AudioFormat, read_pcm
from ver_pipeline.media.open import MediaError
from ver_pipeline.transcribers.base import RATE_HZ, AudioError, Video

Samples = npt.NDArray[np.float32]
"""Mono at ``RATE_HZ``, ``(samples,)``, in [-1, 1]."""

VAD_THRESHOLD = 0.5  # Silero's own default
VAD_MIN_SILENCE_MS = 300
"""A pause of this length ends a span.  Languages are transcribed per span, and speakers of two languages in a
video are rarely closer."""
VAD_PAD_MS = 100
VAD_MIN_SPEECH_MS = 100
VAD_MAX_SPAN_S = 28.0  # Whisper hears 30 s at once
SEAM_SLACK_S = 30.0
"""How far an end of a chunk may move to lie in a pause."""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples from ``offset_s`` of the video on, and the spans (seconds in this window) where somebody speaks."""

    offset_s: float
    samples: Samples
    spans: tuple[tuple[float, float], ...]


def decode(video: Video, begin_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
    """The audio from ``begin_s`` to ``end_s`` in blocks, as float32 in [-1, 1].

    It is decoded from the video's beginning each time, so that the same stretch gives the same samples.

    Raises:
        AudioError: the file cannot be read on; what was decoded before has been yielded.
    """
    import av

    end = None if end_s is None else Fraction(end_s)
    blocks = read_pcm(video.path, video.track or 0, AudioFormat(RATE_HZ, 1), end_s=end, jumps=video.jumps)
    begin, stop = round(begin_s * RATE_HZ), None if end_s is None else round(end_s * RATE_HZ)
    at = 0
    try:
        for block in blocks:
            part = block[max(0, begin - at) : None if stop is None else max(0, stop - at), 0]
            at += len(block)
            if len(part):
                yield np.multiply(part, np.float32(1 / 32768), dtype=np.float32)
    except (MediaError, av.FFmpegError) as error:
        raise AudioError(f"the audio cannot be decoded: {error}") from error


def video_windows(video: Video, window_s: float) -> Iterator[Window]:
    """The windows of a video's audio, or of the chunk of it that is asked for.

    A chunk's ends move into the longest pause near them.  Both neighbours hear the same audio around their seam
    and so agree on it: nothing is transcribed twice or by nobody.

    Raises:
        AudioError: the audio cannot be decoded.
    """
    if not video.has_audio:
        return
    if video.chunk is None:
        yield from windows(decode(video), window_s)
        return
    begin_s, end_s = video.chunk
    first_s = max(0.0, begin_s - SEAM_SLACK_S)
    chunks = list(decode(video, first_s, None if end_s is None else end_s + SEAM_SLACK_S))
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
    begin = 0 if begin_s == 0 else _seam(samples, begin_s - first_s)
    end = len(samples) if end_s is None else _seam(samples, end_s - first_s)
    for window in windows(iter([samples[begin:end]]), window_s):
        yield replace(window, offset_s=first_s + begin / RATE_HZ + window.offset_s)


def windows(chunks: Iterator[Samples], window_s: float) -> Iterator[Window]:
    """Windows of at most ``window_s``, joined without gap or overlap, each cut in its longest late pause.

    Holds about one window at a time, however long the video.
    """
    limit = int(window_s * RATE_HZ)
    held, n_held, offset = [], 0, 0
    for chunk in chunks:
        held.append(chunk)
        n_held += len(chunk)
        while n_held >= limit:
            samples = np.concatenate(held)
            head, rest = samples[:limit], samples[limit:]
            spans = speech_spans(head)
            cut = _quiet_cut(spans, limit)
            whole_spans = tuple((a, min(b, cut / RATE_HZ)) for a, b in spans if a < cut / RATE_HZ)
            yield Window(offset / RATE_HZ, head[:cut], whole_spans)
            held, offset = [np.concatenate([head[cut:], rest])], offset + cut
            n_held = len(held[0])
    if n_held:
        samples = np.concatenate(held)
        yield Window(offset / RATE_HZ, samples, tuple(speech_spans(samples)))


def speech_spans(samples: Samples) -> list[tuple[float, float]]:
    """Where somebody speaks, in seconds, by Silero VAD (the copy inside faster-whisper)."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=VAD_THRESHOLD,
        min_speech_duration_ms=VAD_MIN_SPEECH_MS,
        max_speech_duration_s=VAD_MAX_SPAN_S,
        min_silence_duration_ms=VAD_MIN_SILENCE_MS,
        speech_pad_ms=VAD_PAD_MS,
    )
    stamps: Sequence[dict[str, Any]] = get_speech_timestamps(samples, options)
    return [(s["start"] / RATE_HZ, min(s["end"], len(samples)) / RATE_HZ) for s in stamps]


def _seam(samples: Samples, near_s: float) -> int:
    """The middle of the longest pause near ``near_s``, as a sample; ``near_s`` itself where nobody pauses."""
    low = max(0, round((near_s - SEAM_SLACK_S) * RATE_HZ))
    around = samples[low : round((near_s + SEAM_SLACK_S) * RATE_HZ)]
    edges = [0.0, *(t for span in speech_spans(around) for t in span), len(around) / RATE_HZ]
    pauses = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    if not pauses:
        return min(len(samples), round(near_s * RATE_HZ))
    start_s, stop_s = max(pauses, key=lambda pause: (pause[1] - pause[0], -pause[0]))
    return low + round((start_s + stop_s) / 2 * RATE_HZ)


def _quiet_cut(spans: Sequence[tuple[float, float]], limit: int) -> int:
    """Where to cut a full window: the middle of the longest pause in its second half, else its end."""
    end_s = limit / RATE_HZ
    edges = [0.0, *(t for span in spans for t in span), end_s]
    pauses = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > end_s / 2 and b > a]
    if not pauses:
        return limit
    start_s, stop_s = max(pauses, key=lambda pause: (pause[1] - max(pause[0], end_s / 2), pause[0]))
    if stop_s >= end_s:
        return limit
    return int((max(start_s, end_s / 2) + stop_s) / 2 * RATE_HZ)
