"""The derived files of a data set: expectation results, the data set card, and the report."""

from __future__ import annotations

from pathlib import Path


def write_pages(out_dir: Path) -> None:
    """Write them into a staged data set, from its manifest, index and catalog alone."""
