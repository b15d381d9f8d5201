"""``ver report OUT``: write the report page (and the data set card) of a published data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.schemas.errors import UsageError

MEGABYTE = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", metavar="OUT", type=Path, help="folder of a data set")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("report.html"),
        help="where the page goes (default: report.html here; never into OUT, which is sealed)",
    )
    parser.add_argument(
        "--media-mb", metavar="N", type=float, default=12.0, help="videos embedded in the page (default 12 MB)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page and say where it is.

    Raises:
        UsageError: the page would lie inside the data set.
    """
    from ver_pipeline.editing.settle import settle
    from ver_pipeline.report.page import write_report

    if args.output.resolve().is_relative_to(args.dataset.resolve()):
        raise UsageError(
            f"{args.output} lies inside {args.dataset}", "the manifest seals what is in there; write elsewhere"
        )
    settle(args.dataset, passes_on=True)
    path = write_report(args.dataset, args.output, int(args.media_mb * MEGABYTE))
    sys.stdout.write(f"{path}\n")
    return 0
