"""What a media file holds, read from the container and a demuxing pass (no decoding).

All times are seconds on the *source timeline*: zero is the container's start time, as ffmpeg's own
command line sees it, whatever the first timestamp in the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ver_pipeline.media.containers import STILLS
from ver_pipeline.media.open import READ_LIMIT_S, MediaError, open_media
from ver_pipeline.schemas.reasons import Reason

VFR_TOLERANCE = Fraction(1, 5)
"""Frame intervals that differ by more than this share of the median make a frame rate variable."""

REPAIRED = frozenset({"mpegts", "mpeg"})
"""Containers whose clock may jump, so that ffmpeg's command line, and it alone, takes out ..."""
JUMP_S = Fraction(10)
"""... gaps longer than this (its ``dts_delta_threshold``)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Container and stream facts of one file.

    ``end_s`` is the largest end of any frame packet, ``last_s`` that of any packet at all, and
    ``declared_s`` what the container claims, all from the container's start.
    ``width`` and ``height`` are as displayed (after rotation and with square pixels).
    """

    container: str
    video_codec: str
    pixel_format: str
    width: int
    height: int
    rotation_deg: int
    fps: Fraction
    variable_fps: bool
    n_packets: int
    first_s: float
    end_s: float
    last_s: float
    declared_s: float | None
    audio_codec: str | None
    sample_rate_hz: int | None
    audio_channels: int | None


def probe(path: Path) -> Probe:
    """Probe one video.

    Raises:
        MediaError: with reason not_media, no_video, still_image, encrypted, truncated, decode_failed, unreadable or
            timeout.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        with open_media(path) as container:
            return _probe_open(container, path)
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise MediaError(Reason.NOT_MEDIA, f"ffmpeg cannot make sense of it: {error}") from error


def has_square_pixels(path: Path) -> bool:
    """The frame is shown in the shape in which it is stored."""
    with open_media(path) as container:
        return (_video_stream(container).sample_aspect_ratio or 1) == 1


def keyframe_times(path: Path) -> Iterator[Fraction]:
    """When the frames come that can be decoded by themselves, in seconds from the video's start, exactly."""
    with open_media(path) as container:
        start = Fraction(container.start_time or 0, 1_000_000)
        for packet in container.demux(_video_stream(container)):
            if packet.is_keyframe and packet.pts is not None and packet.size:
                yield packet.pts * packet.time_base - start


def _probe_open(container: Any, path: Path) -> Probe:
    video = _video_stream(container)
    audio = next(iter(container.streams.audio), None)
    start = Fraction(container.start_time or 0, 1_000_000)
    stamps, ends, last = _packets(container, video, start)
    if len(stamps) < 2:
        raise MediaError(Reason.STILL_IMAGE, "it holds a still image")
    if container.format.name in REPAIRED:
        _refuse_jumps(sorted(stamps))
    rotation = _first_frame_rotation(container, video, path)
    width, height = _display_size(video, rotation)
    fps, variable = _frame_rate(video, sorted(stamps))
    return Probe(
        container=container.format.name.split(",")[0],
        video_codec=video.codec_context.name,
        pixel_format=video.codec_context.pix_fmt or "unknown",
        width=width,
        height=height,
        rotation_deg=rotation,
        fps=fps,
        variable_fps=variable,
        n_packets=len(stamps),
        first_s=float(min(stamps)),
        end_s=float(max(ends)),
        last_s=float(max(*ends, last)),
        declared_s=_declared_s(container, start),
        audio_codec=audio.codec_context.name if audio else None,
        sample_rate_hz=audio.codec_context.sample_rate if audio else None,
        audio_channels=audio.codec_context.channels if audio else None,
    )


def _video_stream(container: Any) -> Any:
    if (name := container.format.name) in STILLS:
        raise MediaError(Reason.STILL_IMAGE, f"its format is {name}")
    covers = [s for s in container.streams.video if "attached_pic" in str(s.disposition).lower()]
    frames = [s for s in container.streams.video if s not in covers]
    if not frames:
        if container.streams.audio:
            raise MediaError(Reason.NO_VIDEO, "it has audio but no video stream")
        raise MediaError(Reason.NOT_MEDIA, "it has neither frame nor audio")
    if any(_tag(stream) in {"encv", "enca"} for stream in container.streams):
        raise MediaError(Reason.ENCRYPTED, "its streams are encrypted (common encryption)")
    return frames[0]


