"""EMER's CSV layouts: one file a language (``names, emotions, subtitles, reasons``), and the bilingual one
(``name, chinese, english``)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.labels import display

LAYOUT_1 = ("names", "emotions", "subtitles", "reasons")
LAYOUT_2 = ("name", "chinese", "english")


def write_emer(records: Iterable[dict[str, Any]], folder: Path) -> int:
    """Write all three files; the number of rows in each."""
    n_rows = 0
    with ExitStack() as stack:
        english, chinese, paired = (
            csv.writer(
                stack.enter_context((folder / name).open("w", encoding="utf-8", newline="")), lineterminator="\n"
            )
            for name in ("emer-en.csv", "emer-zh.csv", "emer-bilingual.csv")
        )
        english.writerow(LAYOUT_1)
        chinese.writerow(LAYOUT_1)
        paired.writerow(LAYOUT_2)
        for record in records:
            key, label, text = record["key"], record["emotion"]["primary"], record["description"]
            english.writerow((key, display(label, "en"), subtitle(record["speech"], "en"), text["en"]))
            chinese.writerow((key, display(label, "zh"), subtitle(record["speech"], "zh"), text["zh"]))
            paired.writerow((key, text["zh"], text["en"]))
            n_rows += 1
    return n_rows


def subtitle(speech: dict[str, Any], language: str) -> str:
    """What is said, in a language: as heard, or its translation; empty where there is none."""
    if speech["language"] == language:
        return str(speech["text"])
    return str(speech[f"text_{language}"] or "")
