"""Answers that cost money, kept as they arrive: one file a question, named by the question's hash."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json


class AnswerStore:
    """A folder of answers.  A file is whole or absent, whatever kills the process.

    Args:
        folder: created when the first answer arrives; None keeps nothing.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def get(self, question: str) -> dict[str, Any] | None:
        """The stored answer to the question with this sha256, or None."""
        if self.folder is None:
            return None
        try:
            value = json.loads(_path(self.folder, question).read_bytes())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def put(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer: written aside, synced, renamed."""
        if self.folder is None:
            return
        path = _path(self.folder, question)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        with aside.open("wb") as file:
            file.write(canonical_json(dict(answer)))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)


def _path(folder: Path, question: str) -> Path:
    return folder / question[:2] / f"{question}.json"
