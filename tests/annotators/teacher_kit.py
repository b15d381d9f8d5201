"""Requests with unique durations, and the good answers a teacher would give to them."""

from __future__ import annotations

import copy
from typing import Any

from factory import make_dict

from ver_pipeline.stages.annotators.base import Request
from ver_pipeline.stages.annotators.cues import annotate_one

DESCRIBED = ("eid", "modality", "start_s", "end_s", "quote", "text_en", "text_zh", "supports", "confidence")


def make_request(i: int, record: int = 0) -> Request:
    """A clip like the factory's ``record``, with a key and a duration of its own."""
    data = copy.deepcopy(make_dict(record))
    data["clip"]["duration_s"] = round(5.0 + i / 1000, 3)
    key = f"{i:016x}_00000000_00005000"
    return Request(key, None, data["clip"], data["speech"], data["measured"])


def good_answer(request: Request) -> dict[str, Any]:
    """An answer that passes every check: the cues' own annotation in the shape of an answer."""
    annotation = annotate_one(request)
    emotion, description = annotation["emotion"], annotation["description"]
    return {
        "observations": [
            {name: seen[name] for name in DESCRIBED}
            for seen in annotation["observations"]
            if seen["modality"] != "acoustic"
        ],
        "subject": emotion["subject"],
        "labels": [
            {"eids": x["eids"], "canon": x["canon"], "word_en": x["en"], "word_zh": x["zh"], "p": x["p"]}
            for x in emotion["labels_open"]
        ],
        "primary": emotion["primary"],
        "valence": emotion["valence"],
        "arousal": emotion["arousal"],
        "intensity": emotion["intensity"],
        "confidence": emotion["confidence"],
        "mixed": emotion["mixed"],
        "ambiguity": emotion["ambiguity"],
        "transitions": emotion["transitions"],
        "cited_eids": description["cited_eids"],
        "description_en": description["en"],
        "description_zh": description["zh"],
    }
