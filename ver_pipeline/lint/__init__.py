"""Proof that a published data set is whole: every byte accounted for, every copy of a fact the same."""

from __future__ import annotations

from ver_pipeline.lint.defect import Defect
from ver_pipeline.lint.run import LintReport, lint_dataset

__all__ = ["Defect", "LintReport", "lint_dataset"]
