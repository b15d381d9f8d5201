"""The derived files of a data set, made from its staged manifest, index and catalog, in order."""

from __future__ import annotations

from pathlib import Path


def expectations(out_dir: Path) -> None:
    """``expectations.json``: what Great Expectations says of the set."""
    from ver_pipeline.expectations import write_expectations

    write_expectations(out_dir)


def card(out_dir: Path) -> None:
    """``README.md``: the data set card."""
    from ver_pipeline.card import write_card

    write_card(out_dir)


def report(out_dir: Path) -> None:
    """``report.html``: the page that people look at."""
    from ver_pipeline.report.page import write_report

    write_report(out_dir)


PAGES = (expectations, card, report)
