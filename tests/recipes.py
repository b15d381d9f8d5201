"""Videos of every kind, from a recipe: container, frame rate, fields, audio, offsets, tracks, joins."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numbered
import numpy as np
import videos

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-g", "12")
RATES = ("24", "24000/1001", "25", "30000/1001", "30", "30.03", "50", "60000/1001", "60", "15", "31")
SCANS = ("progressive", "tff", "bff", "telecined")
CONTAINERS = ("mp4", "mkv", "ts", "mov")
OFFSETS_S = (-0.4, -0.15, 0.0, 0.0, 0.15, 0.4)
JOINS = ("none", "none", "sample rate", "channels", "size", "jump")
REORDERED = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
"""With B-frames: the decoding times of a second recording begin before those of the first have ended."""


@dataclass(frozen=True)
class Recipe:
    """``offset_s``: how late the audio is written; ``join``: what changes where a second recording begins."""

    container: str
    rate: str
    scan: str
    audio_rate_hz: int
    channels: int
    offset_s: float
    join: str
    keyframe_frames: int
    reordered: bool
    decoy: bool
    """Another audio track comes first, and this one is flagged as the default."""

    @property
    def step(self) -> Fraction:
        """By how many drawn frames the number grows from frame to frame of a clip."""
        from ver_pipeline.media.encode import clip_grid

        if self.scan == "telecined":
            return Fraction(1)
        drawn = Fraction(self.rate)
        return drawn / clip_grid(float(drawn), 30)


def random_recipe(seed: int) -> Recipe:
    """The same for the same seed."""
    draw = random.Random(seed)
    scan = draw.choice(SCANS) if draw.random() < 0.4 else "progressive"
    rate = {"progressive": draw.choice(RATES), "telecined": "24000/1001"}.get(scan, draw.choice(("50", "60000/1001")))
    container = draw.choice(CONTAINERS)
    join = draw.choice(JOINS) if container == "ts" and scan == "progressive" else "none"
    return Recipe(
        container, rate, scan, draw.choice((22_050, 44_100, 48_000)) if container != "ts" else 48_000,
        draw.choice((1, 2)), draw.choice(OFFSETS_S) if join == "none" else 0.0, join, draw.choice((12, 50, 250)),
        draw.random() < 0.5, container != "ts" and draw.random() < 0.3,
    )  # fmt: skip


def make(recipe: Recipe, folder: Path) -> Path:
    """Draw it."""
    folder.mkdir(parents=True, exist_ok=True)
    filters = {
        "progressive": "null", "tff": "interlace=scan=tff:lowpass=off", "bff": "interlace=scan=bff:lowpass=off",
        "telecined": "telecine",
    }[recipe.scan]  # fmt: skip
    codec = (*(REORDERED if recipe.reordered else videos.X264), "-g", str(recipe.keyframe_frames))
    audio = ("-c:a", "mp2" if recipe.container == "ts" else "aac")
    drawn = {
        "rate": recipe.rate, "filters": filters, "video": codec, "audio": audio, "channels": recipe.channels,
        "audio_rate_hz": recipe.audio_rate_hz,
    }  # fmt: skip
    plain = ("-muxdelay", "0", "-muxpreload", "0") if recipe.container == "ts" else ()
    first = numbered.draw(folder / f"one.{recipe.container}", *plain, **drawn)
    if recipe.decoy:
        both = folder / f"two-tracks.{recipe.container}"
        hum = ("-f", "lavfi", "-i", "sine=f=1000:d=6")
        tracks = ("-map", "0:v", "-map", "1:a", "-map", "0:a", *flags_of(recipe))
        videos.ffmpeg("-i", first, *hum, *tracks, "-c:v", "copy", "-c:a", "aac", both)
        first = both
    if recipe.offset_s:
        path = folder / f"late.{recipe.container}"
        late = ("-itsoffset", str(recipe.offset_s), "-i", first)
        videos.ffmpeg("-i", first, *late, "-map", "0:v", "-map", "1:a", *flags_of(recipe), "-c", "copy", *plain, path)
        return path
    if recipe.join == "none":
        return first
    change = {
        "sample rate": {"audio_rate_hz": 44_100}, "channels": {"channels": 3 - recipe.channels},
        "size": {"filters": "scale=240:180"}, "jump": {},
    }[recipe.join]  # fmt: skip
    offset_s = "40" if recipe.join == "jump" else "6"
    second = numbered.draw(folder / "two.ts", *plain, "-output_ts_offset", offset_s, **{**drawn, **change})
    return numbered.joined(folder / "both.ts", first, second)


def flags_of(recipe: Recipe) -> tuple[str, ...]:
    return ("-disposition:a:0", "0", "-disposition:a:1", "default") if recipe.decoy else ()


@dataclass(frozen=True)
class Faults:
    """What went wrong in a video's clips."""

    lost: int = 0
    doubled: int = 0
    out_of_step: int = 0
    no_clip: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.out_of_step or self.no_clip)


def faults(recipe: Recipe, clips: list[dict], readings: list[numbered.Reading]) -> Faults:
    """Frames lost or doubled beyond what the clip's frame rate asks for, and seconds at which flash and beep differ by
    more than a frame and 20 ms."""
    if not clips:
        return Faults(no_clip=1)
    # A field's number differs from its neighbour's in the lowest bit alone: a frame made of both shows either.
    bits = 1 if recipe.scan in ("tff", "bff") else 0
    numbers = [number >> bits for reading in readings for number in reading.numbers]
    steps = np.diff(numbers)
    most = -(-recipe.step.numerator // (recipe.step.denominator << bits))
    seam = 1 if recipe.join != "none" else 0
    lost = int((steps > most).sum())
    back = int((steps < 0).sum())
    doubled = int((steps == 0).sum())
    wrong = 0
    for clip, reading in zip(clips, readings, strict=True):
        for flash_s in reading.flashes_s:
            expected = flash_s + recipe.offset_s
            if not 0.1 < expected < clip["clip"]["duration_s"] - 0.15:
                continue
            off_s = min((abs(expected - beep_s) for beep_s in reading.beeps_s), default=9.0)
            wrong += off_s > 1 / clip["clip"]["fps"] + 0.02
    return Faults(lost, doubled, wrong, int(back > seam))
