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

from ver_pipeline.media.clock import JUMPING, Jump, JumpFinder
from ver_pipeline.media.color import MATRICES, PRIMARIES, TRANSFERS, Color
from ver_pipeline.media.containers import STILLS
from ver_pipeline.media.fields import FLAGGED, FieldOrder
from ver_pipeline.media.open import READ_LIMIT_S, MediaError, open_media
from ver_pipeline.media.rates import best_rate
from ver_pipeline.media.tracks import AudioTrack, audio_tracks, dispositions
from ver_pipeline.schemas.reasons import Reason

UNSPECIFIED = 2
FULL_RANGE = 2
"""AVColorTransferCharacteristic and AVColorRange."""

VFR_TOLERANCE = Fraction(1, 5)
"""Frame intervals that differ by more than this share of the median make a frame rate variable."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Container and stream facts of one file.

    ``first_s`` is when the first whole frame comes, ``end_s`` the largest end of any frame packet, ``last_s`` that of
    any packet at all, and ``declared_s`` what the container claims, all from the container's start.
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
    start_s: float
    """The time stamp at which the container begins: all other times are counted from it."""
    first_s: float
    end_s: float
    last_s: float
    declared_s: float | None
    jumps: tuple[Jump, ...]
    """Of the file's clock; all times here are without them."""
    flagged: FieldOrder | None
    """The field order that the codec claims, None where it claims progressive or nothing."""
    color: Color
    has_alpha: bool
    dolby_vision: bool
    """Dolby Vision without a base that other decoders understand (profile 5)."""
    tracks: tuple[AudioTrack, ...]


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
        return (video_stream(container).sample_aspect_ratio or 1) == 1


def keyframe_times(path: Path) -> Iterator[Fraction]:
    """When the frames come that can be decoded by themselves, in seconds from the video's start, exactly."""
    with open_media(path) as container:
        start = Fraction(container.start_time or 0, 1_000_000)
        for packet in container.demux(video_stream(container)):
            if packet.is_keyframe and packet.pts is not None and packet.size:
                yield packet.pts * packet.time_base - start


def _probe_open(container: Any, path: Path) -> Probe:
    video = video_stream(container)
    start = Fraction(container.start_time or 0, 1_000_000)
    packets = _packets(container, video, start)
    if len(packets.stamps) < 2:
        raise MediaError(Reason.STILL_IMAGE, "it holds a still image")
    first = packets.first
    if first is None:
        reason = Reason.ENCRYPTED if _mentions_encryption(path) else Reason.DECODE_FAILED
        raise MediaError(reason, f"no frame of it decodes{packets.complaint}")
    rotation = int(-first.rotation) % 360 // 90 * 90
    width, height = _display_size(video, rotation)
    fps, variable = _frame_rate(video, sorted(packets.stamps))
    context = video.codec_context
    first_s = min(packets.stamps) if first.pts is None else first.pts * first.time_base - start
    return Probe(
        container=container.format.name.split(",")[0],
        video_codec=context.name,
        pixel_format=context.pix_fmt or "unknown",
        width=width,
        height=height,
        rotation_deg=rotation,
        fps=fps,
        variable_fps=variable,
        n_packets=len(packets.stamps),
        start_s=float(start),
        first_s=float(max(first_s, min(packets.stamps))),
        end_s=float(max(packets.ends)),
        last_s=float(max(*packets.ends, packets.last)),
        declared_s=None if packets.jumps else _declared_s(container, start),
        jumps=packets.jumps,
        flagged=FLAGGED.get(int(context.field_order)),
        color=_color(first),
        has_alpha=_has_alpha(video),
        dolby_vision=_tag(video) in ("dvh1", "dvhe", "dva1", "dvav") and int(first.color_trc) == UNSPECIFIED,
        tracks=tuple(audio_tracks(container)),
    )


