"""From a model's raw text to a dict that fits the schema, or to the exact reason why not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ver_pipeline.annotators.teacher.chat import Completion
from ver_pipeline.annotators.teacher.objects import REASONING_ONLY, Unread, object_of_reasoning, read_object
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.rules import lexicon

CUT = "the answer reached the token limit; write shorter texts"
CUT_THINKING = "the answer reached the token limit while it was still reasoning"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an answer.

    ``fields`` are the top-level fields concerned, if known.  ``said`` is the beginning of an answer that could not be
    read, None where it could.
    """

    reason: Reason
    message: str
    fields: tuple[str, ...] = ()
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A dict that fits the schema.  ``repaired`` where wrapping had to be taken off first, ``reasoned`` where that was
    reasoning."""

    value: dict[str, Any]
    repaired: bool
    reasoned: bool = False


def parse(completion: Completion, schema: Mapping[str, Any]) -> Parsed | Problem:
    """Read one completion.  Never guesses at missing content: a cut answer is a problem, not a repair."""
    if completion.reason is not None:
        return Problem(completion.reason, completion.message)
    text, said = completion.text or "", completion.said
    if completion.refusal:
        return Problem(Reason.REFUSAL, "the model refused to answer", said=said)
    judged: list[tuple[Any, Problem | None]] = []

    def fits(value: Any) -> bool:
        judged.append((value, check_schema(value, schema)))
        return judged[-1][1] is None

    silent = completion.reasoned and not text.strip()  # some servers take the whole answer for reasoning
    answer = object_of_reasoning(completion.reasoning, fits) if silent else read_object(text, fits)
    if completion.finish == "length":
        thinking = isinstance(answer, Unread) and answer.why == REASONING_ONLY
        return Problem(Reason.TRUNCATED_ANSWER, CUT_THINKING if thinking else CUT, said=said)
    if isinstance(answer, Unread):
        refuses = "{" not in text and lexicon.REFUSAL.search(text)
        verdict = (Reason.REFUSAL, "the model refused to answer") if refuses else (answer.reason, answer.why)
        return Problem(*verdict, said=said)
    known = [problem for value, problem in judged if value is answer.value]
    problem = known[0] if known else check_schema(answer.value, schema)
    if problem is None:
        return Parsed(answer.value, answer.repaired or completion.reasoned, answer.reasoned or completion.reasoned)
    return Problem(problem.reason, problem.message, problem.fields, said=said)


def check_schema(value: Any, schema: Mapping[str, Any]) -> Problem | None:
    """The first place where a value leaves the schema, or None."""
    validator = _validator(canonical_json(schema))
    if validator.is_valid(value):
        return None
    errors = sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
    error = errors[0]
    place = "/" + "/".join(map(str, error.absolute_path))
    field = (str(error.absolute_path[0]),) if error.absolute_path else ()
    expected = {"required": "a required field is missing", "additionalProperties": "an unknown field"}
    detail = expected.get(str(error.validator), f"must satisfy {error.validator} {str(error.validator_value)[:80]}")
    return Problem(Reason.SCHEMA, f"{place}: {detail}", field)


@cache
def _validator(schema: bytes) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))
