"""``ver models list|fetch|verify``: the models a build uses, where they are and whether they are whole."""

from __future__ import annotations

import argparse
import sys
import time

from ver_pipeline.assets import store
from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="show every model: here or not, size, licence, what it is for")
    for action, summary in (
        ("fetch", "put models into the store (default: all that a build uses)"),
        ("verify", "read every byte in the store and compare it with the pinned sha256"),
    ):
        sub = actions.add_parser(action, help=summary, description=summary)
        sub.add_argument("names", nargs="*", metavar="NAME", help="model names; for fetch also hub:OWNER/NAME@REVISION")


def run(args: argparse.Namespace) -> int:
    """Do the action; 0 when every named model is here and whole."""
    actions = {"list": lambda _: _list(), "fetch": _fetch, "verify": _verify}
    return actions[args.action](getattr(args, "names", []))


def _list() -> int:
    sys.stdout.write(f"store: {store.home()}\n")
    for asset in store.assets().values():
        state = "here" if store.is_complete(asset) else f"not here, {asset.download_bytes / 1e6:.0f} MB to fetch"
        sys.stdout.write(f"{asset.name:22} {asset.size_bytes / 1e6:7.1f} MB  {asset.needed_for:10}  {state}\n")
        sys.stdout.write(f"{'':22} {asset.title}; {asset.licence}; {asset.fingerprint[:16]}\n")
    return 0


def _fetch(names: list[str]) -> int:
    for name in names or [a.name for a in store.assets().values() if a.kind == "model"]:
        began_s = time.monotonic()
        path = store.resolve(name)
        sys.stdout.write(f"{name}: {path} ({time.monotonic() - began_s:.1f} s)\n")
    return 0


def _verify(names: list[str]) -> int:
    known = store.assets()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"no model is called {unknown[0]}", "see 'ver models list'")
    failed = False
    for name in names or [a.name for a in known.values() if a.folder.exists()]:
        problems = store.verify(name)
        failed = failed or bool(problems)
        for line in problems or [f"{name}: whole"]:
            sys.stdout.write(f"{line}\n")
    return int(failed)