def video_stream(container: Any) -> Any:
    """The stream whose frames are the video: the first that is no cover picture.

    Raises:
        MediaError: with reason still_image, no_video, not_media or encrypted.
    """
    if (name := container.format.name) in STILLS:
        raise MediaError(Reason.STILL_IMAGE, f"its format is {name}")
    frames = [s for s in container.streams.video if "attached_pic" not in dispositions(s)]
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


@dataclass(frozen=True, slots=True)
class _Packets:
    """Times and ends of all frame packets, the end of the last packet of any stream, the clock's jumps, and the first
    whole frame: a file that begins inside an open group has packets before it that nobody can show."""

    stamps: list[Fraction]
    ends: list[Fraction]
    last: Fraction
    jumps: tuple[Jump, ...]
    first: Any
    complaint: str
    """What the decoder said first, where it said anything."""


def _packets(container: Any, video: Any, start: Fraction) -> _Packets:
    import av

    video.codec_context.thread_count = 1  # worker threads may wait for each other when decoding ends half-way
    stamps: list[Fraction] = []
    ends: list[Fraction] = []
    last = Fraction(0)
    first, complaint = None, ""
    finder = JumpFinder() if container.format.name in JUMPING else None
    try:
        for packet in container.demux(video, *container.streams.audio):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is None or packet.size == 0:
                continue
            if packet.has_sidedata("encryption_info"):
                raise MediaError(Reason.ENCRYPTED, "its packets are encrypted (common encryption)")
            base = packet.time_base
            at, duration = ticks * base - start, (packet.duration or 0) * base
            if packet.stream_index == video.index:
                if first is None:
                    try:
                        first = next(iter(packet.decode()), None)
                    except av.error.FFmpegError as error:
                        complaint = complaint or f": {error.strerror}"
                if finder is not None:
                    decoded = packet.dts if packet.dts is not None else packet.pts
                    at += finder.add(decoded * base - start, duration)
                stamps.append(at)
                ends.append(at + duration)
            last = max(last, at + duration)
    except av.error.ExitError as error:
        raise MediaError(Reason.TIMEOUT, f"a packet after {len(stamps)} took longer than {READ_LIMIT_S:g} s") from error
    except av.error.FFmpegError as error:
        raise MediaError(Reason.TRUNCATED, f"packets end in an error after {len(stamps)}: {error.strerror}") from error
    jumps = tuple(finder.jumps) if finder else ()
    if first is None and stamps:
        first = next(iter(_flushed(video)), None)
    return _Packets(stamps, ends, max(ends, default=last) if jumps else last, jumps, first, complaint)


def _flushed(video: Any) -> list[Any]:
    """The frames that a decoder still holds at the end."""
    import av

    try:
        return list(video.codec_context.decode(None))
    except av.error.FFmpegError:
        return []


def _color(frame: Any) -> Color:
    return Color(
        matrix=MATRICES.get(int(frame.colorspace)),
        primaries=PRIMARIES.get(int(frame.color_primaries)),
        transfer=TRANSFERS.get(int(frame.color_trc)),
        full_range=int(frame.color_range) == FULL_RANGE or frame.format.name.startswith("yuvj"),
    )


def _has_alpha(video: Any) -> bool:
    """Whether the stream has transparency, in its frames or (WebM) in a second layer beside them."""
    layer = str(video.metadata.get("alpha_mode") or video.metadata.get("ALPHA_MODE") or "0") == "1"
    form = video.codec_context.format
    return layer or (form is not None and any(component.is_alpha for component in form.components))


def _declared_s(container: Any, start: Fraction) -> float | None:
    """The container's own claim of its length, from its start (Matroska counts from zero instead)."""
    if not container.duration:
        return None
    length = Fraction(container.duration, 1_000_000)
    return float(length - start if container.format.name.startswith("matroska") else length)


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
    """The average rate (exact), where some intervals differ the one that has a place for every frame; and whether
    intervals vary."""
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
    if odd:
        rate = best_rate(stamps, rate)
    return rate.limit_denominator(100_000), variable
