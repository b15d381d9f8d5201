"""``ver drop OUT --where SQL``: remove samples from tars, index, catalog, pages and cache, for good."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.cli.arguments import add_where

SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", metavar="OUT", type=Path, help="folder of a data set")
    add_where(parser, "samples to drop")
    parser.add_argument("--reason", default="withdrawn", help="kept with the hash of the key (default: withdrawn)")
    parser.add_argument("--dry-run", action="store_true", help="show what would go, and change nothing")


def run(args: argparse.Namespace) -> int:
    """Drop, and say what was written again."""
    from ver_pipeline.catalog.where import keys_where
    from ver_pipeline.editing.drop import drop

    if args.dry_run:
        from ver_pipeline.catalog.dataset import open_dataset

        with open_dataset(args.dataset) as data:
            keys = keys_where(data, args.where)
        sys.stdout.writelines(f"{key}\n" for key in keys[:SHOWN])
        sys.stdout.write(f"{len(keys)} samples would be dropped; nothing was changed\n")
        return 0
    from ver_pipeline.publishing.pages import PAGES

    done = drop(args.dataset, args.where, args.reason, PAGES)
    sys.stdout.write(
        f"{done.n_samples} samples dropped; {len(done.shards_rewritten)} shards written again, {done.n_shards} remain; "
        f"{done.n_leftovers} files of the work folder and of killed runs removed\n"
    )
    return 0
