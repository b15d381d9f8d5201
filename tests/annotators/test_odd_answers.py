"""Answers from a grammar of what models write and servers carry: none is lost, none accepted that was not meant.

``VER_FUZZ_ANSWERS`` sets how many are drawn.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from answer_shapes import CARRIED, DRAFT, LOST, READABLE, UNREADABLE, Answer, dumped
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from teacher_kit import good_answer, make_request, teacher

from ver_pipeline.annotators.backends.openai import completion_of
from ver_pipeline.annotators.base import Result
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.parsing import Parsed, parse
from ver_pipeline.schemas.answer import answer_schema
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record_annotation import Annotation

N = int(os.environ.get("VER_FUZZ_ANSWERS", "300"))
REQUESTS = [make_request(i, record) for i, record in enumerate((0, 1, 2, 3, 4))]
GOOD = {request.key: good_answer(request) for request in REQUESTS}
ASKED = teacher(retries=0, repairs=0)


def read(body: str) -> Any:
    return parse(completion_of(body), answer_schema())


@pytest.mark.parametrize("carried", CARRIED)
@pytest.mark.parametrize("written", READABLE)
def test_answer_without_doubt_is_read_however_it_is_written_and_carried(written: str, carried: str) -> None:
    good = GOOD[REQUESTS[0].key]
    parsed = read(CARRIED[carried](READABLE[written](good)))
    assert isinstance(parsed, Parsed), parsed
    assert dumped(parsed.value).replace("\\n", " ") == dumped(good)
    assert parsed.reasoned == ("reasoning" in carried or written.startswith(("reasoning", "opening", "harm", "only")))


@pytest.mark.parametrize("written", UNREADABLE)
def test_answer_in_doubt_is_not_accepted(written: str) -> None:
    assert not isinstance(read(CARRIED["text"](UNREADABLE[written](GOOD[REQUESTS[0].key]))), Parsed)


@pytest.mark.parametrize("lost", LOST)
def test_answer_that_did_not_arrive_is_not_accepted(lost: str) -> None:
    assert not isinstance(read(LOST[lost](READABLE["plain"](GOOD[REQUESTS[0].key]))), Parsed)


NAMES = {
    "nothing": (Reason.NOT_JSON, "the answer is empty"),
    "closing tag only": (Reason.NOT_JSON, "the answer is reasoning only, with nothing after it"),
    "reasoning only": (Reason.NOT_JSON, "the answer is reasoning only, with nothing after it"),
    "half": (Reason.TRUNCATED_ANSWER, "the JSON ends before it is complete"),
    "half in a fence": (Reason.TRUNCATED_ANSWER, "the JSON ends before it is complete"),
    "two that differ": (Reason.NOT_JSON, "the answer holds several different JSON objects"),
    "a correction that breaks off": (Reason.NOT_JSON, "the answer begins a second JSON object"),
    "key twice, two values": (Reason.NOT_JSON, "a key stands twice in the JSON, with different values"),
    "half a character": (Reason.NOT_JSON, "the answer holds half a character or one lost in decoding"),
    "web page": (Reason.NOT_JSON, "the answer is a web page"),
    "refusal": (Reason.REFUSAL, "the model refused to answer"),
    "prose": (Reason.NOT_JSON, "the answer holds no JSON object"),
    "trailing commas": (Reason.NOT_JSON, "the JSON in the answer is broken"),
    "a number": (Reason.NOT_JSON, "the answer is JSON, but no object"),
    "deep": (Reason.NOT_JSON, "the answer nests too deep"),
}


@pytest.mark.parametrize("written", NAMES)
def test_answer_that_stays_unreadable_gets_its_true_name(written: str) -> None:
    problem = read(CARRIED["text"](UNREADABLE[written](GOOD[REQUESTS[0].key])))
    assert (problem.reason, problem.message) == NAMES[written]


def test_server_that_says_no_is_told_in_its_own_words_without_keys() -> None:
    told = {name: completion_of(LOST[name]("{}")) for name in ("error", "error in words", "web page", "null choice")}
    assert {one.reason for one in told.values()} == {Reason.TEACHER_UNAVAILABLE}
    assert [one.message for one in told.values()] == [
        "no answer: CUDA out of memory",
        "no answer: model is loading",
        "no answer: a web page: Login | Please log in",
        "no answer: the server's reply holds no answer",
    ]
    leaked = completion_of('{"error": "no access for sk-abcdef1234567890, Bearer abcdef.ghi-jkl"}')
    assert leaked.message == "no answer: no access for (key), Bearer (key)"
    assert len(completion_of("x" * 100_000).message) < 250


@st.composite
def answers(draw: Any) -> tuple[Any, Answer | None, str, str]:
    """A request, what is meant about it (None where nothing may be accepted), what harms it, and what arrives."""
    request = draw(st.sampled_from(REQUESTS))
    good = GOOD[request.key]
    written = draw(st.sampled_from([*READABLE, *UNREADABLE]))
    carried = draw(st.sampled_from([*CARRIED, *CARRIED, *(f"lost: {name}" for name in LOST)]))
    lost = carried.removeprefix("lost: ") if carried.startswith("lost: ") else None
    text = (READABLE.get(written) or UNREADABLE[written])(good)
    body = CARRIED[carried](text) if lost is None else LOST[lost](text)
    harm = draw(st.sampled_from(["none"] * 6 + ["cut", "noise", "twice"]))
    at = draw(st.integers(0, max(0, len(body) - 1)))
    if harm == "cut":
        body = body[:at]
    elif harm == "noise":
        body = body[:at] + draw(st.text(max_size=8)) + body[at:]
    elif harm == "twice":
        body = body + "\n" + body
    note(f"{written} / {carried} / {harm} at {at}")
    return request, (good if written in READABLE and lost is None else None), harm, body


def means(result: Result, meant: Answer, harm: str) -> bool:
    """The annotation says what was meant: no draft, no half.  Noise may fall into a number, where nobody can see it."""
    emotion = (result.annotation or {})["emotion"]
    if harm == "noise":
        return bool(emotion["confidence"] != DRAFT)
    return emotion["primary"] == meant["primary"] and emotion["confidence"] == round(meant["confidence"], 4)


@given(answers())
@settings(
    max_examples=N, deadline=None, derandomize="VER_FUZZ_ANSWERS" not in os.environ, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_no_answer_raises_loses_its_clip_or_is_accepted_against_its_meaning(
    drawn: tuple[Any, Answer | None, str, str],
) -> None:
    request, meant, harm, body = drawn
    result = lead(talk(request, ASKED), lambda chat: completion_of(body))
    assert result.key == request.key
    if result.annotation is None:
        assert result.reason in set(Reason)
        result.message.encode()
        return
    assert meant is not None
    assert means(result, meant, harm)
    Annotation.model_validate_json(canonical_json(result.annotation))
