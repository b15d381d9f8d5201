"""``ver push``: a finished data set onto an object store."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what ``ver push`` takes: a data set and an address."""
    parser.add_argument("dataset", type=Path, help="folder of the data set")
    parser.add_argument("address", help="where it goes: s3://bucket/name, gs://, abfs://, file://")


def run(args: argparse.Namespace) -> int:
    """Push, and say how many files were sent, kept and removed.

    Raises:
        CorruptDataError: a local file is not what the manifest says.
        VerError: the store refuses.
    """
    from ver_pipeline.export.push import push

    done = push(args.dataset, args.address)
    sent = f"{done.n_sent} file(s) sent, {done.sent_bytes / 1e6:.1f} MB"
    sys.stdout.write(f"{sent}; {done.n_kept} were there already, {done.n_removed} removed\n")
    return 0
