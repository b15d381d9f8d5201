"""``ver checkpoint``: make an Emotion-Qwen to train: from Qwen2.5-VL, from official names, or a tiny one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver checkpoint``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="from a Qwen2.5-VL folder: same logits, plus emotion expert and gate")
    init.add_argument("--from", dest="source", type=Path, required=True, help="folder with Qwen2.5-VL weights")
    init.add_argument("out", type=Path)
    init.add_argument("--dtype", default="auto", help="auto, float32 or bfloat16")
    convert = actions.add_parser("convert", help="from a checkpoint with the official Emotion-Qwen weight names")
    convert.add_argument("--from", dest="source", type=Path, required=True)
    convert.add_argument("out", type=Path)
    tiny = actions.add_parser("tiny", help="a small model with random weights and its own tokenizer")
    tiny.add_argument("out", type=Path)
    tiny.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    """Write the model folder."""
    from ver_pipeline.model.compat import without_progress_bars

    without_progress_bars()
    if args.action == "tiny":
        from ver_pipeline.model.tiny import write_tiny

        write_tiny(args.out, args.seed)
    else:
        from ver_pipeline.model import convert

        if args.action == "init":
            convert.init_from(args.source, args.out, args.dtype)
        else:
            convert.convert_official(args.source, args.out)
    sys.stdout.write(f"{args.out}\n")
    return 0
