"""``ver merge SET SET... --out OUT``: join data sets."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("sets", metavar="SET", type=Path, nargs="+", help="folders of data sets, two or more")
    parser.add_argument("--out", metavar="OUT", type=Path, required=True, help="folder of the joined data set")
    parser.add_argument("--prefer", choices=("first", "last"), help="whose record counts where sets differ on a sample")
    parser.add_argument("--resplit", action="store_true", help="assign splits anew by group, as the first set does")


def run(args: argparse.Namespace) -> int:
    """Join, and say what came from where.

    Raises:
        UsageError: fewer than two sets, or sets that cannot be joined.
    """
    from ver_pipeline.editing.merge import check_sets, merge
    from ver_pipeline.publishing.pages import PAGES

    if len(args.sets) < 2:
        raise UsageError("one data set cannot be joined", "name two or more")
    check_sets(args.sets)
    done = merge(args.sets, args.out, PAGES, args.prefer, args.resplit)
    for folder, n in done.per_set.items():
        sys.stdout.write(f"{n:8} samples from {folder}\n")
    sys.stdout.write(
        f"{done.n_samples:8} samples in {args.out} ({done.n_same} were in several sets, {done.n_replaced} differed, "
        f"{done.n_withdrawn} are withdrawn)\n"
    )
    return 0
