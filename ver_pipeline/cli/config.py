"""``ver config show``: every setting with its value, as a file to start from."""

from __future__ import annotations

import argparse
import sys


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the configuration as YAML")
    show.add_argument("--config", help="YAML file (default: ver.yaml in this folder, if any)")
    show.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value")


def run(args: argparse.Namespace) -> int:
    from ver_pipeline.config import load_config, show_config

    sys.stdout.write(show_config(load_config(args.config, args.set)))
    return 0
