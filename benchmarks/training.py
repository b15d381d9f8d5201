"""Is learning real?  Drawn clips, the emotion in the face alone; held-out clips; several seeds.

For each seed a tiny Emotion-Qwen is trained with the three stages on drawn clips (``tests/video_shards.py``:
four emotions by mouth and brows, four ground colours independent of them, place and size random).
Printed: accuracy on held-out clips, the same with every pixel zeroed, chance (1/4).

    python benchmarks/training.py [--seeds 3] [--clips 320] [--held-out 60] [--epochs 14]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch
from video_shards import EMOTIONS, make_data_set

from ver_pipeline.model.compat import without_progress_bars
from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.evaluate.answers import answers
from ver_pipeline.model.evaluate.reply import claimed_label
from ver_pipeline.model.loading import load_checkpoint
from ver_pipeline.model.tiny import write_tiny
from ver_pipeline.model.train.distributed import DistributedContext
from ver_pipeline.model.train.job import Job, chain
from ver_pipeline.model.train.recipe import StageConfig, built_in_stage, load_stage
from ver_pipeline.model.train.run import run_stages
from ver_pipeline.model.vision import Sampling

ALONE = DistributedContext(0, 1, torch.device("cpu"))
LOOK = Sampling(fps=1.0, min_frames=2, max_frames=2, max_pixels=84 * 84, image_max_pixels=84 * 84)


def quiet_stage(name: str, data: tuple[DataSpec, ...], *overrides: str) -> StageConfig:
    """A built-in stage in its tiny form on other data."""
    from dataclasses import replace

    stage = load_stage(built_in_stage(name), tiny=True, overrides=("log_every=100000", *overrides))
    return replace(stage, data=data)


def accuracy(model_dir: Path, data: Path, *, blind: bool) -> float:
    """Share of held-out clips whose English label is right."""
    model, tokenizer, _ = load_checkpoint(model_dir, "cpu", "float32")
    clips = open_shards(data, "test")
    given = list(answers(model, tokenizer, clips, ["label"], ["en"], sampling=LOOK, blind=blind, batch_size=16))
    return sum(claimed_label(a.reply, "en") == a.record["emotion"]["primary"] for a in given) / len(given)


def one_seed(folder: Path, seed: int, args: argparse.Namespace) -> dict[str, float]:
    """Train and measure once."""
    data = make_data_set(folder / "data", args.clips, args.held_out, seed=seed, n_frames=4, fps=2)
    write_tiny(folder / "tiny", seed)
    label = DataSpec("shards", tasks=("label",), languages=("en",), sampling=LOOK)
    ground = DataSpec("shards", tasks=("observe",), languages=("en",), with_speech=True, sampling=LOOK)
    common = (f"seed={seed}", "batch.global_batch=16", "batch.micro_batch=16")
    stages = (
        quiet_stage("general", (ground,), "epochs=1", *common),
        quiet_stage("emotion", (label,), "epochs=1", *common),
        quiet_stage("joint", (label,), f"epochs={args.epochs}", *common,
                    "train=[model.visual., model.language_model., lm_head.]"),
    )  # fmt: skip
    began = time.process_time()
    run_stages(chain(Job(stages[0], folder / "tiny", {"shards": data}, folder / "run"), stages[1:]), ALONE)
    trained_s = time.process_time() - began
    result = folder / "run" / "joint" / "model"
    return {
        "held_out": accuracy(result, data, blind=False),
        "zeroed": accuracy(result, data, blind=True),
        "cpu_s": trained_s,
    }


def main() -> int:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    without_progress_bars()
    rows: list[dict[str, Any]] = []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            rows.append({"seed": seed, **one_seed(Path(folder), seed, args)})
        print(f"seed {seed}: held out {rows[-1]['held_out']:.3f}, pixels zeroed {rows[-1]['zeroed']:.3f}, "
              f"{rows[-1]['cpu_s']:.0f} CPU s")  # fmt: skip
    for name in ("held_out", "zeroed"):
        values = [row[name] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(
            f"{name}: mean {statistics.mean(values):.3f}, standard deviation {spread:.3f}, chance {1 / len(EMOTIONS)}"
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
