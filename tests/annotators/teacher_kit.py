"""Requests with unique durations, and the good answers a teacher would give to them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from factory import make_dict

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.cues.annotator import annotate_one
from ver_pipeline.annotators.options import TeacherOptions
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.labels import labels

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


def teacher(**options: Any) -> Teacher:
    return Teacher("test", "m", "0" * 64, TeacherOptions(**options))


def answering(
    change: Callable[[dict[str, Any]], dict[str, Any]], asked: list[Chat] | None = None, i: int = 0
) -> Callable[[Chat], Completion]:
    """A model that gives the good answer after ``change``, cut down to the fields asked for."""
    request = make_request(i)

    def complete(chat: Chat) -> Completion:
        if asked is not None:
            asked.append(chat)
        whole = change(good_answer(request))
        fields = {name: whole[name] for name in chat.schema["required"]}
        return Completion(json.dumps(fields, ensure_ascii=False))

    return complete


def result_of(change: Callable[[dict[str, Any]], dict[str, Any]], **options: Any) -> Result:
    return lead(talk(make_request(0), teacher(**options)), answering(change))


def step_answers(good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the prompts of the families answer where the whole answer would be ``good``, by prompt."""
    classes = labels()[good["primary"]].classes
    cited = sorted({eid for label in good["labels"] for eid in label["eids"]})
    ranked = [
        {"eids": x["eids"], "against": [], "label": x["canon"], "p": x["p"]} for x in good["labels"] if x["canon"]
    ]
    closed = {
        f"label_{name}": {"eids": cited, "label": classes.get(name, "none"), "confidence": 0.8}
        for name in ("mer6", "dfew7", "mafw11")
    }
    return {
        "merge": {
            "subject": good["subject"],
            "conflicts": [],
            "hypotheses": ranked,
            "alternative": {"label": None, "text": ""},
            "mixed": good["mixed"],
            "transitions": good["transitions"],
        },
        "label_open": {"labels": good["labels"]},
        **closed,
        "label_dim": {"eids": cited, "dominance": 0.1, **{x: good[x] for x in ("valence", "arousal", "intensity")}},
    }