def _tag(stream: Any) -> str:
    """The four signs by which the container calls the codec; empty where they are no text (numbers, in AVI)."""
    try:
        return str(stream.codec_context.codec_tag) if getattr(stream, "codec_context", None) else ""
    except UnicodeDecodeError:
        return ""


def _packets(container: Any, video: Any, start: Fraction) -> tuple[list[Fraction], list[Fraction], Fraction]:
    """Times and ends of all frame packets, and the end of the last packet of any stream."""
    import av

    stamps: list[Fraction] = []
    ends: list[Fraction] = []
    last = Fraction(0)
    try:
        for packet in container.demux(video, *container.streams.audio):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is None or packet.size == 0:
                continue
            at = ticks * packet.time_base - start
            end = at + (packet.duration or 0) * packet.time_base
            last = max(last, end)
            if packet.has_sidedata("encryption_info"):
                raise MediaError(Reason.ENCRYPTED, "its packets are encrypted (common encryption)")
            if packet.stream_index != video.index:
                continue
            stamps.append(at)
            ends.append(end)
    except av.error.ExitError as error:
        raise MediaError(Reason.TIMEOUT, f"a packet after {len(stamps)} took longer than {READ_LIMIT_S:g} s") from error
    except av.error.FFmpegError as error:
        raise MediaError(Reason.TRUNCATED, f"packets end in an error after {len(stamps)}: {error.strerror}") from error
    return stamps, ends, last


def _refuse_jumps(stamps: list[Fraction]) -> None:
    """Two readers would not agree on when a frame after the jump is shown."""
    for before, after in itertools.pairwise(stamps):
        if after - before > JUMP_S:
            what = f"its clock jumps by {float(after - before):.0f} s at {float(before):.1f} s, as in joined recordings"
            raise MediaError(Reason.DECODE_FAILED, f"{what}; mend it with: ffmpeg -i IN -c copy OUT.mkv")


def _declared_s(container: Any, start: Fraction) -> float | None:
    """The container's own claim of its length, from its start (Matroska counts from zero instead)."""
    if not container.duration:
        return None
    length = Fraction(container.duration, 1_000_000)
    return float(length - start if container.format.name.startswith("matroska") else length)


def _first_frame_rotation(container: Any, video: Any, path: Path) -> int:
    """Degrees by which the frame must be turned clockwise to stand upright; proves that a frame decodes."""
    import av

    try:
        container.seek(0, stream=video, backward=True, any_frame=False)
        frame = next(container.decode(video), None)
    except av.error.FFmpegError as error:
        reason = Reason.ENCRYPTED if _mentions_encryption(path) else Reason.DECODE_FAILED
        raise MediaError(reason, f"its first frame does not decode: {error.strerror}") from error
    if frame is None:
        raise MediaError(Reason.DECODE_FAILED, "no frame of it decodes")
    return int(-frame.rotation) % 360 // 90 * 90


def _mentions_encryption(path: Path) -> bool:
    with open(path, "rb") as file:
        return b"sinf" in file.read(4_000_000)


def _display_size(video: Any, rotation_deg: int) -> tuple[int, int]:
    width, height = video.codec_context.width, video.codec_context.height
    aspect = video.sample_aspect_ratio or Fraction(1)
    if aspect > 0:
        width = round(width * aspect)
    return (height, width) if rotation_deg in (90, 270) else (width, height)


def _frame_rate(video: Any, stamps: list[Fraction]) -> tuple[Fraction, bool]:
    """The average rate (exact), and whether intervals vary."""
    gaps = sorted(b - a for a, b in itertools.pairwise(stamps) if b > a)
    if not gaps:
        raise MediaError(Reason.DECODE_FAILED, "its frames have no distinct times")
    median = gaps[len(gaps) // 2]
    slack = max(VFR_TOLERANCE * median, 2 * video.time_base)
    odd = sum(1 for gap in gaps if abs(gap - median) > slack)
    variable = odd > max(1, len(gaps) // 100)
    nominal = video.guessed_rate if variable else (video.average_rate or video.guessed_rate)
    rate = Fraction(nominal) if nominal else 1 / median
    if not 1 <= rate <= 1000:
        rate = 1 / median
    return rate.limit_denominator(100_000), variable
