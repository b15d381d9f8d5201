"""``ver export OUT --format NAME --to DIR``: the data set in another project's layout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.cli.arguments import add_where

LAYOUTS = "llava, emotion-qwen, llama-factory, ms-swift, emer, hf (a loading recipe for the shards)"
LANGUAGES = ("en", "zh")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", metavar="OUT", type=Path, help="folder of a data set")
    parser.add_argument("--format", required=True, help=f"{LAYOUTS}, or one that another package adds")
    parser.add_argument("--to", metavar="DIR", type=Path, required=True, help="a new folder")
    add_where(parser, "samples to export", "true")
    parser.add_argument("--tasks", default="describe,reason,label", help="tasks of model/data/tasks.yaml, by commas")
    parser.add_argument("--languages", default="en,zh", help="en, zh or both")
    parser.add_argument(
        "--media", choices=("copy", "none"), default="copy", help="videos, or references to the sources only"
    )
    parser.add_argument(
        "--public", action="store_true", help="refuse media without an allowed licence and rights basis"
    )
    parser.add_argument(
        "--allow-license", metavar="ID", action="append", default=[], help="a further licence you vouch for"
    )


def run(args: argparse.Namespace) -> int:
    """Export, and say what was written."""
    from ver_pipeline.export.run import SHAPES, Export, export, parse_names

    tasks: tuple[str, ...] = ()
    if args.format in SHAPES:
        from ver_pipeline.model.data.conversations import load_tasks

        tasks = parse_names(args.tasks, list(load_tasks()), "task")
    wish = Export(
        format=args.format,
        where=args.where,
        tasks=tasks,
        languages=parse_names(args.languages, LANGUAGES, "language"),
        media=args.media,
        public=args.public,
        allow=tuple(args.allow_license),
    )
    done = export(args.dataset, args.to, wish)
    items = ", ".join(f"{n} {split}" for split, n in sorted(done.items.items()))
    sys.stdout.write(
        f"{args.to}: {done.n_samples} samples, {done.n_videos} videos{'; items: ' + items if items else ''}\n"
    )
    return 0
