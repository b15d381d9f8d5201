"""From video bytes to the patches that Qwen2.5-VL's vision tower takes.  torch and PyAV only.

``to_patches`` does the arithmetic of transformers' Qwen2-VL processors (same resize kernel, same
order of operations) without torchvision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch.nn import functional

from ver_pipeline.media.open import MediaError, open_media

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""CLIP's channel statistics, as Qwen2-VL's preprocessor config has them."""
PATCH, MERGE, FRAMES_PER_PATCH = 14, 2, 2
MAX_ASPECT = 200
TIME_ROUNDING_S = 0.002
"""Containers round time stamps (Matroska to a millisecond)."""


class UndecodableError(ValueError):
    """Media that cannot be decoded; becomes a named bad sample, never a crash."""


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Sampling:
    """How frames are chosen and sized.

    ``fps`` frames a second, an even count between ``min_frames`` and ``max_frames``; each video frame
    has between ``min_pixels`` and ``max_pixels``, an image at most ``image_max_pixels``.  The defaults
    are those of the official training scripts (2 fps, 448 x 448, 1280 x 28 x 28).
    """

    fps: float = 2.0
    min_frames: int = 4
    max_frames: int = 768
    min_pixels: int = 56 * 56
    max_pixels: int = 448 * 448
    image_max_pixels: int = 1280 * 28 * 28


def frame_count(duration_s: float, sampling: Sampling) -> int:
    """How many frames a clip gets: even, at least 2, within the sampling's bounds."""
    wanted = min(max(duration_s * sampling.fps, sampling.min_frames), sampling.max_frames)
    return max(FRAMES_PER_PATCH, int(wanted / FRAMES_PER_PATCH) * FRAMES_PER_PATCH)


