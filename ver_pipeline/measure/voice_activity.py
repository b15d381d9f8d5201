"""Who of up to three local speakers talks in ten seconds of sound (PyanNet, pyannote's ``segmentation-3.0``).

The numbers of its speakers hold within one window only; ``speaker_clusters.py`` joins them over the video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.networks import onnx_session
from ver_pipeline.measure.speakers import RATE_HZ, Samples

MODEL = "voices"
FILE = "voice-activity.onnx"
WINDOW_S = 10.0
"""What the network was trained on."""
STEP_S = 5.0
"""From window to window: every moment is heard twice."""
FRAME = 270
"""Samples from frame to frame of the network."""
FIRST = 495
"""The sample in the middle of what the first frame hears."""
CLASSES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], bool)
"""Which of the three speakers talk in each of the network's classes."""

Activity = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Sound from ``start`` (a sample of the video) on, padded with silence to ``WINDOW_S``."""

    start: int
    samples: Samples


def windows(sound: Iterable[Samples], speech_s: Sequence[tuple[float, float]]) -> Iterator[Window]:
    """Windows of ``WINDOW_S`` every ``STEP_S`` in which somebody speaks; holds about one of them at a time."""
    length, step = round(WINDOW_S * RATE_HZ), round(STEP_S * RATE_HZ)
    held, start, ended = np.zeros(0, np.float32), 0, False
    blocks = iter(sound)
    while True:
        while len(held) < length and not ended:
            block = next(blocks, None)
            ended = block is None
            if block is not None:
                held = np.concatenate([held, block])
        if start and len(held) <= length - step:
            return  # the window before has heard it
        if not len(held):
            return
        begin_s = start / RATE_HZ
        if any(a < begin_s + WINDOW_S and b > begin_s for a, b in speech_s):
            samples = held[:length]
            yield Window(start, np.pad(samples, (0, length - len(samples))))
        held, start = held[step:], start + step


class ActivityNet:
    """The network, on the processor."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._session: Any = None

    def open(self) -> None:
        """Load the model.

        Raises:
            MissingModelError: it could not be had.
        """
        self._session = onnx_session(str(store.resolve(MODEL) / FILE), self.threads)

    def hear(self, window: Window) -> Activity:
        """Who talks in each frame of the window, ``(frames, 3)``."""
        (log_prob,) = self._session.run(None, {"sound": window.samples[None, None]})
        return CLASSES[np.argmax(log_prob[0], axis=1)]
