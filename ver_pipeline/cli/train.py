"""``ver train``: train Emotion-Qwen from the shards of a build, stage by stage."""

from __future__ import annotations

import argparse
from pathlib import Path

from ver_pipeline.cli.arguments import add_where


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver train``."""
    parser.add_argument("--shards", type=Path, required=True, help="data set of `ver build`")
    parser.add_argument("--general", type=Path, help="WebDataset of frames or videos with conversations")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help="bind another set of a stage")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--model", type=Path, help="Emotion-Qwen folder to start from (`ver checkpoint init`)")
    start.add_argument("--tiny", action="store_true", help="start from a tiny model with random weights, to try it out")
    parser.add_argument("--stage", default="all", help="all, general, emotion, joint, or a stage file (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run goes on there")
    add_where(parser, "training samples of --shards", "")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a stage setting")
    parser.add_argument("--seed", type=int, help="seed of order, dropout and tiny weights (default 0)")
    parser.add_argument("--workers", type=int, default=2, help="loader processes per rank; never changes results")
    parser.add_argument("--threads", type=int, help="torch threads per rank (default: all cores; 1 with --tiny)")
    parser.add_argument("--force", action="store_true", help="go on although data or settings differ")
    parser.add_argument("--ray-address", help="run on a Ray cluster (`auto`, or ray://HOST:PORT)")
    parser.add_argument("--ranks", type=int, default=1, help="Ray Train workers (with --ray-address)")
    parser.add_argument("--dry-run", action="store_true", help="show data, steps and trained parameters, then stop")


def run(args: argparse.Namespace) -> int:
    """Train; 0 when done, 143 when stopped by SIGTERM after saving."""
    import torch

    if args.threads or args.tiny:
        torch.set_num_threads(args.threads or 1)  # so small a model is faster on one thread
    from ver_pipeline.launch.plan import jobs_of, settle_sets, write_start_model
    from ver_pipeline.model.compat import without_progress_bars

    without_progress_bars()
    if args.ray_address:
        from ver_pipeline.launch.on_ray import launch

        settle_sets(args)
        return launch(args)
    from ver_pipeline.model.train.distributed import join_process_group, leave_process_group
    from ver_pipeline.model.train.run import run_stages

    distributed = join_process_group()
    try:
        if distributed.is_main:
            settle_sets(args)
            write_start_model(args)
        distributed.barrier()
        jobs = jobs_of(args)
        if args.dry_run:
            from ver_pipeline.model.train.describe import describe

            return describe(jobs)
        return run_stages(jobs, distributed)
    finally:
        leave_process_group()
