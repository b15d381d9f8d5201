"""A small video of our own drawing: what a model is shown to see whether it sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

FRAMES_PER_S = 4
"""Enough that a reader at two frames a second never lands between two pictures."""


def write_film(path: Path, pictures: Sequence[Any], samples: Any, rate_hz: int) -> None:
    """Write an MP4 that shows each picture for one second.

    Args:
        pictures: height x width x 3, uint8, RGB; even sides, all of one size.
        samples: mono audio between -1 and 1; empty for a video without audio.
        rate_hz: the audio's samples a second.
    """
    import av
    import numpy as np

    with av.open(str(path), "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=FRAMES_PER_S)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        video.options = {"crf": "10", "preset": "veryfast", "g": str(FRAMES_PER_S)}
        audio: Any = container.add_stream("aac", rate=rate_hz, layout="mono") if len(samples) else None
        for picture in pictures:
            for _ in range(FRAMES_PER_S):
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        if audio is not None:
            sound = av.AudioFrame.from_ndarray(np.asarray(samples, np.float32)[None, :], format="fltp", layout="mono")
            sound.sample_rate, sound.pts = rate_hz, 0
            container.mux(audio.encode(sound))
            container.mux(audio.encode())
