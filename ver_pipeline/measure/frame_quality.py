"""Motion and image quality over the looked-at frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.measure.frames import Picture, luma

SMALL_SIDE = 160
BLACK_LUMA = 0.05
STATIC_MOTION = 0.003
"""Mean luma change below this is noise of the encoder: nothing moved."""

Gray = npt.NDArray[np.float32]


class FrameMeter:
    """Fed frames in order; gives ``record.Frame``."""

    def __init__(self) -> None:
        self._last: Gray | None = None
        self._motion: list[float] = []
        self._brightness: list[float] = []
        self._sharpness: list[float] = []

    def add(self, rgb: Picture) -> None:
        """Measure one frame, uint8 RGB ``(height, width, 3)``."""
        gray = luma(rgb)
        self._sharpness.append(_detail(gray))
        small = _small(gray)
        self._brightness.append(float(small.mean()))
        if self._last is not None and self._last.shape == small.shape:
            self._motion.append(float(np.abs(small - self._last).mean()))
        self._last = small

    def result(self) -> dict[str, Any]:
        """``record.Frame``: fractions over the frames added; motion between neighbours, 0 for a single one."""
        motion = self._motion or [0.0]
        seen = max(1, len(self._brightness))
        return {
            "motion_mean": round(float(np.mean(motion)), 4),
            "motion_max": round(float(np.max(motion)), 4),
            "brightness": round(sum(self._brightness) / seen, 3),
            "sharpness": round(sum(self._sharpness) / seen, 1),
            "black_frac": round(sum(b < BLACK_LUMA for b in self._brightness) / seen, 3),
            "static_frac": round(sum(m < STATIC_MOTION for m in self._motion) / max(1, len(self._motion)), 3),
        }


def _small(gray: Gray) -> Gray:
    """Block means in 0..1, the longer side at most about ``SMALL_SIDE``; noise of single pixels is gone."""
    step = max(1, -(-max(gray.shape) // SMALL_SIDE))
    height, width = (max(1, n // step) for n in gray.shape)
    whole = gray[: height * step, : width * step]
    if whole.shape != (height * step, width * step):  # narrower than one block
        return np.asarray(gray / 255, np.float32)
    return np.asarray(whole.reshape(height, step, width, step).mean(axis=(1, 3)) / 255, np.float32)


def _detail(gray: Gray) -> float:
    """Variance of the Laplacian of the luma: below some tens the frame is blurred or empty."""
    if min(gray.shape) < 3:
        return 0.0
    middle = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * middle
    return float(laplacian.var())
