"""A model is trained on no claim of a sense that its item does not serve."""

from __future__ import annotations

from typing import Any

import pytest
from factory import make_dict

from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.cues.annotator import annotate_one
from ver_pipeline.model.data.conversations import NoTaskError, converse, load_tasks
from ver_pipeline.model.data.perceived import Given
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.text import claims, unquoted

GIVEN = [Given("video", True), Given("video", False), Given("image", True, 2.0), Given("image", False, 2.0),
         Given("none", True), Given("none", False)]  # fmt: skip


def record_of_cues(i: int) -> dict[str, Any]:
    """A record as the default annotator writes it."""
    data = make_dict(i)
    annotation = annotate_one(Request(data["key"], None, data["clip"], data["speech"], data["measured"]))
    return {**data, **{name: annotation[name] for name in ("observations", "emotion", "description", "provenance")}}


def answers(record: dict[str, Any], given: Given, task: str) -> list[tuple[str, str]]:
    """(question, answer) in both languages; none where the task is not offered."""
    pairs = []
    for language in ("en", "zh"):
        try:
            question, answer = converse(record, [task], [language], (0,), given=given)
        except NoTaskError:
            continue
        pairs.append((question.text, answer.text))
    return pairs


@pytest.mark.parametrize("given", GIVEN, ids=str)
@pytest.mark.parametrize("make", [make_dict, record_of_cues])
def test_no_answer_claims_what_its_item_does_not_give(given: Given, make: Any) -> None:
    for i in range(40):
        record = make(i)
        heard = {o[f"text_{language}"] for o in record["observations"] if o["modality"] == "acoustic"
                 for language in ("en", "zh")}  # fmt: skip
        said = {o[f"text_{language}"] for o in record["observations"] if o["modality"] == "lexical"
                for language in ("en", "zh")}  # fmt: skip
        seen = {o[f"text_{language}"] for o in record["observations"] if o["modality"] in ("face", "body", "scene")
                for language in ("en", "zh")}  # fmt: skip
        for task in load_tasks():
            for question, answer in answers(record, given, task):
                if not given.told:
                    assert not any(text in answer for text in heard | said)
                    assert not claims(unquoted(answer), lexicon.MANNER)
                assert all(text.rstrip(".。") in question for text in heard if text in answer)
                if given.media == "none":
                    assert not any(text in answer for text in seen)


def test_one_frame_shows_nothing_of_time_and_nothing_that_comes_at_another_moment() -> None:
    base = {"modality": "face", "source": "vlm", "text_en": "The brows are raised.", "text_zh": "眉毛上扬。"}
    frame = Given("image", False, 2.0)
    assert frame.shows({**base, "start_s": 1.0, "end_s": 3.0}) and frame.shows({**base, "start_s": None, "end_s": None})
    assert not frame.shows({**base, "start_s": 3.0, "end_s": 4.0})
    later = {**base, "text_en": "Then the brows go up.", "text_zh": "随后眉毛上扬。"}
    assert not frame.shows({**later, "start_s": 1.0, "end_s": 3.0})
    assert Given("video").shows({**later, "start_s": 1.0, "end_s": 3.0})


def test_a_sound_that_only_a_model_heard_is_neither_told_nor_asked() -> None:
    record = next(r for r in map(make_dict, range(20)) if any(o["modality"] == "acoustic" for o in r["observations"]))
    record["observations"] = [{**o, "source": "vlm" if o["modality"] == "acoustic" else o["source"]}
                              for o in record["observations"]]  # fmt: skip
    cited = {o["eid"] for o in record["observations"]}
    record["description"]["cited_eids"] = sorted(cited)
    assert answers(record, Given("video", True), "describe") == []
    heard = [o["text_en"] for o in record["observations"] if o["modality"] == "acoustic"]
    (question, answer), _ = answers(record, Given("video", True), "observe")
    assert not any(text in question + answer for text in heard)


def test_every_clip_of_the_default_annotator_still_has_something_to_learn() -> None:
    for i in range(40):
        record = record_of_cues(i)
        for task in ("observe", "describe", "label"):
            assert len(answers(record, Given("video", True), task)) == 2, (i, task)
