"""The one pass over a video that decodes and encodes its frame: everything clips are made of.

One ffmpeg run writes, on the clip grid (constant frame rate, time zero at the container's start) and normalised
(``normalise.py``): the frames as H.264 with a keyframe wherever a clip begins, a 32x32 grey look four times a second
(for perceptual hashes) and a small JPEG a second (for posters).  The audio is written as PCM (``audio.py``).  Clips
are then cut by copying whole groups of frames (``cut.py``), exact to the frame and nearly free.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ver_pipeline.media import ffmpeg
from ver_pipeline.media.audio import AudioFormat, read_pcm, read_pcm_exactly
from ver_pipeline.media.clock import Jump
from ver_pipeline.media.decoded import read_times
from ver_pipeline.media.normalise import Stored, frame_rate, input_options, normal_frames, whole_frames
from ver_pipeline.schemas.config import ClipConfig

THUMBNAIL_SIDE = 32
THUMBNAILS_PER_S = 4
POSTER_WIDTH = 320
POSTERS_PER_S = 1
SEEK_FROM_S = 5
"""A pass that begins earlier in its video decodes from the beginning: some files cannot be sought so near it."""

FINE_CLOCK = "1/1000000"
"""The time base in which frames are laid on the grid, in seconds."""
RATE_SLACK = Fraction(101, 100)
"""A rate that is over the cap by a hair (30.03 frames a second of a telephone) counts as within it: on any other grid
an uneven clock would lose frames and show others twice."""
WORTHWHILE = Fraction(4, 5)
"""Of the cap: where whole division leaves less, frames are dropped unevenly down to the cap instead."""

KEYFRAME_LEAD = Fraction(1, 4)
"""Forced keyframes are asked for this share of a frame early: ffmpeg takes the first frame at or after."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass wrote.  ``looks`` holds ``THUMBNAIL_SIDE``² grey bytes for every ``thumbnail_step``-th frame;
    ``decoded_s`` when frames came that the decoder gave, from the pass's beginning, ascending (``decoded.py``);
    ``audio`` is interleaved signed 16-bit PCM at ``rate_hz`` with ``channels``, or None for a silent video."""

    video: Path
    looks: Path
    thumbnail_step: int
    posters: Path
    decoded_s: list[float]
    audio: Path | None
    rate_hz: int
    channels: int
    restarts_s: tuple[Fraction, ...] = ()
    """Source times at which the audio's format changed or its clock was put right."""


@dataclass(frozen=True, slots=True)
class Input:
    """A video to encode: the file, the rate of its whole frames, the time stamp at which its container begins, how its
    frames are stored, its usable audio track (None for a silent video) and that track's channels, and the jumps of its
    clock."""

    path: str
    fps: Fraction
    start_s: Fraction
    stored: Stored
    track: int | None
    channels: int
    jumps: tuple[Jump, ...] = ()


def exact_rate(fps: float) -> Fraction:
    """The rate behind its decimal: 29.97003 is 30000/1001.  Its denominator is at most 1001, broadcast's own."""
    return Fraction(fps).limit_denominator(1001)


