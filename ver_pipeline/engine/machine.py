"""Errors that are the machine's fault and not the row's: no row after this one would fare better."""

from __future__ import annotations

from ver_pipeline.schemas import extras
from ver_pipeline.schemas.errors import DISK_FULL, DiskFullError, VerError


def machine_fault(error: Exception) -> VerError | None:
    """The error that stops the build: a full disk, or a package of an extra that is not installed; else None."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return DiskFullError.from_os(error)
    if isinstance(error, ModuleNotFoundError):
        return extras.missing(error, "teacher")
    return None
