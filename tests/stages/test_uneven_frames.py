"""Frames that do not come evenly are each shown once: some missing, soft telecine, a rate that varies."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numbered
import numpy as np
import pytest
import videos
from cutting import cut

from ver_pipeline.media.rates import best_rate

CLOCK_HZ = 90_000


def drawn_at(path: Path, times_s: list[float]) -> Path:
    """A video whose numbered frames are shown at these times."""
    plain = path.with_name("plain.mp4")
    with av.open(str(plain), "w", options={"video_track_timescale": str(CLOCK_HZ)}) as out:
        stream = out.add_stream("libx264", rate=30, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = numbered.WIDTH, numbered.HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
        for number, at_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(numbered.frame(number, Fraction(25)), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(at_s * CLOCK_HZ), Fraction(1, CLOCK_HZ)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    videos.ffmpeg("-i", plain, "-c", "copy", path)
    return path


def shaken(rate: float, n: int) -> list[float]:
    draw = random.Random(7)
    return [max(0.0, number / rate + draw.uniform(-0.004, 0.004)) for number in range(n)]


UNEVEN = {
    "25, some missing": ([number / 25 for number in range(200) if number % 37 != 36], 25.0),
    "29.97, some missing": ([number * 1001 / 30_000 for number in range(200) if number % 30 != 7], 29.97003),
    "24 in three and two fields": ([(5 * number + number % 2) * 1001 / 120_000 for number in range(150)], 23.976024),
    "24, then 30": ([*(n / 24 for n in range(72)), *(3 + n / 30 for n in range(90))], None),
    "a telephone": (shaken(29.93, 180), None),
}


@pytest.mark.parametrize("name", ["uneven.mkv", "uneven.mp4"])
@pytest.mark.parametrize("kind", UNEVEN)
def test_frames_that_do_not_come_evenly_are_each_shown(tmp_path, kind, name):
    times_s, fps = UNEVEN[kind]
    clips = cut(drawn_at(tmp_path / name, times_s), tmp_path / "out")
    numbers = [number for clip in clips for number in numbered.read(clip["media_path"]).numbers]
    assert set(np.diff(numbers).tolist()) <= {0, 1}
    assert (numbers[0], numbers[-1]) == (0, len(times_s) - 1)
    if fps is not None:
        assert {clip["clip"]["fps"] for clip in clips} == {fps}


def test_a_rate_that_fits_is_kept():
    even = [Fraction(number, 24) for number in range(200)]
    assert best_rate([*even[:100], *even[103:]], Fraction(24)) == 24
    assert best_rate([*even[:100], *(at + 3 for at in even[100:])], Fraction(24)) == 24


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("n", [60, 144, 145])
def test_soft_telecine_of_23_976_is_not_taken_for_24(first, n):
    fields = [5 * number + number % 2 for number in range(first, first + n)]
    times = [Fraction(1001 * field, 120_000) for field in fields]
    assert best_rate(times, Fraction(30_000, 1001)) == Fraction(24_000, 1001)
