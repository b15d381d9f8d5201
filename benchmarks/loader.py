"""The loader against bare decode and against stock webdataset, on the same clips in one run.

    python benchmarks/loader.py [--clips 64] [--rounds 3]

Printed: clips a second (wall and CPU) for
  bare decode     the frames alone, from bytes already in memory: the floor
  stock           webdataset.WebDataset(tars).map(same decode, same patches, same tokens), in file order
  ours            the loader: random access in canonical order, sha256 of each video, collation
then how fast a third-party tar is indexed (against ``tarfile``), how fast a published index opens, and
the share of a training step that the tiny model waits for data.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch
from training import ALONE, quiet_stage
from video_shards import make_data_set

from ver_pipeline.model.compat import without_progress_bars
from ver_pipeline.model.data.chat import encode_chat
from ver_pipeline.model.data.conversations import converse
from ver_pipeline.model.data.loader import Loader, LoaderConfig
from ver_pipeline.model.data.perceived import Given
from ver_pipeline.model.data.samples import DataSpec, open_source
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.data.visual import load_visual, probe
from ver_pipeline.model.data.webfolder import members_of
from ver_pipeline.model.tiny import tiny_config, tiny_tokenizer, write_tiny
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.loop import train_stage
from ver_pipeline.model.vision import Sampling, decode_frames, frame_count

LOOK = Sampling(max_pixels=224 * 224)
SPEC = DataSpec("shards", tasks=("describe",), languages=("en",), with_speech=True, sampling=LOOK)


def measured(work: Callable[[], int], rounds: int) -> tuple[float, float]:
    """Median items a second of wall time and of CPU time (this process and its children)."""
    wall, cpu = [], []
    for _ in range(rounds):
        wall_0, cpu_0 = time.perf_counter(), _cpu_s()
        n = work()
        wall.append(n / (time.perf_counter() - wall_0))
        cpu.append(n / max(_cpu_s() - cpu_0, 1e-9))
    return statistics.median(wall), statistics.median(cpu)


def _cpu_s() -> float:
    import os

    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def decode_only(data) -> Callable[[], int]:
    """The floor: the frames of every clip, bytes in memory."""
    videos = [data.read(row, "mp4") for row in range(len(data))]

    def work() -> int:
        for video in videos:
            duration_s, _, _ = probe(video)
            decode_frames(video, frame_count(duration_s, LOOK))
        return len(videos)

    return work


def stock(folder: Path, data, tokenizer) -> Callable[[], int]:
    """webdataset's own reader with our decode, patches and tokens."""
    import webdataset

    tars = [str(folder / name) for name in sorted(set(data.shards))]

    def build(sample: dict) -> int:
        visual = load_visual("video", sample["mp4"], LOOK, 4096, [])
        turns = converse(json.loads(sample["json"]), ("describe",), ("en",), (0,), given=Given(told=True))
        return len(encode_chat(tokenizer, turns, visual).ids)

    return lambda: sum(1 for _ in webdataset.WebDataset(tars, shardshuffle=False).map(build))


def ours(folder: Path, tokenizer, workers: int) -> Callable[[], int]:
    """One epoch of the loader."""
    loader = Loader([open_source(SPEC, folder)], tokenizer, tiny_config(tokenizer), LoaderConfig(8, 8, workers=workers))
    return lambda: sum(len(m.names) for step in loader.steps(0) for m in step)


def index_speed(folder: Path, n: int = 50_000) -> None:
    """Headers a second of our reader and of tarfile, on a tar of ``n`` small samples."""
    path = folder / "many.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for i in range(n):
            for suffix in ("json", "txt"):
                info = tarfile.TarInfo(f"{i:08d}.{suffix}")
                info.size = 300
                tar.addfile(info, io.BytesIO(b"x" * 300))
    fast, fast_cpu = measured(lambda: sum(1 for _ in members_of(path)) // 2, 3)

    def by_tarfile() -> int:
        with tarfile.open(path) as tar:
            return sum(1 for _ in tar) // 2

    slow, slow_cpu = measured(by_tarfile, 1)
    print(f"indexing {n} samples of two members: ours {fast:,.0f}/s ({fast_cpu:,.0f} per CPU s), "
          f"tarfile {slow:,.0f}/s ({slow_cpu:,.0f} per CPU s), ratio {fast / slow:.1f}")  # fmt: skip


def wait_share(folder: Path, work: Path, workers: int) -> float:
    """Median share of a step that the tiny model waits for data, without the first five steps."""
    write_tiny(work / "tiny")
    stage = quiet_stage("joint", (SPEC,), "epochs=3")
    job = Job(stage, work / "tiny", {"shards": folder}, work / f"run-{workers}", workers)
    train_stage(job, ALONE)
    rows = [json.loads(line) for line in (job.run / "metrics.jsonl").read_text().splitlines()][5:]
    return statistics.median(row["wait_s"] / row["step_s"] for row in rows)


def main() -> int:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    without_progress_bars()
    tokenizer = tiny_tokenizer()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = make_data_set(work / "data", args.clips, side=336, n_frames=100, fps=25)
        opened = time.perf_counter()
        data = open_shards(folder)
        opened = time.perf_counter() - opened
        print(f"{args.clips} clips, 336x336, 4 s at 25 fps; 8 frames of at most 224x224 each; torch on one thread")
        floor, floor_cpu = measured(decode_only(data), args.rounds)
        rows = {"bare decode": (floor, floor_cpu), "stock": measured(stock(folder, data, tokenizer), args.rounds)}
        for workers in (0, 2):
            rows[f"ours, {workers} workers"] = measured(ours(folder, tokenizer, workers), args.rounds)
        print(f"{'':18}{'clips/s':>10}{'of floor':>10}{'clips/CPU s':>13}{'of floor':>10}")
        for label, (wall, cpu) in rows.items():
            print(f"{label:18}{wall:10.1f}{wall / floor:10.2f}{cpu:13.1f}{cpu / floor_cpu:10.2f}")
        print(f"published index opened in {1000 * opened:.0f} ms ({len(data)} samples)")
        index_speed(work)
        for workers in (0, 2):
            print(f"tiny model, {workers} workers: waits {100 * wait_share(folder, work, workers):.0f} % of a step")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
