"""The one pass over a video that decodes and encodes its frame: everything clips are made of.

One ffmpeg run writes, on the clip grid (constant frame rate, square pixels, upright, time zero at the
container's start): the frame as H.264 with a keyframe wherever a clip begins, the audio as PCM, a
32x32 grey look four times a second (for perceptual hashes) and a small JPEG a second (for posters).  Clips
are then cut by copying whole groups of frames (``cut.py``), exact to the frame and nearly free.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ver_pipeline.media import ffmpeg
from ver_pipeline.schemas.config import ClipConfig

THUMBNAIL_SIDE = 32
THUMBNAILS_PER_S = 4
POSTER_WIDTH = 320
POSTERS_PER_S = 1
SEEK_LEAD_S = Fraction(1, 1000)
"""A pass that begins inside a video seeks this much early: some containers round times to a millisecond, and a
first frame whose time was rounded down would be passed over.  It is no part of a frame's worth."""

KEYFRAME_LEAD = Fraction(1, 4)
"""Forced keyframes are asked for this share of a frame early: ffmpeg takes the first frame at or after."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass wrote.  ``looks`` holds ``LOOK_SIDE``² grey bytes for every ``look_step``-th frame;
    ``audio`` is interleaved signed 16-bit PCM at ``rate_hz`` with ``channels``, or None for a silent video; its first
    ``lead_samples`` lie before the pass's beginning."""

    video: Path
    looks: Path
    thumbnail_step: int
    posters: Path
    audio: Path | None
    rate_hz: int
    channels: int
    lead_samples: int


def exact_rate(fps: float) -> Fraction:
    """The rate behind its decimal: 29.97003 is 30000/1001.  Its denominator is at most 1001, broadcast's own."""
    return Fraction(fps).limit_denominator(1001)


def clip_grid(fps: float, max_fps: float) -> Fraction:
    """The clips' frame rate: the video's own, halved until it is at most ``max_fps``."""
    rate = exact_rate(fps)
    while rate > Fraction(max_fps).limit_denominator(1000):
        rate /= 2
    return rate


def encode_pass(
    path: str,
    folder: Path,
    fps: Fraction,
    starts: Sequence[int],
    audio_channels: int | None,
    config: ClipConfig,
    begin_s: Fraction = Fraction(0),
    n_frames: int | None = None,
    picture: bool = True,
) -> Pass:
    """Run the pass over ``path`` (from ``begin_s``, for ``n_frames``; else all of it) into ``folder``.

    Args:
        starts: frames at which a clip begins, relative to ``begin_s``.
        audio_channels: channels of the video's first audio stream, None without one.
        frame: False leaves the encoded video out (its file then does not exist).

    Raises:
        ffmpeg.FfmpegError: when ffmpeg fails.
    """
    import ffmpeg as build

    folder.mkdir(parents=True, exist_ok=True)
    lead_s = SEEK_LEAD_S if begin_s else Fraction(0)
    seek = {"ss": f"{float(begin_s - lead_s):.6f}"} if begin_s else {}
    video = ffmpeg.video_input(threads=config.threads, **seek)
    grid = video.video.filter("fps", fps=f"{fps.numerator}/{fps.denominator}", start_time=0)
    if n_frames is not None:
        grid = grid.filter("trim", end_frame=n_frames)
    thumbnail_step = max(1, round(fps / THUMBNAILS_PER_S))
    copies = _sized(grid, config.max_side).filter_multi_output("split", 3 if picture else 2)
    outputs = [
        _thumbnails(build, copies[0], folder / "looks.gray", thumbnail_step),
        _posters(build, copies[1], folder / "posters"),
    ]
    if picture:
        outputs.append(_video(build, copies[2], folder / "video.mov", fps, starts, config))
    channels = min(2, audio_channels or 0)
    if channels:
        limit = None if n_frames is None else float(n_frames / fps + lead_s)
        outputs.append(_audio(build, video, folder / "audio.pcm", channels, config, limit))
    ffmpeg.run(build.merge_outputs(*outputs), path)
    return Pass(
        video=folder / "video.mov",
        looks=folder / "looks.gray",
        thumbnail_step=thumbnail_step,
        posters=folder / "posters",
        audio=folder / "audio.pcm" if channels else None,
        rate_hz=config.audio_rate_hz,
        channels=channels,
        lead_samples=round(lead_s * config.audio_rate_hz),
    )


