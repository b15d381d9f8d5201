"""A 64-bit perceptual hash of a frame: near-duplicates differ in few bits.

The DCT hash in the manner of pHash: the frame's area means on a 32 x 32 grid, its lowest 8 x 8 cosine
coefficients, one bit each for "above the median".  numpy only; the same frame gives the same bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

GRID = 32
SIDE = 8
Matrix = npt.NDArray[np.float64]


def phash(gray_frame: npt.NDArray[Any]) -> str:
    """The hash of a luma frame ``(height, width)``, any size and scale, as 16 hex digits.

    A frame without any detail gives sixteen zeros.

    Raises:
        ValueError: when the frame is not two-dimensional or holds no pixel.
    """
    if gray_frame.ndim != 2 or 0 in gray_frame.shape:
        raise ValueError(f"a luma frame of shape (height, width) is needed, not {gray_frame.shape}")
    rows, columns = _area_weights(gray_frame.shape[0]), _area_weights(gray_frame.shape[1])
    small = rows @ gray_frame.astype(np.float64) @ columns.T
    cosine = _cosine()
    # Rounded, so that the last bits of a matrix product, which differ between processors, decide nothing.
    low = np.round(cosine @ small @ cosine.T, 3).ravel()
    low[0] = 0.0  # the mean brightness says nothing about what is shown
    bits = low > np.median(low[1:])
    return np.packbits(bits).tobytes().hex()


def distance(left: str, right: str) -> int:
    """How many of the 64 bits differ."""
    return (int(left, 16) ^ int(right, 16)).bit_count()


@lru_cache(maxsize=16)
def _area_weights(size: int) -> Matrix:
    """``(GRID, size)``: the share of each pixel in each grid cell; rows sum to 1."""
    edges = np.linspace(0.0, size, GRID + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(overlap, 0.0, None)
    return weights / weights.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _cosine() -> Matrix:
    """The lowest ``SIDE`` rows of the DCT-II of ``GRID`` points."""
    k, n = np.arange(SIDE)[:, None], np.arange(GRID)[None, :]
    return np.cos(np.pi * k * (2 * n + 1) / (2 * GRID))
