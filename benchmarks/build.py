"""Where a build's time goes, against peers and against the floor, in CPU seconds of the same run.

    python benchmarks/build.py [--video FILE] [--seconds N] [--out FOLDER]

Without --video it takes ten minutes of video from a package (`ver footage fetch --set benchmark`).  Measured:

* the floor: ffmpeg decodes the video once and encodes it once at the clips' settings;
* each media stage of ours, alone, without Ray;
* PySceneDetect's own command line, `detect-adaptive split-video` (its defaults encode at full size);
* plain ffmpeg, one process per clip, same spans and settings;
* the whole build with Ray, on two CPUs: wall time, CPU time, peak memory of all processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path
from ver_pipeline.schemas.config import BuildConfig


def cpu_s() -> float:
    """CPU seconds of this process and its finished children."""
    return sum(
        r.ru_utime + r.ru_stime for r in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(result, CPU seconds, wall seconds)."""
    cpu, wall = cpu_s(), time.perf_counter()
    result = work()
    return result, cpu_s() - cpu, time.perf_counter() - wall


def ffmpeg(*arguments: object) -> None:
    subprocess.run([ffmpeg_path(), *GLOBAL_OPTIONS, *map(str, arguments)], check=True)


def encode_arguments(config: BuildConfig) -> list[str]:
    side = config.clip.max_side
    scale = f"scale='trunc(iw*min(1,{side}/max(iw,ih))/2)*2':'trunc(ih*min(1,{side}/max(iw,ih))/2)*2'"
    codec = ["-c:v", "libx264", "-preset", config.clip.preset, "-crf", str(config.clip.crf)]
    return [
        "-vf",
        scale,
        *codec,
        "-threads",
        str(config.clip.threads),
        "-c:a",
        "aac",
        "-b:a",
        str(config.clip.audio_bitrate),
        "-ar",
        str(config.clip.audio_rate_hz),
        "-ac",
        "2",
    ]


def our_stages(video: Path, out: Path, config: BuildConfig) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """CPU seconds of each stage alone, and the clips."""
    from ver_pipeline.dag import make_dag
    from ver_pipeline.shards.workdir import WorkFolder

    work = WorkFolder(out / "stages" / ".ver")
    work.media.mkdir(parents=True)
    rows: list[dict[str, Any]] = [{"uri": video.name, "path": str(video), "entry": {}, "remote": None, "stat": []}]
    spent: dict[str, float] = {}
    for stage in make_dag(config, work):
        stage.open()

        def run(stage: Any = stage, rows: list[dict[str, Any]] = rows) -> list[dict[str, Any]]:
            after: list[dict[str, Any]] = []
            for row in rows:
                outcome = stage.run([row])[0]
                if isinstance(outcome, dict | list):
                    after += [{**row, **made} for made in (outcome if isinstance(outcome, list) else [outcome])]
            return after

        rows, spent[stage.name], _ = measured(run)
        if stage.name == "clip":
            clips = rows
    return spent, clips


def per_clip_ffmpeg(video: Path, out: Path, clips: list[dict[str, Any]], config: BuildConfig) -> None:
    for clip in clips:
        span = clip["clip"]
        seek = ("-ss", span["start_s"], "-i", video, "-t", span["duration_s"])
        ffmpeg(*seek, *encode_arguments(config), out / f"{clip['key']}.mp4")


def scenedetect_split(video: Path, out: Path) -> None:
    """PySceneDetect's own command, with the packaged ffmpeg on its PATH."""
    folder = out / "bin"
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(ffmpeg_path())
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = [
        sys.executable,
        "-m",
        "scenedetect",
        "-q",
        "-i",
        str(video),
        "-o",
        str(out),
        "detect-adaptive",
        "split-video",
    ]
    subprocess.run(command, check=True, env=environment, capture_output=True)


class PeakMemory(threading.Thread):
    """Samples the proportional memory of this process's descendants together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self.done = threading.Event()

    def run(self) -> None:
        import psutil

        me = psutil.Process()
        while not self.done.wait(0.5):
            total = 0
            for process in me.children(recursive=True):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.peak_bytes = max(self.peak_bytes, total)


def whole_build(source: Path, out: Path, cpus: int = 2) -> dict[str, float]:
    memory = PeakMemory()
    memory.start()
    command = [
        sys.executable,
        "-m",
        "ver_pipeline",
        "build",
        "--source",
        source,
        "--out",
        out,
        "--cpus",
        cpus,
        "--engine",
        "ray",
    ]

    def run() -> None:
        subprocess.run(list(map(str, command)), check=True, capture_output=True)

    _, cpu, wall = measured(run)
    memory.done.set()
    memory.join()
    manifest = json.loads((out / "manifest.json").read_bytes())
    return {"cpu_s": cpu, "wall_s": wall, "peak_bytes": memory.peak_bytes, "samples": manifest["counts"]["samples"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=float, help="only so much of the video")
    parser.add_argument("--out", type=Path, default=Path("out/benchmark"))
    parser.add_argument("--skip-build", action="store_true")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    video = args.video
    if video is None:
        from ver_pipeline.footage.compose import fetch_samples

        (video,) = fetch_samples(Path("out/samples"), "benchmark")
    raw = args.out / "raw"
    raw.mkdir()
    used = raw / "film.mp4"
    ffmpeg("-i", video, "-c", "copy", *(["-t", args.seconds] if args.seconds else []), used)
    used = used.resolve()
    config = BuildConfig()

    _, floor, _ = measured(lambda: ffmpeg("-i", used, *encode_arguments(config), args.out / "floor.mp4"))
    _, decode, _ = measured(lambda: ffmpeg("-i", used, "-f", "null", "-"))
    print(f"decode once                      {decode:8.1f} CPU s")
    print(f"decode once + encode once        {floor:8.1f} CPU s   the floor")
    spent, clips = our_stages(used, args.out, config)
    media = sum(spent[name] for name in ("ingest", "scenes", "clip"))
    for name, cpu in spent.items():
        print(f"  stage {name:10}               {cpu:8.1f} CPU s   {cpu / floor:5.2f} of the floor")
    print(
        f"ours: ingest + scenes + clip     {media:8.1f} CPU s   {media / floor:5.2f} of the floor, {len(clips)} clips"
    )
    folder = args.out / "plain"
    folder.mkdir()
    _, plain, _ = measured(lambda: per_clip_ffmpeg(used, folder, clips, config))
    print(f"plain ffmpeg, a process per clip {plain:8.1f} CPU s   {plain / floor:5.2f} of the floor, cutting alone")
    print(f"  ours, cutting alone            {spent['clip']:8.1f} CPU s   {spent['clip'] / plain:5.2f} of plain ffmpeg")
    folder = args.out / "scenedetect"
    folder.mkdir()
    _, peer, _ = measured(lambda: scenedetect_split(used, folder))
    print(f"scenedetect split-video          {peer:8.1f} CPU s   ours is {media / peer:5.2f} of it")
    if args.skip_build:
        return
    build = whole_build(raw, args.out / "shards")
    print(
        f"ver build, 2 CPUs                {build['cpu_s']:8.1f} CPU s   {build['wall_s']:.1f} s wall, "
        f"{build['samples']} samples, peak memory {build['peak_bytes'] / 1e9:.2f} GB"
    )
    print(
        f"  engine's share                 {build['cpu_s'] - sum(spent.values()):8.1f} CPU s more than the stages alone"
    )
    again = whole_build(raw, args.out / "shards")
    print(f"ver build again, nothing to do   {again['cpu_s']:8.1f} CPU s   {again['wall_s']:.1f} s wall")


if __name__ == "__main__":
    main()