def clip_grid(fps: float, max_fps: float, telecined: bool = False) -> Fraction:
    """The clips' frame rate: the video's own where it is at most ``max_fps``, or a hair more.

    A higher rate is divided by the least whole number that brings it to the cap (50 to 25, 59.94 to 29.97, 120 to 30),
    so that frames stay evenly spaced, unless that leaves less than four fifths of the cap (31 would become 15.5): then
    it becomes the cap.
    """
    rate = frame_rate(exact_rate(fps), telecined)
    cap = Fraction(max_fps).limit_denominator(1001)
    if rate <= cap * RATE_SLACK:
        return rate
    divided = rate / -(-rate // (cap * RATE_SLACK))
    return divided if divided >= WORTHWHILE * cap else cap


def encode_pass(
    video: Input,
    folder: Path,
    fps: Fraction,
    starts: Sequence[int],
    config: ClipConfig,
    begin_s: Fraction = Fraction(0),
    n_frames: int | None = None,
    picture: bool = True,
) -> Pass:
    """Run the pass over ``video`` (from ``begin_s``, for ``n_frames``; else all of it) into ``folder``.

    Args:
        starts: frames at which a clip begins, relative to ``begin_s``.
        picture: False leaves the encoded video out (its file then does not exist).

    Raises:
        ffmpeg.FfmpegError: when ffmpeg fails.
        MediaError: the file cannot be opened.
        av.FFmpegError: its container cannot be read.
    """
    import ffmpeg as build

    folder.mkdir(parents=True, exist_ok=True)
    stored = video.stored
    half_frame_s = 1 / (2 * video.fps)
    # The frame's size and format may change in mid-stream: filters that were set up anew would begin time anew.
    options = {"reinit_filter": 0, **input_options(stored)}
    if begin_s > SEEK_FROM_S and not video.jumps:
        options["ss"] = f"{float(begin_s - half_frame_s):.6f}"
    node = ffmpeg.video_input(threads=config.threads, **options)["V"]  # the first that is no cover, as probed
    # Half a frame cannot be said in a clock that counts whole frames, as AVI's does.
    node = node.filter("settb", FINE_CLOCK)
    node = node.filter("setpts", f"PTS-{float(video.start_s + begin_s + half_frame_s):.6f}/TB")
    copies_of_input = node.filter_multi_output("split", 2)
    # A place on the grid shows the last frame that began up to half a frame after it: the nearest one.
    grid = {"fps": f"{fps.numerator}/{fps.denominator}", "start_time": 0, "round": "up"}
    node = whole_frames(copies_of_input[0], stored).filter("fps", **grid)
    if n_frames is not None:
        node = node.filter("trim", end_frame=n_frames)
    thumbnail_step = max(1, round(fps / THUMBNAILS_PER_S))
    normal = normal_frames(node, stored, config.max_side, folder)
    copies = normal.filter_multi_output("split", 3 if picture else 2)
    outputs = [
        _thumbnails(build, copies[0], folder / "looks.gray", thumbnail_step),
        _posters(build, copies[1], folder / "posters"),
        # Not into a file: ffmpeg does not say when a full disk cuts so small a one off.
        build.output(
            copies_of_input[1], "pipe:1", format="mkvtimestamp_v2", vcodec="wrapped_avframe", fps_mode="passthrough"
        ),
    ]
    if picture:
        outputs.append(_video(build, copies[2], folder / "video.mov", fps, starts, config))
    timecodes = ffmpeg.run(build.merge_outputs(*outputs), video.path, video.jumps)
    restarts: list[Fraction] = []
    channels = 0 if video.track is None else min(2, video.channels or 1)
    if channels:
        end_s = None if n_frames is None else begin_s + n_frames / fps
        _write_audio(folder / "audio.pcm", video, AudioFormat(config.audio_rate_hz, channels), begin_s, end_s, restarts)
    return Pass(
        video=folder / "video.mov",
        looks=folder / "looks.gray",
        thumbnail_step=thumbnail_step,
        posters=folder / "posters",
        decoded_s=read_times(timecodes),
        audio=folder / "audio.pcm" if channels else None,
        rate_hz=config.audio_rate_hz,
        channels=channels,
        restarts_s=tuple(restarts),
    )


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
        fps_mode="passthrough",  # the frames lie on the grid already; ffmpeg's own choice drops some at the beginning
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
        .filter("scale", POSTER_WIDTH, -2, flags="area+accurate_rnd+bitexact", out_color_matrix="bt601", out_range="pc")
        .filter("setsar", 1)
    )
    codec = {"c:v": "mjpeg", "q:v": 4, "threads": 1, "flags:v": "+bitexact", "pix_fmt": "yuvj420p"}
    return build.output(small, str(to / "%06d.jpg"), format="image2", start_number=0, **codec)


def _write_audio(
    to: Path, video: Input, form: AudioFormat, begin_s: Fraction, end_s: Fraction | None, restarts: list[Fraction]
) -> None:
    blocks = read_pcm(video.path, video.track or 0, form, begin_s, end_s, video.jumps, restarts)
    if end_s is not None:
        blocks = read_pcm_exactly(blocks, round((end_s - begin_s) * form.rate_hz))
    with open(to, "wb") as file:
        for block in blocks:
            file.write(block.astype("<i2").tobytes())


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
