"""What the model sees of a video or frame: decoded once, as much as fits into the token limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ver_pipeline.media.open import MediaError, open_media
from ver_pipeline.model.data.chat import Visual
from ver_pipeline.model.vision import (
    FRAMES_PER_PATCH,
    Sampling,
    UndecodableError,
    decode_frames,
    decode_image,
    emphasise_faces,
    frame_count,
    smart_resize,
    to_patches,
    video_length_s,
)

PIXELS_PER_TOKEN = 28 * 28
NO_LIMIT = 1_000_000
"""Tokens: more than any sampling asks for."""


class TooLongError(ValueError):
    """The text alone exceeds the token limit; becomes a named bad sample."""


def load_visual(
    kind: str,
    media: bytes,
    sampling: Sampling,
    room: int = NO_LIMIT,
    boxes: Sequence[tuple[float, tuple[float, float, float, float]]] = (),
    *,
    is_image: bool = False,
) -> Visual:
    """Decode once, at most as many frames and pixels as fit into ``room`` tokens.

    The one way to a model's eyes: training, evaluation, inference and the local annotator all take it, so that a model
    is asked about what it was trained on.  Too long a video gets fewer frames over its whole length, then smaller
    ones; nothing is cut.

    Args:
        kind: ``video``, or ``image`` for one frame.
        media: the file's bytes.
        boxes: (time in seconds, (x, y, width, height) as fractions) of faces to emphasise.
        is_image: the bytes are an image file; else ``image`` takes a video's middle frame.

    Raises:
        UndecodableError: the media cannot be decoded.
        TooLongError: not even the smallest frame fits.
    """
    room -= 2  # the two tokens around the placeholders
    if kind == "image":
        frames, times = (decode_image(media), [0.0]) if is_image else middle_frame(media)
        most = min(sampling.image_max_pixels, _pixels(room))
        patches, grid = to_patches(_shown(frames, times, boxes), sampling.min_pixels, most)
        return Visual("image", patches, grid)
    duration_s, height, width = probe(media)
    count, max_pixels = fit_frames(duration_s, height, width, sampling, room)
    frames, times = decode_frames(media, count)
    patches, grid = to_patches(_shown(frames, times, boxes), min(sampling.min_pixels, max_pixels), max_pixels)
    step_s = times[1] - times[0] if len(times) > 1 else 1.0
    return Visual("video", patches, grid, seconds_per_grid=FRAMES_PER_PATCH * step_s)


def fit_frames(duration_s: float, height: int, width: int, sampling: Sampling, room: int) -> tuple[int, int]:
    """Frame count and pixels a frame that fit into ``room`` tokens.

    Raises:
        TooLongError: not even two frames of 28 x 28 do.
    """
    count, max_pixels = frame_count(duration_s, sampling), sampling.max_pixels
    new_height, new_width = smart_resize(height, width, sampling.min_pixels, max_pixels)
    pair_tokens = new_height * new_width // PIXELS_PER_TOKEN
    pairs = min(count // FRAMES_PER_PATCH, room // pair_tokens)
    if pairs >= 1:
        return pairs * FRAMES_PER_PATCH, max_pixels
    return FRAMES_PER_PATCH, _pixels(room)


def probe(media: bytes) -> tuple[float, int, int]:
    """Duration in seconds, height and width, from the header.

    Raises:
        UndecodableError: not a video.
    """
    try:
        with open_media(media) as container:
            if not container.streams.video:
                raise UndecodableError("no video stream")
            stream = container.streams.video[0]
            return video_length_s(container, stream), stream.height, stream.width
    except MediaError as error:
        raise UndecodableError(f"cannot open: {error}") from error


def middle_frame(media: bytes) -> tuple[Any, list[float]]:
    """The frame in the middle of a video, uint8 [1, 3, height, width], and its time in seconds."""
    frames, times = decode_frames(media, 3)
    return frames[1:2], times[1:2]


def _shown(frames: Any, times: list[float], boxes: Sequence[Any]) -> Any:
    return emphasise_faces(frames, times, boxes) if boxes else frames


def _pixels(room: int) -> int:
    if room < 1:
        raise TooLongError("the text leaves no room for the frame")
    return room * PIXELS_PER_TOKEN
