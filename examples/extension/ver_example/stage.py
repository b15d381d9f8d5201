"""A stage: columns in, columns or a reject out.  This one drops clips in which nothing can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row

DARK = 0.02


class DarkClips:
    """Passes ``measured`` on unchanged, or rejects the clip."""

    name = "dark-clips"
    after = "evidence"
    version = "1"
    unit = "clip"
    reads = ("key", "measured")
    writes = ("measured",)
    batch_size = 1
    resources = Resources(cpus=0.1)

    def __init__(self, config: BuildConfig, work: Path) -> None:
        pass

    def fingerprint(self) -> Mapping[str, Any]:
        return {"dark": DARK}

    def open(self) -> None:
        pass

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        brightness = row["measured"]["picture"]["brightness"]
        if brightness >= DARK:
            return {"measured": row["measured"]}
        return Reject(
            Reason.RULE_FAILED, self.name, f"brightness {brightness:.3f}: nothing can be seen", key=row["key"]
        )
