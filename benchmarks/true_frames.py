"""Frames lost, doubled or out of step with the audio, over many drawn videos of every kind.

    python benchmarks/true_frames.py [--videos 100] [--out FOLDER]

Each drawn frame carries its number, each full second a flash and a beep; they are read back from the clips.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numbered
import recipes
from cutting import cut


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("out/true-frames"))
    args = parser.parse_args()
    sums = {"lost": 0, "doubled": 0, "out_of_step": 0, "no_clip": 0}
    frames, began = 0, time.monotonic()
    for seed in range(args.videos):
        recipe, folder = recipes.random_recipe(seed), args.out / str(seed)
        clips = cut(recipes.make(recipe, folder / "in"), folder / "out")
        readings = [numbered.read(clip["media_path"]) for clip in clips]
        found = recipes.faults(recipe, clips, readings)
        frames += sum(len(reading.numbers) for reading in readings)
        for name in sums:
            sums[name] += getattr(found, name)
        if found:
            print(seed, recipe, found, flush=True)
        shutil.rmtree(folder)
    print(f"{args.videos} videos, {frames} frames of clips, {time.monotonic() - began:.0f} s")
    print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in sums.items()))


if __name__ == "__main__":
    main()
