"""``ver build``: a data set from raw video."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ver_pipeline.cli.arguments import add_build_arguments, read_config

if TYPE_CHECKING:
    from ver_pipeline.runs import Summary

STRICT_EXIT = 3
"""Exit status of ``--strict`` when the build finished but something was rejected."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what ``ver build`` takes: all that ``ver plan`` takes, and what to make of rejects."""
    add_build_arguments(parser)
    parser.add_argument("--strict", action="store_true", help=f"exit {STRICT_EXIT} when anything was rejected")
    parser.add_argument("--dry-run", action="store_true", help="the same as `ver plan`")


def run(args: argparse.Namespace) -> int:
    """Build, and show what came of it.

    Returns:
        0, also when something was rejected; with ``--strict`` then ``STRICT_EXIT``.

    Raises:
        UsageError: ``--engine local`` beside ``--ray-address``.
        VerError: the build as a whole cannot go on.
    """
    if args.dry_run:
        from ver_pipeline.cli.plan import run as plan

        return plan(args)
    from ver_pipeline.build import BuildOptions, build
    from ver_pipeline.engine.engine import Placement
    from ver_pipeline.progress import Progress
    from ver_pipeline.schemas.errors import UsageError

    if args.engine == "local" and args.ray_address:
        raise UsageError("--engine local and --ray-address contradict each other", "give one of them")
    limits = (args.limit, args.cpus, args.ray_address, Placement(args.engine))
    summary = build(BuildOptions(args.source, args.out, read_config(args), *limits), Progress())
    show(summary)
    return STRICT_EXIT if args.strict and summary.rejects else 0


def show(summary: Summary) -> None:
    """The table at the end of a build."""
    from collections import Counter

    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False)
    head = Table(box=None, show_header=False)
    bad = summary.n_sources - summary.n_good_sources
    head.add_row("sources", f"{summary.n_sources} ({bad} gave no sample)")
    head.add_row("samples", f"{summary.n_samples} clips, {summary.sample_s / 3600:.3f} h")
    head.add_row("time", f"{summary.wall_s:.1f} s")
    console.print(head)
    if summary.rejects:
        reasons = Counter((row["stage"], row["reason"]) for row in summary.rejects)
        table = Table(title="rejected", title_justify="left", box=None)
        table.add_column("stage")
        table.add_column("reason")
        table.add_column("n", justify="right")
        for (stage, reason), count in sorted(reasons.items()):
            table.add_row(stage, reason, str(count))
        console.print(table)
    table = Table(title="stages", title_justify="left", box=None)
    for name in ("stage", "in", "out", "cached", "rejected", "busy s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for name, stats in summary.stats_by_stage.items():
        counts = (stats.done, stats.rows_out, stats.cached, stats.rejected)
        table.add_row(name, *map(str, counts), f"{stats.busy_s:.1f}")
    console.print(table)
    sys.stdout.write(f"\nThe data set is in {summary.out}\n")
    sys.stdout.write(f"  look at it   {summary.out}/report.html\n")
    sys.stdout.write(f'  ask it       ver query {summary.out} "SELECT key, language, label, transcript FROM samples"\n')
    sys.stdout.write(f"  what is out  ver query {summary.out} @rejects-by-reason\n")
