"""Frames of a clip for a model that takes images."""

from __future__ import annotations

import io
from typing import Any

from ver_pipeline.media.open import MediaError, open_media

JPEG_QUALITY = 85


class NoFramesError(ValueError):
    """A video from which not one frame could be read: a model must not be asked about it."""


def sample_times(duration_s: float, n: int) -> list[float]:
    """``n`` times spread evenly, each in the middle of its stretch, so that cuts at the edges are avoided."""
    return [round(duration_s * (i + 0.5) / n, 3) for i in range(n)]


def read_frames(path: str, duration_s: float, n: int, max_side: int) -> list[Any]:
    """Up to ``n`` frames as RGB PIL images, longer side at most ``max_side`` pixels, in order of time.

    Decodes once, sequentially, on one thread: the same file gives the same pixels.  Where decoding fails
    half way, the frames before that are given.

    Raises:
        NoFramesError: frames are wanted and there are none.
    """
    import av

    wanted, found = sample_times(duration_s, n) if n else [], []
    try:
        with open_media(path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            last = None
            for frame in container.decode(stream):
                time_s = float(frame.time or 0.0)
                while wanted and time_s >= wanted[0]:
                    found.append(_small(frame, max_side))
                    wanted.pop(0)
                if not wanted:
                    break
                last = frame
            if wanted and last is not None:
                found.append(_small(last, max_side))
    except (MediaError, av.FFmpegError, IndexError) as error:
        if not found:
            raise NoFramesError(f"no frame could be read: {type(error).__name__}") from error
    if n and not found:
        raise NoFramesError("the video holds no frame")
    return found


def to_jpeg(picture: Any) -> bytes:
    """One frame as JPEG bytes; fixed quality and no metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=False)
    return buffer.getvalue()


def _small(frame: Any, max_side: int) -> Any:
    scale = min(1.0, max_side / max(frame.width, frame.height))
    size = (max(2, round(frame.width * scale)), max(2, round(frame.height * scale)))
    return frame.to_image(width=size[0], height=size[1])
