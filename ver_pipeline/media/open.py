"""Open media that others made.  Whoever reads a video, a clip or a frame reads it through here.

Only the bytes of the file itself are read.  libavformat is given an open file and no name, a list of demuxers that
read what they are given (``containers.py``), and ``fd`` as the only protocol, under which no second file can be named.
What a video is depends on its bytes alone, then, and not on what it is called either.  Following links is up to whoever
names the file.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ver_pipeline.media.containers import FORMAT_WHITELIST
from ver_pipeline.media.playlists import HEAD_BYTES, playlist_kind
from ver_pipeline.media.references import ReadAt, from_bytes, has_references
from ver_pipeline.schemas.reasons import Reason

OPEN_LIMIT_S = 60.0
READ_LIMIT_S = 60.0
"""Bounds for opening and for each packet: storage that does not answer is told, not waited for."""

PROGRAM_INPUT = "fd:"
PROGRAM_OPTIONS: Mapping[str, str] = {"protocol_whitelist": "fd", "format_whitelist": FORMAT_WHITELIST}
"""The input of the ffmpeg program, and its options: a video that :func:`open_file` opened, as its standard input."""

_MEDIA = (b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS", b"FLV", b"\x00\x00\x01\xba", b"0&\xb2u")
_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free"}


class MediaError(Exception):
    """This is no video that can be read; ``reason`` is the reject that says why."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def open_media(media: str | Path | bytes) -> Any:
    """Open a file, or the bytes of one, as a PyAV container for reading.  Use it in a ``with`` statement.

    Raises:
        MediaError: with reason unreadable, not_media (also where it names other files instead of holding a video),
            truncated or timeout.
    """
    if isinstance(media, bytes):
        _refuse_references(from_bytes(media), len(media))
        return _opened(io.BytesIO(media), {"protocol_whitelist": "none"}, from_bytes(media))
    with open_file(media) as file:
        options = {"fd": str(file.fileno()), "protocol_whitelist": "fd"}
        return _opened(PROGRAM_INPUT, options, _from_file(file))


def open_file(path: str | Path) -> BinaryIO:
    """Open a regular file that takes nothing from others; never waits for a pipe or a device.

    Raises:
        MediaError: it cannot be opened, is no regular file, or is a reference movie.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise MediaError(Reason.UNREADABLE, f"it cannot be opened: {getattr(error, 'strerror', error)}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise MediaError(Reason.NOT_MEDIA, "it is a folder, a pipe, a socket or a device, not a file")
    file = os.fdopen(fd, "rb")
    try:
        _refuse_references(_from_file(file), os.fstat(fd).st_size)
    except BaseException:
        file.close()
        raise
    return file


def _from_file(file: BinaryIO) -> ReadAt:
    """Reads without moving the file's position, which libavformat shares."""
    return lambda at, size: os.pread(file.fileno(), size, at)


def _refuse_references(read_at: ReadAt, size_bytes: int) -> None:
    try:
        refers = has_references(read_at, size_bytes)
    except OSError as error:
        raise MediaError(Reason.UNREADABLE, f"it cannot be read: {error.strerror}") from error
    if refers:
        what = "it is a QuickTime reference movie: its frames or its audio lie in another file"
        raise MediaError(Reason.NOT_MEDIA, f"{what}; give that video itself")


def _opened(source: Any, options: Mapping[str, str], read_at: ReadAt) -> Any:
    import av

    try:
        return av.open(
            source,
            container_options={**options, "format_whitelist": FORMAT_WHITELIST},
            metadata_errors="replace",
            timeout=(OPEN_LIMIT_S, READ_LIMIT_S),
        )
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise _refusal(error, read_at) from error


def _refusal(error: Exception, read_at: ReadAt) -> MediaError:
    """Why libavformat did not open it, in words that help."""
    import av

    said = getattr(error, "strerror", None) or str(error)
    if isinstance(error, av.error.ExitError):
        return MediaError(Reason.TIMEOUT, f"its storage did not answer within {OPEN_LIMIT_S:g} s")
    try:
        head = read_at(0, HEAD_BYTES)
    except OSError as failed:
        return MediaError(Reason.UNREADABLE, f"it cannot be read: {failed.strerror}")
    if kind := playlist_kind(head):
        what = f"it is {kind}: it names other files and holds no video; give the videos that it names"
        return MediaError(Reason.NOT_MEDIA, what)
    if isinstance(error, av.error.ArgumentError):
        what = f"it makes no sense, or its container is none that is read ({said})"
        return MediaError(Reason.NOT_MEDIA, f"{what}; convert it: ffmpeg -i IN -c copy OUT.mkv")
    if head[4:8] in _BOXES or head.startswith(_MEDIA):
        return MediaError(Reason.TRUNCATED, f"the container cannot be read to its end: {said}")
    return MediaError(Reason.NOT_MEDIA, f"ffmpeg finds no media in it: {said}")
