"""Log mel energies as Kaldi computes them: what networks of Kaldi's line were trained on."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

RATE_HZ = 16_000
FRAME = 400
"""Samples of a frame: 25 ms."""
STEP = 160
"""Samples from frame to frame: 10 ms."""
BINS = 80
LOW_HZ = 20.0
EMPHASIS = 0.97
FFT = 512
FULL_SCALE = 32_768.0


def fbank(samples: Array) -> Array:
    """Log mel energies of 25 ms every 10 ms, ``(frames, 80)``; no dither.

    The defaults of Kaldi's ``compute-fbank-feats`` but for 80 bins: each frame less its mean, pre-emphasis 0.97, a
    Povey window, the power spectrum, triangles on the mel scale from 20 Hz to 8 kHz.

    Args:
        samples: mono at 16 kHz in [-1, 1], ``(samples,)``; shorter than a frame gives no frames.
    """
    n = 0 if len(samples) < FRAME else 1 + (len(samples) - FRAME) // STEP
    if not n:
        return np.zeros((0, BINS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::STEP][:n].astype(np.float64) * FULL_SCALE
    frames -= frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    frames = (frames - EMPHASIS * before) * _window()
    power = np.abs(np.fft.rfft(frames, FFT)) ** 2
    energies = power[:, : FFT // 2] @ _triangles().T
    return np.log(np.maximum(energies, np.finfo(np.float32).eps)).astype(np.float32)


@cache
def _window() -> npt.NDArray[np.float64]:
    """Povey's: a Hann window to the power of 0.85."""
    return np.asarray((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))) ** 0.85)


@cache
def _triangles() -> npt.NDArray[np.float64]:
    """The weight of each frequency in each bin, ``(80, 256)``; triangles are straight on the mel scale."""
    edges = np.linspace(_mel(np.float64(LOW_HZ)), _mel(np.float64(RATE_HZ / 2)), BINS + 2)
    at = _mel(np.arange(FFT // 2) * RATE_HZ / FFT)
    left, centre, right = (edges[i : i + BINS, None] for i in range(3))
    return np.maximum(0.0, np.minimum((at - left) / (centre - left), (right - at) / (right - centre)))


def _mel(hz: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64]:
    return np.asarray(1127.0 * np.log(1 + hz / 700))
