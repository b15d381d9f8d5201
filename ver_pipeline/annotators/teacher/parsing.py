"""From a model's raw text to a dict that fits the schema, or to the exact reason why not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ver_pipeline.annotators.teacher.chat import Completion
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.rules import lexicon

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"^```[a-zA-Z]*\n(.*?)\n?```$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an answer.  ``fields`` are the top-level fields concerned, if known."""

    reason: Reason
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A dict that fits the schema.  ``repaired`` where wrapping had to be taken off first."""

    value: dict[str, Any]
    repaired: bool


def parse(completion: Completion, schema: Mapping[str, Any]) -> Parsed | Problem:
    """Read one completion.  Never guesses at missing content: a cut answer is a problem, not a repair."""
    if completion.reason is not None:
        return Problem(completion.reason, completion.message)
    if completion.refusal:
        return Problem(Reason.REFUSAL, "the model refused to answer")
    raw = (completion.text or "").strip()
    if completion.finish == "length":
        return Problem(Reason.TRUNCATED_ANSWER, "the answer reached the token limit; write shorter texts")
    if not raw:
        return Problem(Reason.NOT_JSON, "the answer is empty")
    text = _unwrap(raw)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return _not_json(text)
    problem = check_schema(value, schema)
    return problem if problem is not None else Parsed(value, text != raw)


def check_schema(value: Any, schema: Mapping[str, Any]) -> Problem | None:
    """The first place where a value leaves the schema, or None."""
    errors = sorted(
        _validator(canonical_json(schema)).iter_errors(value), key=lambda e: list(map(str, e.absolute_path))
    )
    if not errors:
        return None
    error = errors[0]
    place = "/" + "/".join(map(str, error.absolute_path))
    field = (str(error.absolute_path[0]),) if error.absolute_path else ()
    expected = {"required": "a required field is missing", "additionalProperties": "an unknown field"}
    detail = expected.get(str(error.validator), f"must satisfy {error.validator} {str(error.validator_value)[:80]}")
    return Problem(Reason.SCHEMA, f"{place}: {detail}", field)


def _unwrap(text: str) -> str:
    """Without a reasoning block and without a Markdown fence."""
    text = _THOUGHT.sub("", text).strip()
    match = _FENCE.match(text)
    return match.group(1).strip() if match else text


def _not_json(text: str) -> Problem:
    if "{" not in text and lexicon.REFUSAL.search(text):
        return Problem(Reason.REFUSAL, "the model refused to answer")
    if text.startswith("{") and not text.endswith("}"):
        return Problem(Reason.TRUNCATED_ANSWER, "the JSON ends before it is complete")
    return Problem(Reason.NOT_JSON, "the answer is not one JSON object")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


@cache
def _validator(schema: bytes) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))
