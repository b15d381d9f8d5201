"""Proof that a published data set is whole: every byte accounted for, every copy of a fact the same."""

from __future__ import annotations

from .defect import Defect
from .run import LintReport, lint_dataset

__all__ = ["Defect", "LintReport", "lint_dataset"]