def smart_resize(height: int, width: int, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """Both sides a multiple of 28, the area within bounds, the aspect kept as nearly as that allows.

    Raises:
        UndecodableError: the frame is thinner than 1 : 200 (the reference refuses it too).
    """
    factor = PATCH * MERGE
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise UndecodableError(f"frame of {width}x{height} is too thin")
    new_height = max(factor, round(height / factor) * factor)
    new_width = max(factor, round(width / factor) * factor)
    if new_height * new_width > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        new_height = max(factor, math.floor(height / shrink / factor) * factor)
        new_width = max(factor, math.floor(width / shrink / factor) * factor)
    elif new_height * new_width < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        new_height = math.ceil(height * grow / factor) * factor
        new_width = math.ceil(width * grow / factor) * factor
    return new_height, new_width


def to_patches(frames: torch.Tensor, min_pixels: int, max_pixels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Resize, normalise and cut frames.

    Args:
        frames: uint8 [frames, 3, height, width]; an odd count is padded with its last frame.
        min_pixels: lower bound of a frame's area.
        max_pixels: upper bound of a frame's area.

    Returns:
        float32 [patches, 3 * 2 * 14 * 14] and int64 [3], the grid in time, height and width.
    """
    height, width = smart_resize(frames.shape[2], frames.shape[3], min_pixels, max_pixels)
    if (height, width) != tuple(frames.shape[2:]):
        frames = functional.interpolate(frames, (height, width), mode="bicubic", antialias=True)
    # The reference fuses the 1/255 scale into mean and std; the order matters for equal bits.
    mean = torch.tensor(MEAN).view(3, 1, 1) * 255
    std = torch.tensor(STD).view(3, 1, 1) * 255
    pixels = (frames.float() - mean) / std
    if odd := -pixels.shape[0] % FRAMES_PER_PATCH:
        pixels = torch.cat([pixels, pixels[-1:].expand(odd, -1, -1, -1)])
    time, rows, columns = pixels.shape[0] // FRAMES_PER_PATCH, height // PATCH, width // PATCH
    pixels = pixels.view(
        time, FRAMES_PER_PATCH, 3, rows // MERGE, MERGE, PATCH, columns // MERGE, MERGE, PATCH
    ).permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    patches = pixels.reshape(time * rows * columns, 3 * FRAMES_PER_PATCH * PATCH * PATCH)
    return patches, torch.tensor([time, rows, columns])


def decode_frames(media: bytes, count: int) -> tuple[torch.Tensor, list[float]]:
    """``count`` frames, evenly spaced in time with both ends included; each is the frame on screen then.

    Chosen by presentation time, so variable frame rates are right; decoded in one pass, and only the
    chosen frames are converted.

    Returns:
        uint8 [count, 3, height, width] and the times in seconds from the first frame.

    Raises:
        UndecodableError: not a video, or no frame decodes.
    """
    import av

    try:
        with open_media(media) as container:
            if not container.streams.video:
                raise UndecodableError("no video stream")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            return _pick(container, stream, count)
    except (MediaError, av.FFmpegError, OSError) as error:
        raise UndecodableError(f"cannot decode: {error}") from error


def decode_image(data: bytes) -> torch.Tensor:
    """An image file as uint8 [1, 3, height, width].

    Raises:
        UndecodableError: not a frame that can be decoded.
    """
    frames, _ = decode_frames(data, 1)
    return frames


def emphasise_faces(
    frames: torch.Tensor, times_s: Sequence[float], boxes: Sequence[tuple[float, tuple[float, float, float, float]]]
) -> torch.Tensor:
    """Dim everything but the faces (the paper feeds face-highlighted frames; the dimming factor is ours).

    Args:
        frames: uint8 [frames, 3, height, width].
        times_s: time of each frame.
        boxes: (time in seconds, (x, y, width, height) as fractions) of every measured face.

    Returns:
        A new tensor of the same shape and dtype; frames with no face within one second are left as they are.
    """
    dim, reach_s = 0.35, 1.0
    out = frames.clone()
    height, width = frames.shape[2:]
    for index, time_s in enumerate(times_s):
        near = [(abs(t - time_s), box) for t, box in boxes if abs(t - time_s) <= reach_s]
        if not near:
            continue
        nearest = min(gap for gap, _ in near)
        mask = torch.zeros(height, width, dtype=torch.bool)
        for gap, (x, y, w, h) in near:
            if gap <= nearest + 1e-6:
                top, left = int(y * height), int(x * width)
                mask[top : math.ceil((y + h) * height), left : math.ceil((x + w) * width)] = True
        dimmed = (frames[index].float() * dim).to(torch.uint8)
        out[index] = torch.where(mask, frames[index], dimmed)
    return out


def _pick(container: object, stream: object, count: int) -> tuple[torch.Tensor, list[float]]:
    """Sequential decode that keeps the frame shown at each wanted time."""
    length_s = video_length_s(container, stream)
    # The base rate is the finest step of the time stamps; with a variable rate the average would not do.
    rate = float(stream.base_rate or stream.average_rate or 25)  # type: ignore[attr-defined]
    last_s = max(0.0, length_s - 1.0 / rate)
    wanted = [last_s * i / max(1, count - 1) for i in range(count)]
    chosen: list[torch.Tensor] = []
    start_s, shown = None, None
    for frame in container.decode(stream):  # type: ignore[attr-defined]
        now_s = float(frame.time or 0.0)
        start_s = now_s if start_s is None else start_s
        # The shown frame stays on screen until the next begins.
        while shown is not None and len(chosen) < count and wanted[len(chosen)] < now_s - start_s - TIME_ROUNDING_S:
            chosen.append(_rgb(shown))
        if len(chosen) == count:
            break
        shown = frame
    if shown is None:
        raise UndecodableError("no frame decodes")
    while len(chosen) < count:
        chosen.append(_rgb(shown))
    return torch.stack(chosen), wanted


def _rgb(frame: object) -> torch.Tensor:
    array = frame.to_ndarray(format="rgb24")  # type: ignore[attr-defined]
    return torch.from_numpy(array).permute(2, 0, 1).contiguous()


def video_length_s(container: Any, stream: Any) -> float:
    """How long the video stream lasts, in seconds: the audio beside it may last longer.

    Matroska states it in a tag (``DURATION=00:00:02.040000000``).  The container's length is the last resort.
    """
    if stream.duration:
        return float(stream.duration * stream.time_base)
    if tag := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return (container.duration or 0) / 1_000_000
