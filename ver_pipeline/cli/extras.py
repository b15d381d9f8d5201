"""Which commands need an extra, and what they say where it is not installed."""

from __future__ import annotations

import argparse

from ver_pipeline.schemas import extras
from ver_pipeline.schemas.errors import MissingDependencyError

COMMANDS = {
    "build": "build", "plan": "build", "annotate": "build", "drop": "build", "merge": "build", "footage": "build",
    "train": "train", "infer": "train", "checkpoint": "train",
}  # fmt: skip
"""Commands to the extra that they do nothing without."""

READING = {"drop": ("dry_run",), "annotate": ("human_scores", "write_answers")}
"""Options with which such a command only reads, for which the base is enough."""


def require(command: str, options: argparse.Namespace) -> None:
    """Refuse a command whose extra is not installed.

    Raises:
        MissingDependencyError: with what is missing and how to install it.
    """
    extra = COMMANDS.get(command)
    if extra is None or any(getattr(options, name) for name in READING.get(command, ())):
        return
    absent = extras.absent(extra)
    if absent:
        raise extras.not_installed(absent[0], extra)


def missing(error: ModuleNotFoundError, command: str) -> MissingDependencyError | None:
    """The failed import of a command as an error for the user; None where no extra brings the module."""
    return extras.missing(error, "teacher" if COMMANDS.get(command) == "build" else "train")
