"""The one contract of a stage: named columns in, named columns or a reject out.

A stage is a plain object.  A test calls ``open()`` and ``run(rows)`` without any engine; the engine
calls the same two.  Stages know nothing of Ray, caches, retries or processes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ver_pipeline.schemas.reasons import Reject

Row = dict[str, Any]
"""Column name to JSON-serialisable value.  Media travels as a path, never as bytes."""

Outcome = Row | list[Row] | Reject
"""A row of the declared ``writes``; several where one source becomes many clips; or a typed reject.  Of several rows
one may hold ``reject`` (:meth:`Reject.to_row`) instead: a clip that came to nothing beside others that did not."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker of a stage needs.

    ``cpus`` may be a fraction; ``time_limit_s`` bounds one row and applies to stages that run in a
    killable child (``isolated``), which every stage that opens foreign media does.
    """

    cpus: float = 0.5
    gpus: float = 0.0
    isolated: bool = False
    time_limit_s: float = 3600.0


FILE = "file"
"""The column that holds :func:`file_state` of the file under ``path`` as ingest read it.  A stage that reads both is
not believed about a file that was another by the time it had read it."""


def file_state(path: str | Path) -> list[int] | None:
    """What tells a file from another under its name: size in bytes, time of change in ns; None where there is none."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return [info.st_size, info.st_mtime_ns]


CHUNK = "span"
"""The column that a chunk of a row carries beside the row's own: which chunk it is."""


@runtime_checkable
class Chunked(Protocol):
    """A stage whose large rows come apart: many workers may share one, and a killed build loses a chunk of it.

    ``run`` takes whole rows and chunks alike; on a whole row it does what the engine does: its chunks, joined.
    """

    def chunks(self, row: Row) -> list[Row]:
        """The row's chunks, in order: the row with a ``CHUNK``; none where it does not come apart."""
        ...

    def join(self, outcomes: Sequence[Row]) -> Row:
        """The row's outcome, from those of all its chunks in order."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A stage that spends tokens and money."""

    def take_spent(self) -> dict[str, float]:
        """What was spent since the last call, by the names of ``engine.runner.StageStats``."""
        ...


@runtime_checkable
class Stage(Protocol):
    """One step of the build."""

    @property
    def name(self) -> str:
        """Stable, lower case; part of cache paths and of reject rows."""
        ...

    @property
    def version(self) -> str:
        """Another one when the stage's output changes for the same input."""
        ...

    @property
    def unit(self) -> str:
        """``source``, ``chunk`` or ``clip``: what one row stands for on entry."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns, or fields of one (``source.id``), that ``run`` may look at; it is given no others."""
        ...

    @property
    def writes(self) -> tuple[str, ...]:
        """The columns that a successful outcome holds."""
        ...

    @property
    def batch_size(self) -> int:
        """How many rows ``run`` wants at once (1 for most)."""
        ...

    @property
    def resources(self) -> Resources:
        """What one worker needs."""
        ...

    def fingerprint(self) -> Mapping[str, Any]:
        """All that shapes the output besides the columns read: config values, model hashes, tool
        versions.  Cheap: called on the driver, before ``open``."""
        ...

    def open(self) -> None:
        """Load models.  Called once per worker, before the first ``run``."""
        ...

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Process rows; one outcome per row, in order.  Bad data is a Reject, never an exception."""
        ...
