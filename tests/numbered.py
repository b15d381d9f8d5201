"""Videos whose frames carry their own number, with a flash and a beep on every full second, and how to read them back.

What a cut lost, doubled, combed or moved can then be read from the clips themselves.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from videos import X264, ffmpeg

from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path

WIDTH, HEIGHT = 320, 240
BITS = 10
BLOCK = WIDTH // BITS
ROW = slice(16, 48)
"""Lines of the row of blocks that hold the number, the lowest bit at the left."""
FLASH = (slice(176, 224), slice(256, 304))
BEEP_S = 0.04


def frame(number: int, rate: Fraction) -> np.ndarray:
    """One frame: its number, the flash in a second's first 40 ms, and a bar that moves."""
    grey = np.full((HEIGHT, WIDTH), 60, np.uint8)
    for bit in range(BITS):
        grey[ROW, bit * BLOCK : (bit + 1) * BLOCK] = 235 if number >> bit & 1 else 16
    at = (number * 5) % (WIDTH - 40)
    grey[88:152, at : at + 40] = 200
    at_s = number / rate
    if at_s >= 1 and at_s % 1 < Fraction(4, 100):
        grey[FLASH] = 235
    return grey


def draw(
    path: Path,
    *options: str,
    rate: str = "25",
    seconds: float = 6.0,
    filters: str = "null",
    video: Sequence[str] = X264,
    audio: Sequence[str] = ("-c:a", "aac"),
    audio_rate_hz: int = 48_000,
    channels: int = 1,
) -> Path:
    """Draw one; ``rate`` is the drawn frames' own, before ``filters``.  ``audio``: empty for a silent video."""
    exact = Fraction(rate)
    raw = b"".join(frame(number, exact).tobytes() for number in range(round(seconds * exact)))
    beep = f"aevalsrc='if(lt(mod(t,1),{BEEP_S})*gte(t,0.5),0.8*sin(2*PI*1000*t),0)':s={audio_rate_hz}:d={seconds}"
    sound = ("-f", "lavfi", "-i", beep) if audio else ()
    command = [
        ffmpeg_path(), *GLOBAL_OPTIONS, "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", rate,
        "-i", "pipe:", *sound, "-vf", f"format=yuv420p,{filters}", *video, *audio,
        *(("-ac", str(channels)) if audio else ()), *options, str(path),
    ]  # fmt: skip
    command.remove("-nostdin")
    subprocess.run(command, input=raw, check=True)
    return path


@dataclass(frozen=True)
class Reading:
    """What a video shows and says: the numbers of its frames, and when flashes and beeps begin, in seconds."""

    numbers: list[int]
    flashes_s: list[float]
    beeps_s: list[float]

    @property
    def steps(self) -> set[int]:
        """By how much the number grows from frame to frame."""
        return set(np.diff(self.numbers).tolist())


def read(path: str | Path) -> Reading:
    numbers, flashes = [], []
    with av.open(str(path)) as clip:
        for decoded in clip.decode(video=0):
            grey = decoded.to_ndarray(format="gray").astype(int)
            numbers.append(_number(grey))
            flashes.append((float(decoded.time or 0), grey[_scaled(FLASH, grey)].mean() > 150))
    began = [at for (at, lit), (_, before) in zip(flashes[1:], flashes[:-1], strict=True) if lit and not before]
    return Reading(numbers, began, _beeps(path))


def _number(grey: np.ndarray) -> int:
    height, width = grey.shape
    lines = slice(round((ROW.start + 6) * height / HEIGHT), round((ROW.stop - 6) * height / HEIGHT))
    block = width / BITS
    lit = [grey[lines, round((bit + 0.3) * block) : round((bit + 0.7) * block)].mean() > 120 for bit in range(BITS)]
    return sum(int(one) << bit for bit, one in enumerate(lit))


def _scaled(area: tuple[slice, slice], grey: np.ndarray) -> tuple[slice, slice]:
    scales = grey.shape[0] / HEIGHT, grey.shape[1] / WIDTH
    return tuple(slice(round((a.start + 6) * s), round((a.stop - 6) * s)) for a, s in zip(area, scales, strict=True))  # type: ignore[return-value]


def _beeps(path: str | Path) -> list[float]:
    resampler = av.AudioResampler("s16", "mono", 48_000)
    blocks = []
    with av.open(str(path)) as clip:
        if not clip.streams.audio:
            return []
        for decoded in clip.decode(audio=0):
            blocks += [one.to_ndarray().ravel() for one in resampler.resample(decoded)]
    loud = np.abs(np.concatenate(blocks).astype(float))
    level = loud[: len(loud) // 48 * 48].reshape(-1, 48).max(axis=1)  # by the millisecond
    return [i / 1000 for i in range(30, len(level)) if level[i] > 4000 and level[i - 30 : i].max() < 4000]


def joined(path: Path, *parts: Path) -> Path:
    """Recordings written one behind another, as transport streams are."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def as_stream(path: Path, source: Path, offset_s: float = 0.0) -> Path:
    """The same in MPEG-TS, its clock beginning at ``offset_s``."""
    ffmpeg("-i", source, "-c", "copy", "-output_ts_offset", str(offset_s), "-muxdelay", "0", "-muxpreload", "0", path)
    return path
