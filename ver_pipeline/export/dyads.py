"""One row a listener: who is seen while somebody else speaks, what is said to them, what they seem to feel meanwhile.

The task of predicting a listener's emotion from a dyad (MER-Cross of MER2026) needs such rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "name", "listener", "listener_tracks", "start_s", "end_s", "listener_emotion", "listener_valence", "confidence",
    "sources", "speakers", "speaker_onscreen", "said",
)  # fmt: skip


def write_dyads(records: Iterable[Mapping[str, Any]], folder: Path) -> int:
    """Write ``listeners.csv``; the number of clips that have a listener."""
    n_clips = 0
    with (folder / "listeners.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for record in records:
            rows = list(listener_rows(record))
            table.writerows([row[name] for name in COLUMNS] for row in rows)
            n_clips += bool(rows)
    return n_clips


def listener_rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each listener of a clip and each stretch in which their own cues were judged."""
    people = record.get("people") or ()
    speakers = [person for person in people if person["speaking_s"] > 0]
    for listener in people:
        if listener["role"] != "listener":
            continue
        others = [person for person in speakers if person is not listener]
        for felt in listener["emotions"]:
            yield {
                "name": record["key"],
                "listener": listener["person_id"],
                "listener_tracks": " ".join(listener["track_ids"]),
                "start_s": felt["start_s"],
                "end_s": felt["end_s"],
                "listener_emotion": felt["label"],
                "listener_valence": felt["valence"],
                "confidence": felt["confidence"],
                "sources": " ".join(felt["sources"]),
                "speakers": " ".join(person["person_id"] for person in others),
                "speaker_onscreen": any(person["track_ids"] for person in others),
                "said": _said(record["speech"], others),
            }


def _said(speech: Mapping[str, Any], speakers: Sequence[Mapping[str, Any]]) -> str:
    """What the others say: their turns, or all that is said where nobody told voices apart."""
    turns = speech.get("turns")
    if turns is None:
        return str(speech["text"])
    theirs = sorted({number for person in speakers for number in person["turns"]})
    return " ".join(turns[number]["text"] for number in theirs if turns[number]["text"])
