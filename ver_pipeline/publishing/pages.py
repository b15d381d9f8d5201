"""The derived files of a data set, made from its staged manifest, index and catalog, in order."""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from pathlib import Path

log = logging.getLogger(__name__)

HEAVY = ("pyarrow", "duckdb")
"""What publishing needs and what takes seconds to import."""


def expectations(out_dir: Path) -> None:
    """``expectations.json``: which expectations the set meets."""
    from ver_pipeline.quality.expectations import write_expectations

    write_expectations(out_dir)


def card(out_dir: Path) -> None:
    """``README.md``: the data set card."""
    from ver_pipeline.publishing.card import write_card

    write_card(out_dir)


def report(out_dir: Path) -> None:
    """``report.html``: the page that people look at."""
    from ver_pipeline.report.page import write_report

    write_report(out_dir)


PAGES = (expectations, card, report)


def warm_up() -> None:
    """Import what publishing needs on a thread of its own, while the stages are at work in other processes."""
    threading.Thread(target=_import_heavy, name="warm-up", daemon=True).start()


def _import_heavy() -> None:
    for name in HEAVY:
        try:
            import_module(name)
        except ImportError as error:
            log.info("%s: %s", name, error)  # said again, with its cure, where it is used
