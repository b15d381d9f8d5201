"""What a stage's child process and its parent say to each other: JSON both ways.

The child opens foreign media, and a decoder may be turned against us: the parent unpickles nothing that it says.
"""

from __future__ import annotations

import json
from typing import Any

from ver_pipeline.schemas import errors
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Row

READY = "ready"


class WireError(Exception):
    """The child said what no child of ours says."""


def row_bytes(row: Row) -> bytes:
    """A row on its way to the child."""
    return json.dumps(row).encode()


def outcome_bytes(outcome: Outcome | VerError | str) -> bytes:
    """What the child answers: rows, a reject, an error that stops the build, or that it is ready."""
    if isinstance(outcome, Reject):
        return json.dumps({"reject": outcome.to_row()}).encode()
    if isinstance(outcome, VerError):
        return json.dumps({"error": [type(outcome).__name__, outcome.what, outcome.cure]}).encode()
    return json.dumps({"outcome": outcome}).encode()


def read_outcome(data: bytes) -> Outcome | VerError | str:
    """The inverse of :func:`outcome_bytes`.

    Raises:
        WireError: it is nothing that a child of ours says.
    """
    try:
        ((kind, value),) = json.loads(data).items()
        if kind == "reject":
            del value["retryable"]  # follows from the reason
            return Reject(**{**value, "reason": Reason(value["reason"])})
        if kind == "error":
            return _error(*value)
        if value == READY or isinstance(value, dict) or (isinstance(value, list) and all(map(_is_row, value))):
            return value
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WireError(f"unreadable answer: {error}") from error
    raise WireError(f"unknown answer: {data[:80]!r}")


def _is_row(value: Any) -> bool:
    return isinstance(value, dict)


def _error(name: str, what: str, cure: str) -> VerError:
    kind = getattr(errors, name, VerError)
    return kind(what, cure) if isinstance(kind, type) and issubclass(kind, VerError) else VerError(what, cure)
