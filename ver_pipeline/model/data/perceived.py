"""What of a record can be perceived by a model that is shown a video, one frame of it, or nothing.

A model is asked only for what it is given: frames are seen, words are read where the transcript is quoted, and of the
sound it knows what was measured and is told.  Nothing that it is trained on claims more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEEN = frozenset({"face", "body", "scene"})
_OVER_TIME = re.compile(
    r"\d+(?:\.\d+)?\s*(?:s\b|sec)|second|moment|briefly|then|later|until|throughout|all that time|from first to last|"
    r"at times|mostly|each of the frames|shots?\b|\bcuts?\b|continuous take|movement|moves|秒|镜头|一度|随后|之后|始终|"
    r"整段|每一帧|自始至终|大部分时间|有时|短暂|一镜到底|动静|变动|动作很多|静止",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What an item gives a model: ``media`` is ``video``, ``image`` (the frame at ``frame_s``) or ``none``.

    ``told``: the transcript, and what was measured of the sound, stand before the question as text.
    """

    media: str = "video"
    told: bool = False
    frame_s: float | None = None

    def shows(self, observation: Mapping[str, Any]) -> bool:
        """The observation can be made from what is given."""
        modality = observation["modality"]
        if modality == "lexical":
            return self.told
        if modality == "acoustic":
            return self.told and observation["source"] == "detector"
        if modality == "context" or self.media == "none":
            return False
        return self.media == "video" or self._in_the_frame(observation)

    def _in_the_frame(self, observation: Mapping[str, Any]) -> bool:
        """It holds at the moment of the frame, and says nothing of time that one frame cannot show."""
        if any(_OVER_TIME.search(observation[f"text_{language}"]) for language in ("en", "zh")):
            return False
        start_s, end_s = observation["start_s"], observation["end_s"]
        if self.frame_s is None or start_s is None or end_s is None:
            return True
        return bool(start_s <= self.frame_s <= end_s)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """The record's description claims nothing but what is given.

        It is held to be about the observations that it cites; one that cites none, about all of them.
        """
        cited = set(record["description"]["cited_eids"])
        about = [seen for seen in record["observations"] if not cited or seen["eid"] in cited]
        return self.media == "video" and all(map(self.shows, about))


def sound_facts(record: Mapping[str, Any], language: str) -> list[str]:
    """What was measured of the sound, sentence by sentence; what a model heard by itself is no fact."""
    return [
        seen[f"text_{language}"].strip()
        for seen in record["observations"]
        if seen["modality"] == "acoustic" and seen["source"] == "detector"
    ]
