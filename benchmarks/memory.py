"""Peak memory of a build, all processes together, on 1 and on N videos, and on a video N times as long.

    python benchmarks/memory.py [--videos 10] [--out FOLDER]

Proportional set size (shared pages are counted once), sampled twice a second.  The videos are drawn, 20 s
each; speech is listened for (and absent), so every model is loaded.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

from build import ffmpeg, whole_build

LOOKS = ("testsrc2", "mandelbrot", "smptehdbars", "rgbtestsrc")


def draw(path: Path, seconds: int, look: str, hz: int) -> None:
    picture = ("-f", "lavfi", "-i", f"{look}=s=640x360:r=25", "-f", "lavfi", "-i", f"sine=f={hz}:r=48000")
    ffmpeg(
        *picture, "-t", seconds, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("out/memory"))
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    cases = {"one video": [args.seconds], f"{args.videos} videos": [args.seconds] * args.videos}
    cases[f"one video {args.videos} times as long"] = [args.seconds * args.videos]
    for number, (name, lengths) in enumerate(cases.items()):
        raw = args.out / str(number) / "raw"
        raw.mkdir(parents=True)
        for i, seconds in enumerate(lengths):
            draw(raw / f"{i}.mp4", seconds, LOOKS[i % len(LOOKS)], 200 + 10 * i)
        try:
            done = whole_build(raw, args.out / str(number) / "shards")
        except subprocess.CalledProcessError as error:
            raise SystemExit(error.stderr.decode()) from error
        print(f"{name:32} {done['peak_bytes'] / 1e9:6.2f} GB  {done['samples']} samples  {done['wall_s']:.0f} s")


if __name__ == "__main__":
    main()
