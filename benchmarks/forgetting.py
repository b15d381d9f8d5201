"""Does the hybrid forget less than a single merger?  The paper's claim, made measurable on drawn clips.

Per seed, a base model first learns, all weights free: two general tasks on frames (the ground's colour, the
mouth's shape) and to use emotion words about a frame (by folklore, from the colour: red is angry).  It is the
stand-in for a pretrained Qwen2.5-VL, which sees and can talk, but does not read faces.  From the same base,
two models then learn to read the emotion from the face, with the same data, order, steps and learning rates:

  single   emotion stage: the one merger is trained.  Joint stage: merger and language model, on the mix.
  hybrid   emotion stage: the emotion expert is trained, the general expert stays.  Joint stage: emotion
           expert, gate and language model, on the same mix.

Printed after each stage: loss and accuracy on held-out general frames, emotion accuracy on held-out clips.

    python benchmarks/forgetting.py [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch
from training import ALONE, LOOK, accuracy, quiet_stage
from video_shards import make_data_set, make_web_folder

from ver_pipeline.model.compat import without_progress_bars
from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.data.webfolder import open_webfolder
from ver_pipeline.model.evaluate.answers import general_score
from ver_pipeline.model.loading import load_checkpoint
from ver_pipeline.model.tiny import write_tiny
from ver_pipeline.model.train.job import Job, chain
from ver_pipeline.model.train.run import run_stages

GENERAL = DataSpec("general", sampling=LOOK)
EMOTION = DataSpec("shards", tasks=("label",), languages=("en",), sampling=LOOK)
EVERYTHING = "train=[model.visual., model.language_model., lm_head.]"
ARMS = {
    "single": ("expert_mode=general", "train=[model.visual.merger.]"),
    "hybrid": ("expert_mode=emotion", "train=[model.visual.emotion_merger.]"),
}
JOINT = {
    "single": ("expert_mode=general", "train=[model.visual.merger., model.language_model.]"),
    "hybrid": ("expert_mode=mix", "train=[model.visual.emotion_merger., model.visual.gate., model.language_model.]"),
}


def measure(model_dir: Path, folder: Path, mode: str) -> dict[str, float]:
    """General loss and accuracy, emotion accuracy, with the given expert mode for the general task."""
    model, tokenizer, _ = load_checkpoint(model_dir, "cpu", "float32")
    model.set_expert_mode(mode)
    score = general_score(model, tokenizer, open_webfolder(folder / "general-test"), sampling=LOOK, batch_size=16)
    return {
        "general_loss": score.loss,
        "general_accuracy": score.exact,
        "emotion_accuracy": accuracy(model_dir, folder / "data", blind=False),
    }


def one_seed(folder: Path, seed: int, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Both arms from one base."""
    make_data_set(folder / "data", args.clips, args.held_out, seed=seed, n_frames=4, fps=2)
    make_web_folder(folder / "general", 2 * args.clips, seed=seed, asks=("colour", "mouth"))
    make_web_folder(folder / "moods", args.clips, seed=seed + 500, asks=("mood",))
    make_web_folder(folder / "general-test", args.held_out, seed=1000 + seed, asks=("colour", "mouth"))
    write_tiny(folder / "tiny", seed)
    sets = {"shards": folder / "data", "general": folder / "general", "moods": folder / "moods"}
    common = (f"seed={seed}", "batch.global_batch=16", "batch.micro_batch=16")
    base_stage = quiet_stage(
        "joint",
        (GENERAL, DataSpec("moods", sampling=LOOK)),
        f"epochs={args.base_epochs}",
        "expert_mode=general",
        EVERYTHING,
        *common,
    )
    run_stages([Job(base_stage, folder / "tiny", sets, folder / "base")], ALONE)
    base = copied_experts(folder / "base" / "joint" / "model", folder / "start")
    found = {"base": measure(base, folder, "general")}
    for arm in ("single", "hybrid"):
        # In the joint stage the general set is as large as the emotion set, for both arms.
        general = replace(GENERAL, weight=0.5)
        stages = (
            quiet_stage("emotion", (EMOTION,), f"epochs={args.epochs}", *ARMS[arm], *common),
            quiet_stage("joint", (EMOTION, general), f"epochs={args.epochs}", *JOINT[arm], *common),
        )
        run_stages(chain(Job(stages[0], base, sets, folder / arm), stages[1:]), ALONE)
        # After the emotion stage the hybrid still has its general expert; the gate is trained in the joint stage.
        found[f"{arm} after emotion"] = measure(folder / arm / "emotion" / "model", folder, "general")
        mode = "general" if arm == "single" else "mix"
        found[f"{arm} after joint"] = measure(folder / arm / "joint" / "model", folder, mode)
    return found


def copied_experts(trained: Path, out: Path) -> Path:
    """What ``ver checkpoint init`` does to a Qwen2.5-VL: the emotion expert starts as a copy of the merger."""
    model, tokenizer, _ = load_checkpoint(trained, "cpu", "float32")
    model.model.visual.emotion_merger.load_state_dict(model.model.visual.merger.state_dict())
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def main() -> int:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--base-epochs", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    without_progress_bars()
    runs: list[dict[str, dict[str, Any]]] = []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(one_seed(Path(folder), seed, args))
    print(f"{'':24}{'general loss':>18}{'general accuracy':>20}{'emotion accuracy':>20}")
    for row in runs[0]:
        cells = []
        for name in ("general_loss", "general_accuracy", "emotion_accuracy"):
            values = [run[row][name] for run in runs]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.3f} ± {spread:.3f}")
        print(f"{row:24}{cells[0]:>18}{cells[1]:>20}{cells[2]:>20}")
    if args.json:
        args.json.write_text(json.dumps(runs, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
