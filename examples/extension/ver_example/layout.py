"""A layout: records in, files in the folder out, the number of samples returned."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_jsonl(records: Iterable[dict[str, Any]], folder: Path) -> int:
    """One line a sample: key, label and both descriptions."""
    count = 0
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as file:
        for count, record in enumerate(records, start=1):  # noqa: B007
            row = {"key": record["key"], "label": record["emotion"]["primary"], **_texts(record)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _texts(record: dict[str, Any]) -> dict[str, str]:
    return {language: record["description"][language] for language in ("en", "zh")}
