"""A video whose clock jumps, given to the ffmpeg program as if it did not: its packets, with the jumps taken out."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ver_pipeline.media.clock import Jump, steady_packets
from ver_pipeline.media.open import open_media
from ver_pipeline.media.probe import video_stream


@contextlib.contextmanager
def steady_stream(path: str | Path, jumps: Sequence[Jump]) -> Iterator[BinaryIO]:
    """The video stream in NUT, read from a pipe.

    Raises:
        MediaError: the file cannot be opened.
        av.FFmpegError: it cannot be read on; said when the pipe is closed.
    """
    read_fd, write_fd = os.pipe()
    failures: list[Exception] = []

    def write() -> None:
        try:
            with os.fdopen(write_fd, "wb") as pipe:
                _remux(path, jumps, pipe)
        except BrokenPipeError:
            return  # the program has read what it wants, or says itself why it ended
        except Exception as error:  # noqa: BLE001  told below, in the caller's thread
            failures.append(error)

    writer = threading.Thread(target=write, name="steady-stream")
    with os.fdopen(read_fd, "rb") as pipe:
        writer.start()
        try:
            yield pipe
        finally:
            pipe.close()
            writer.join()
    if failures:
        raise failures[0]


def _remux(path: str | Path, jumps: Sequence[Jump], to: BinaryIO) -> None:
    import av

    with open_media(path) as container, av.open(to, "w", format="nut") as out:
        video = video_stream(container)
        stream = out.add_stream_from_template(video)
        for packet in steady_packets(container, [video], jumps):
            if packet.dts is None and packet.pts is None:
                continue
            packet.stream = stream
            out.mux(packet)
