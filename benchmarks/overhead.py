"""What a build costs besides its stages' work: wall time of `ver build` on a few seconds of video, minus the work.

    python benchmarks/overhead.py [--video FILE] [--seconds 5] [--out FOLDER]

The work is the same stages' wall time in this process, one after the other, with libraries imported and
models loaded beforehand.  Measured: a build in one process, a build on Ray, and a build with nothing to do.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ver_pipeline.dag import make_dag
from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.shards.workdir import WorkFolder


def work_s(video: Path, out: Path) -> float:
    """Wall seconds of all stages over ``video``; the first of two rounds loads what is loaded once."""
    spent = 0.0
    for attempt in range(2):
        work = WorkFolder(out / f"alone-{attempt}" / ".ver")
        work.media.mkdir(parents=True)
        rows: list[dict[str, Any]] = [{"uri": video.name, "path": str(video), "entry": {}, "remote": None, "stat": []}]
        spent = 0.0
        for stage in make_dag(BuildConfig(), work):
            stage.open()
            began = time.perf_counter()
            after: list[dict[str, Any]] = []
            for row in rows:
                outcome = stage.run([row])[0]
                made = outcome if isinstance(outcome, list) else [outcome]
                after += [{**row, **one} for one in made if isinstance(one, dict)]
            spent += time.perf_counter() - began
            rows = after
    return spent


def build_s(raw: Path, out: Path, engine: str) -> float:
    """Wall seconds of the whole command."""
    command = [sys.executable, "-m", "ver_pipeline", "build", "--source", raw, "--out", out, "--engine", engine]
    began = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=Path("out/overhead"))
    args = parser.parse_args()
    video = args.video
    if video is None:
        from ver_pipeline.footage.compose import fetch_samples

        (video,) = fetch_samples(Path("out/samples"), "benchmark")
    shutil.rmtree(args.out, ignore_errors=True)
    raw = (args.out / "raw").resolve()
    raw.mkdir(parents=True)
    piece = raw / "film.mp4"
    cut = ["-ss", "100", "-t", str(args.seconds), "-i", str(video), "-c", "copy", str(piece)]
    subprocess.run([ffmpeg_path(), *GLOBAL_OPTIONS, *cut], check=True)
    work = work_s(piece, args.out)
    print(f"the stages' work, {args.seconds:g} s of video        {work:6.1f} s")
    for engine in ("local", "ray"):
        wall = build_s(raw, args.out / engine, engine)
        print(f"ver build --engine {engine:5}              {wall:6.1f} s   {wall - work:6.1f} s more than the work")
    print(f"ver build again, nothing to do       {build_s(raw, args.out / 'local', 'local'):6.1f} s")


if __name__ == "__main__":
    main()
