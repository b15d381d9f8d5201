"""What a repair may not answer: the value that failed, and nothing where something is owed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.schemas.labels import labels

SHOWN = 60
"""Characters of a banned value that are shown; a longer one is named only."""
SIGNED = {"happiness": (0.0, 1.0), "anger": (-1.0, 0.0), "sadness": (-1.0, 0.0)}
"""Where rule C04 rejects a valence outright."""
OWED = ("valence", "intensity")
"""What every decided label has."""


def without_banned(schema: dict[str, Any], answer: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The schema of a repair in which null is no answer where the label, which stays, owes a number.

    Of valence the bounds are those of the label too.  Keywords that servers do not know are not used.
    """
    primary = answer.get("primary")
    if "primary" in fields or primary in (None, "undetermined") or primary not in labels():
        return schema
    properties = dict(schema["properties"])
    for name in OWED:
        if name in properties:
            number = next(dict(option) for option in properties[name]["anyOf"] if option["type"] != "null")
            if name == "valence" and primary in SIGNED:
                number["minimum"], number["maximum"] = SIGNED[primary]
            properties[name] = number
    return {**schema, "properties": properties}


def told_bans(banned: Mapping[str, Any], attempt: int = 0) -> list[str]:
    """A line for each value that may not be given again; at a later attempt one that says so."""
    lines = [f"repair {attempt} did not mend this"] if attempt else []
    for name, value in banned.items():
        shown = json.dumps(value, ensure_ascii=False)
        lines.append(f"{name}: {shown if len(shown) <= SHOWN else 'the same text'} must not be given again")
    return lines
