"""The ffmpeg program: which one, its version, and how it is run.

The pinned, packaged binary serves by default, so that two machines write the same bytes; the
environment variable ``VER_FFMPEG`` names another one (its version is part of every fingerprint).  A video is given to
it as an open file, never by name (``ver_pipeline/demuxing``), for which it must be ffmpeg 6.0 or later.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ver_pipeline.hardware.instruction_set import ffmpeg_options
from ver_pipeline.media.clock import Jump
from ver_pipeline.media.open import PROGRAM_INPUT, PROGRAM_OPTIONS, MediaError, open_file
from ver_pipeline.media.steady import steady_stream
from ver_pipeline.schemas.errors import DiskFullError, MissingDependencyError
from ver_pipeline.schemas.extras import cure

GLOBAL_OPTIONS = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
OWN_CLOCK = ("-copyts",)
"""Time stamps are left as they are: what ffmpeg takes for a video's beginning depends on which streams are used."""
COMPLAINT_CHARS = 400


class FfmpegError(Exception):
    """ffmpeg exited with an error; the message is the first thing it complained of."""


@functools.cache
def ffmpeg_path() -> str:
    """The program to run.

    Raises:
        MissingDependencyError: when neither ``VER_FFMPEG`` nor the packaged binary is usable.
    """
    named = os.environ.get("VER_FFMPEG")
    if named:
        return named
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError(
            "no ffmpeg found", cure("build", "set VER_FFMPEG to an ffmpeg with libx264")
        ) from error


@functools.cache
def ffmpeg_version() -> str:
    """The first line of ``ffmpeg -version``, without the copyright.

    Raises:
        MissingDependencyError: when the program does not run, or is no ffmpeg.
    """
    try:
        said = subprocess.run([ffmpeg_path(), "-version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingDependencyError(f"ffmpeg does not run: {error}", "unset VER_FFMPEG, or mend it") from error
    if not said.startswith("ffmpeg version "):
        raise MissingDependencyError(f"{ffmpeg_path()} is no ffmpeg", "unset VER_FFMPEG, or mend it")
    return said.splitlines()[0].removeprefix("ffmpeg version ").split(" Copyright")[0]


def video_input(**options: Any) -> Any:
    """The video as an ffmpeg-python input node, with further input options; :func:`run` is told which video it is."""
    import ffmpeg

    return ffmpeg.input(PROGRAM_INPUT, **PROGRAM_OPTIONS, **options)


def run(node: Any, video: str | Path, jumps: Sequence[Jump] = ()) -> bytes:
    """Run an ffmpeg-python output node, made from :func:`video_input`, to its end; returns what it wrote to ``pipe:1``.

    Args:
        jumps: jumps of the file's clock; ffmpeg is then given the packets with the jumps taken out.

    Raises:
        FfmpegError: in ffmpeg's own words, or the video cannot be opened.
        DiskFullError: when it had no room to write.
        MissingDependencyError: this ffmpeg is too old.
    """
    command = [ffmpeg_path(), *GLOBAL_OPTIONS, *OWN_CLOCK, *ffmpeg_options(), *node.get_args()]
    with steady_stream(video, jumps) if jumps else _opened(video) as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=False)
    if done.returncode != 0:
        raise _failure(done.stderr)
    return done.stdout


def describe(video: str | Path, time_limit_s: float) -> str:
    """What ffmpeg says of a video, for people: container, streams, duration.

    Raises:
        FfmpegError: the video cannot be opened.
        subprocess.TimeoutExpired: after ``time_limit_s``; the process is killed.
    """
    options = [word for name, value in PROGRAM_OPTIONS.items() for word in (f"-{name}", value)]
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", *options, "-i", PROGRAM_INPUT]
    with _opened(video) as file:
        done = subprocess.run(command, stdin=file, capture_output=True, timeout=time_limit_s, check=False)
    return done.stderr.decode("utf-8", "replace")


def _opened(video: str | Path) -> BinaryIO:
    try:
        return open_file(video)
    except MediaError as error:
        raise FfmpegError(str(error)) from error


def _failure(stderr: bytes) -> Exception:
    if b"No space left on device" in stderr:
        return DiskFullError("no space left on the disk for ffmpeg's output", "free some and run the command again")
    if b"Protocol not found" in stderr:
        return MissingDependencyError(f"{ffmpeg_path()} is too old", "VER_FFMPEG must name ffmpeg 6.0 or later")
    return FfmpegError(_complaint(stderr))


def _complaint(stderr: bytes) -> str:
    """The first thing that went wrong, without the addresses in it.  What ffmpeg's threads say after that comes in
    another order from run to run, and rejects are published."""
    said = re.sub(r" @ 0x[0-9a-f]+", "", stderr.decode("utf-8", "replace"))
    lines = (line.strip() for line in said.splitlines())
    return next(filter(None, lines), "ffmpeg failed without a message")[:COMPLAINT_CHARS]
