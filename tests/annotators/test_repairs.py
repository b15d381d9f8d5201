"""A repair may not answer what failed before, and owes what its label owes."""

from __future__ import annotations

import json
from typing import Any

from teacher_kit import good_answer, make_request, teacher

from ver_pipeline.annotators.base import Result
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.repairs import told_bans, without_banned
from ver_pipeline.schemas.answer import fields_schema
from ver_pipeline.schemas.reasons import Reason


def repaired(*answers: dict[str, Any], first: dict[str, Any], **options: Any) -> tuple[Result, list[Chat]]:
    """The result where the first answer is the good one with ``first`` and repairs are answered by ``answers``."""
    request, asked = make_request(0), []
    left = list(answers)

    def complete(chat: Chat) -> Completion:
        asked.append(chat)
        return Completion(json.dumps({**good_answer(request), **first} if len(asked) == 1 else left.pop(0)))

    return lead(talk(request, teacher(retries=0, **options)), complete), asked


def test_valence_against_its_label_is_asked_for_with_the_bounds_of_the_label_and_null_is_no_answer() -> None:
    result, asked = repaired({"valence": None}, first={"valence": -0.6}, repairs=1)
    assert asked[1].schema["properties"]["valence"] == {"type": "number", "minimum": 0.0, "maximum": 1.0}
    assert "valence: -0.6 must not be given again" in asked[1].user
    assert result.reason is Reason.RULE_FAILED
    result, _ = repaired({"valence": 0.5}, first={"valence": -0.6}, repairs=1)
    assert result.annotation is not None and result.annotation["emotion"]["valence"] == 0.5


def test_missing_valence_of_a_decided_label_is_asked_for_as_a_number() -> None:
    result, asked = repaired({"valence": 0.4}, first={"valence": None}, repairs=1)
    assert "anyOf" not in asked[1].schema["properties"]["valence"]
    assert result.annotation is not None


def test_text_that_failed_may_not_come_again_and_a_second_repair_is_another_question() -> None:
    bad = "这里本该是英文，但是写成了中文。" * 6
    result, asked = repaired({"description_en": bad}, {"description_en": bad}, first={"description_en": bad}, repairs=2)
    assert result.annotation is None
    assert "description_en: the same text must not be given again" in asked[1].user
    assert "repair 1 did not mend this" in asked[2].user


def test_label_that_is_asked_for_too_owes_nothing_yet() -> None:
    fields = ("primary", "valence")
    schema = fields_schema(fields)
    assert without_banned(schema, {"primary": "anger"}, fields) == schema
    undetermined = fields_schema(("valence",))
    assert without_banned(undetermined, {"primary": "undetermined"}, ("valence",)) == undetermined
    assert told_bans({"intensity": 0}) == ["intensity: 0 must not be given again"]
