"""``ver config show``: every setting with its value, as a file to start from."""

from __future__ import annotations

import argparse
import sys

from ver_pipeline.cli.arguments import add_config_arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of ``ver config`` and what each takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the configuration as YAML")
    add_config_arguments(show)


def run(args: argparse.Namespace) -> int:
    """Print the configuration that the arguments come to.

    Raises:
        ConfigError: a file or a ``--set`` is not understood.
    """
    from ver_pipeline.config_file import load_config, show_config

    sys.stdout.write(show_config(load_config(args.config, args.set, args.profile)))
    return 0
