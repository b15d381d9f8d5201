"""A proof that a clip's audio lies where the source's clock says, for clips inside which the audio changed.

The clip's own audio, decoded again, is compared with the source's, read anew from just before the clip: by another way
than the one by which the clip was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.audio import AudioFormat, read_pcm, read_pcm_exactly
from ver_pipeline.media.clock import Jump

CHECK_RATE_HZ = 8_000
MOST_OFF_S = 0.02
SEARCH_S = 0.25
"""How far a shift is looked for."""
QUIET = 50.0
"""Root mean square of 16-bit samples below which there is nothing to compare."""

Level = npt.NDArray[np.float64]
"""Mono samples at ``CHECK_RATE_HZ``, ``[samples]``, in the units of 16-bit PCM."""


class OutOfStepError(Exception):
    """A clip's audio is not where the source has it; the message says by how much."""


def check_step(
    clip: Path, source: str, track: int, begin_s: Fraction, length_s: Fraction, jumps: Sequence[Jump] = ()
) -> None:
    """Compare a clip's audio with its source's.

    Args:
        begin_s: where in the source the clip begins; it lasts ``length_s``.

    Raises:
        OutOfStepError: they fit best when shifted by more than 20 ms.
    """
    form = AudioFormat(CHECK_RATE_HZ, 1)
    n = round(length_s * CHECK_RATE_HZ)
    wanted = _join(read_pcm_exactly(read_pcm(source, track, form, begin_s, begin_s + length_s, jumps), n))
    published = _join(read_pcm_exactly(read_pcm(str(clip), 0, form), n))
    size = min(len(wanted), len(published))
    if size < CHECK_RATE_HZ // 2 or min(_loudness(wanted), _loudness(published)) < QUIET:
        return
    shift_s = best_shift(wanted[:size], published[:size]) / CHECK_RATE_HZ
    if abs(shift_s) > MOST_OFF_S:
        raise OutOfStepError(f"its audio is {1000 * shift_s:+.0f} ms off the source's")


def best_shift(wanted: Level, found: Level) -> int:
    """By how many samples ``found`` lags behind ``wanted``, where both fit best (their cross-correlation).

    Args:
        wanted: float64 [samples], mono at ``CHECK_RATE_HZ``.
        found: likewise, as many samples.
    """
    size = 1 << (2 * len(wanted) - 1).bit_length()
    product = np.fft.irfft(np.conj(np.fft.rfft(wanted, size)) * np.fft.rfft(found, size), size)
    most = min(len(wanted) - 1, round(SEARCH_S * CHECK_RATE_HZ))
    lags = np.concatenate([product[-most:], product[: most + 1]])
    highest = float(np.abs(lags).max()) or 1.0
    # Equal peaks (a steady tone) speak for the smallest shift.
    order = sorted(range(len(lags)), key=lambda at: (-round(float(lags[at]) / highest, 3), abs(at - most)))
    return order[0] - most


def _join(blocks) -> Level:  # type: ignore[no-untyped-def]
    parts = [block[:, 0] for block in blocks]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def _loudness(samples: Level) -> float:
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