def _sized(grid, side: int):  # type: ignore[no-untyped-def]
    """Square pixels, even sides, the longer one at most ``side``; everything else is made from this frame."""
    longer = "max(iw*sar,ih)"
    width, height = (f"trunc({x}*min(1,{side}/{longer})/2)*2" for x in ("iw*sar", "ih"))
    scaled = grid.filter("scale", width, height, flags="bicubic+accurate_rnd+bitexact")
    return scaled.filter("setsar", 1).filter("format", "yuv420p")


def _video(build, picture, to: Path, fps: Fraction, starts: Sequence[int], config: ClipConfig):  # type: ignore[no-untyped-def]
    """H.264 with a keyframe at every start.

    x264's bytes depend on its thread count, and with two or more threads they differ from run to run unless
    the lookahead is synchronous (seen: 7 different files in 20 runs; with ``sync-lookahead=0``, one).
    """
    times = ",".join(f"{float(max(Fraction(0), (frame - KEYFRAME_LEAD) / fps)):.6f}" for frame in starts)
    return build.output(
        picture,
        str(to),
        vcodec="libx264",
        preset=config.preset,
        crf=config.crf,
        threads=config.threads,
        force_key_frames=times,
        **{"x264-params": "sync-lookahead=0", "forced-idr": 1, "flags:v": "+bitexact", "fflags": "+bitexact"},
    )


def _thumbnails(build, look, to: Path, step: int):  # type: ignore[no-untyped-def]
    small = (
        look.filter("select", f"not(mod(n,{step}))")
        .filter("scale", THUMBNAIL_SIDE, THUMBNAIL_SIDE, flags="area+accurate_rnd+bitexact")
        .filter("format", "gray")
    )
    return build.output(small, str(to), format="rawvideo", fps_mode="passthrough")


def _posters(build, poster, to: Path):  # type: ignore[no-untyped-def]
    to.mkdir(exist_ok=True)
    small = (
        poster.filter("fps", fps=POSTERS_PER_S, start_time=0, round="up")
        .filter("scale", POSTER_WIDTH, -2, flags="area+accurate_rnd+bitexact")
        .filter("setsar", 1)
    )
    codec = {"c:v": "mjpeg", "q:v": 4, "threads": 1, "flags:v": "+bitexact", "pix_fmt": "yuvj420p"}
    return build.output(small, str(to / "%06d.jpg"), format="image2", start_number=0, **codec)


def _audio(build, video, to: Path, channels: int, config: ClipConfig, limit_s: float | None):  # type: ignore[no-untyped-def]
    """PCM in step with the frame: gaps are filled with silence and sample 0 is time 0."""
    steady = video["a:0"].filter("aresample", config.audio_rate_hz, **{"async": 1, "first_pts": 0})
    if limit_s is not None:
        steady = steady.filter("atrim", end=limit_s)
    return build.output(steady, str(to), format="s16le", acodec="pcm_s16le", ac=channels)


def poster_near(folder: Path, at_s: float) -> Path | None:
    """The JPEG nearest to a moment of the pass, None when there is none."""
    wanted = round(at_s * POSTERS_PER_S)
    for step in itertools.count():
        tried = [folder / f"{n:06d}.jpg" for n in {wanted - step, wanted + step} if n >= 0]
        for name in sorted(tried):
            if name.exists():
                return name
        if step > wanted and not tried[-1:]:
            return None
        if step > 5:
            return None
    return None
