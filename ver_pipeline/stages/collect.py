"""collect: put a finished record where the publisher finds it, and let go of everything else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json, digest
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.layout import estimate_size
from ver_pipeline.stages.base import Outcome, Resources, Row


class CollectStage:
    """Writes each record once, in its canonical form; the row that goes on holds only names and sizes."""

    name = "collect"
    version = "1"
    unit = "clip"
    reads = ("key", "record", "media_path", "poster_path")
    writes = ("split", "record_path", "size_bytes", "duration_s", "embedded")
    batch_size = 1
    resources = Resources(cpus=0.1)

    def __init__(self, records_dir: Path) -> None:
        self.records_dir = Path(records_dir)

    def fingerprint(self) -> Mapping[str, Any]:
        """Nothing: what is written follows from the columns read."""
        return {}

    def open(self) -> None:
        """Make the folder for records."""
        self.records_dir.mkdir(parents=True, exist_ok=True)

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write each record, under its key and a hash of itself; ``size_bytes`` is what its sample takes in a tar."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        record = row["record"]
        data = canonical_json(record)
        name = f"{row['key']}-{digest(record)[:16]}.json"
        path = self.records_dir / name[:2] / name
        write_atomically(path, data)
        embedded = record["media"]["policy"] == "embed"
        media_bytes = record["media"]["size_bytes"] if embedded else 0
        poster = row["poster_path"] if embedded else None
        size_bytes = estimate_size(len(data), media_bytes, os.path.getsize(poster) if poster else 0)
        return {
            "split": record["split"],
            "record_path": str(path),
            "size_bytes": size_bytes,
            "duration_s": record["clip"]["duration_s"],
            "embedded": embedded,
        }
