"""The look-up table that brings wide and high-dynamic-range colour to BT.709.

Standards: PQ is SMPTE ST 2084, HLG is ITU-R BT.2100, their reference white (203 cd/m², 75 % of HLG's signal) is
ITU-R BT.2408, and BT.2020's and P3's primaries are turned into BT.709's in linear light (ITU-R BT.2087).  SDR signals
are taken through BT.709's own transfer function in both directions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.color import TO_BT709, Color

Linear = npt.NDArray[np.float64]
"""Signal or light, any shape; what the functions here give has the shape of what they are given."""

REFERENCE_WHITE_NITS = 203.0
HLG_REFERENCE_SIGNAL = 0.75
KNEE = 0.75
"""Of SDR white: linear light up to here is kept as it is; what is brighter is compressed to fit, up to the peak."""
LUT_SIDE = 49


def pq_to_nits(signal: Linear) -> Linear:
    """SMPTE ST 2084: a signal in 0..1 to cd/m²."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.power(np.clip(signal, 0.0, 1.0), 1 / m2)
    return np.asarray(10_000 * np.power(np.maximum(power - c1, 0.0) / (c2 - c3 * power), 1 / m1))


def hlg_to_linear(signal: Linear) -> Linear:
    """BT.2100's inverse OETF for HLG: a signal in 0..1 to scene light in 0..1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    clipped = np.clip(signal, 0.0, 1.0)
    return np.where(clipped <= 0.5, clipped**2 / 3, (np.exp((clipped - c) / a) + b) / 12)


def bt709_to_linear(signal: Linear) -> Linear:
    """BT.709's inverse OETF: a signal in 0..1 to light in 0..1."""
    return np.where(signal < 0.081, signal / 4.5, np.power((np.maximum(signal, 0.081) + 0.099) / 1.099, 1 / 0.45))


def linear_to_bt709(light: Linear) -> Linear:
    """BT.709's OETF: light in 0..1 to a signal in 0..1."""
    clipped = np.clip(light, 0.0, 1.0)
    return np.where(clipped < 0.018, 4.5 * clipped, 1.099 * np.power(np.maximum(clipped, 0.018), 0.45) - 0.099)


def to_sdr_light(signal: Linear, color: Color, peak: float) -> Linear:
    """Coded RGB, shape ``[..., 3]`` in 0..1, to linear BT.709 light of the same shape with SDR white at 1.

    Args:
        color: the video's transfer curve and primaries.
        peak: the video's brightest light, in units of SDR white; nothing is compressed where it is at most 1.
    """
    if color.transfer == "smpte2084":
        light = pq_to_nits(signal) / REFERENCE_WHITE_NITS
    elif color.transfer == "arib-std-b67":
        light = hlg_to_linear(signal) / float(hlg_to_linear(np.array(HLG_REFERENCE_SIGNAL)))
    else:
        light = bt709_to_linear(signal)
    if color.primaries in TO_BT709:
        light = light @ np.array(TO_BT709[color.primaries]).T
    light = np.maximum(light, 0.0)
    if peak <= 1.0:
        return np.asarray(light)
    brightest = light.max(axis=-1, keepdims=True)
    return np.asarray(light * (_compressed(brightest, peak) / np.maximum(brightest, 1e-9)))


def write_lut(to: Path, color: Color, peak: float) -> Path:
    """The table as a ``.cube`` file, red running fastest, as ffmpeg's ``lut3d`` reads it."""
    steps = np.linspace(0.0, 1.0, LUT_SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    signal = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    coded = linear_to_bt709(to_sdr_light(signal, color, peak))
    lines = [f"LUT_3D_SIZE {LUT_SIDE}", *(f"{r:.5f} {g:.5f} {b:.5f}" for r, g, b in coded.tolist())]
    to.write_text("\n".join(lines) + "\n", encoding="ascii")
    return to


def _compressed(light: Linear, peak: float) -> Linear:
    """Reinhard's curve in its Möbius form: the identity up to ``KNEE``, with slope 1 there, and ``peak`` at 1."""
    scale = (KNEE**2 * (peak - 1)) / (KNEE**2 - 2 * KNEE + peak)
    offset = (KNEE**2 - 2 * KNEE * peak + peak) / max(peak - 1, 1e-6)
    bent = (offset**2 + 2 * offset * KNEE + KNEE**2) / (offset + scale) * (light - scale) / (light + offset)
    return np.where(light <= KNEE, light, np.minimum(bent, 1.0))
