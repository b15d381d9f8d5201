"""``ver diff OLD NEW``: what entered, left and changed, by reason."""

from __future__ import annotations

import argparse
import json
import shutil
import sys


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("old", metavar="OLD", help="folder or address of a data set")
    parser.add_argument("new", metavar="NEW", help="folder or address of another")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default="table", help="json holds every key")
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when they differ")


def run(args: argparse.Namespace) -> int:
    """Compare and show."""
    from ver_pipeline.catalog.render import WRITERS
    from ver_pipeline.editing.diff import diff
    from ver_pipeline.editing.settle import settle

    for place in (args.old, args.new):
        settle(place)
    difference = diff(args.old, args.new)
    if args.format == "json":
        sys.stdout.write(json.dumps(difference.to_json(), ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(
            f"{difference.n_old} samples before, {difference.n_new} after; {difference.n_changed} changed\n"
        )
        if difference.processors:
            both = "videos are cut and described by the same settings, models and tools on"
            sys.stdout.write(
                f"{both} {difference.processors[0]} and {difference.processors[1]}: such differences are rounding\n"
            )
        sys.stdout.write("\n")
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        columns, types = ["what", "why", "n", "first key"], ["VARCHAR", "VARCHAR", "BIGINT", "VARCHAR"]
        WRITERS[args.format](sys.stdout, columns, types, list(difference.rows()), width)
    return 1 if args.exit_code and not difference.is_empty else 0
