"""How far a recogniser is from what is said.

Its exact words depend on how a processor rounds; that most of them are right does not.
"""

from __future__ import annotations

import re

SCENES_SAY = (
    "Hi, I'm Jon Peirce. I'm a lecturer at the University of Nottingham, and I'm the creator of PsychoPy.",
    "你为什么哭了？请不要难过。",
    "Hi, I'm Jon Peirce. I'm a lecturer in psychology at the University of Nottingham, and I'm the principal author of "
    "PsychoPy.",
    "大家好，我今天非常高兴见到你们。",
)
"""What is said in the four scenes of the composed video."""

MOST = {"en": 0.5, "zh": 0.25}
"""Error rates of the bundled base model that still mean "most of it": it misspells every name of the English scenes."""


def error_rate(said: str, heard: str) -> float:
    """Word error rate; Chinese characters count as words.  Punctuation and case do not count."""
    wanted, found = _units(said), _units(heard)
    row = list(range(len(found) + 1))
    for i, unit in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (unit != other))
    return row[-1] / len(wanted)


def _units(text: str) -> list[str]:
    return re.findall(r"[\u4e00-\u9fff]|[a-z0-9']+", text.lower())
