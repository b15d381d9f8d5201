"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ver_pipeline.schemas.config import BuildConfig


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``build`` and ``plan`` have in common."""
    parser.add_argument(
        "--source",
        required=True,
        help="folder, file, glob, list of videos (CSV, JSONL, Parquet), or s3:// and the like",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder of the data set")
    add_config_arguments(parser)
    parser.add_argument("--annotator", help="who annotates (short for --set annotate.annotator=NAME)")
    parser.add_argument("--limit", type=_positive, help="only the first N sources")
    parser.add_argument("--cpus", type=_positive, help="logical CPUs to use (default: all)")
    parser.add_argument(
        "--engine",
        choices=("auto", "local", "ray"),
        default="auto",
        help="where stages run: in this process, on Ray, or (auto) on Ray unless there is little to do",
    )
    parser.add_argument("--ray-address", help="join this Ray cluster ('auto', or HOST:PORT)")


WHERE = "SQL condition over `samples`, such as \"label = 'anger'\", or a whole SELECT that yields key"


def add_where(parser: argparse.ArgumentParser, chooses: str, default: str | None = None) -> None:
    """``--where``, the same for every command: one condition, run in the sandbox (``catalog/where.py``).

    Args:
        chooses: what the condition chooses, for the help.
        default: the condition where none is given; None makes the option required.
    """
    parser.add_argument("--where", metavar="SQL", default=default, required=default is None, help=f"{chooses}: {WHERE}")


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Where settings come from."""
    from ver_pipeline.config_file import DEFAULT_PROFILE, profiles

    parser.add_argument(
        "--profile", choices=profiles(), default=DEFAULT_PROFILE, help="settings for a kind of machine (default: cpu)"
    )
    parser.add_argument("--config", help="YAML file (default: ver.yaml in this folder, if any)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value")


def read_config(args: argparse.Namespace) -> BuildConfig:
    """The configuration that the arguments name."""
    from ver_pipeline.config_file import load_config

    overrides = list(args.set)
    if args.annotator:
        overrides.append(f"annotate.annotator={args.annotator}")
    return load_config(args.config, overrides, args.profile)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
