"""What a teacher's whole answer must survive before it is an annotation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from teacher_kit import answering, make_request, result_of, teacher

from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.parsing import Problem, parse
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.reasons import Reason


def test_good_answer_becomes_an_annotation_with_full_provenance() -> None:
    result = result_of(lambda answer: answer)
    assert result.annotation is not None, result.message
    told = result.annotation["provenance"]
    assert told["tier"] == "teacher"
    assert [name for name in told["prompt_ids"] if "/" in name] == ["annotate/3.en"]
    assert len(told["prompt_sha256"]) == len(told["schema_sha256"]) == 64
    assert told["audio_given"] is False
    assert "a1" in {seen["eid"] for seen in result.annotation["observations"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: {**a, "primary": "cheerful"}, Reason.SCHEMA),
        (lambda a: {**a, "description_zh": a["description_en"]}, Reason.WRONG_LANGUAGE),
        (lambda a: {**a, "description_en": a["description_zh"]}, Reason.WRONG_LANGUAGE),
        (lambda a: {**a, "description_en": a["description_en"] + ' "Never said at all here."'}, Reason.UNGROUNDED),
        (lambda a: {**a, "labels": [{**a["labels"][0], "eids": ["z9"]}]}, Reason.UNGROUNDED),
        (lambda a: {**a, "observations": [{**a["observations"][0], "modality": "acoustic"}, *a["observations"][1:]]},
         Reason.UNGROUNDED),
        (lambda a: {**a, "description_en": "As an AI language model, I cannot describe people. " * 8}, Reason.REFUSAL),
    ],
)  # fmt: skip
def test_bad_answers_are_rejected_with_the_right_reason(
    change: Callable[[dict[str, Any]], dict[str, Any]], reason: Reason
) -> None:
    result = result_of(change)
    assert result.reason == reason, result.message


@pytest.mark.parametrize(
    ("word_en", "word_zh", "told", "kept"),
    [
        ("embarrassed", "尴尬", "anxiety", None),  # the table holds it, and near no label
        ("heartbroken", "心碎", "neutral", "sadness"),  # the table knows better
        ("melancholic-ish", "淡淡的怅惘之情", "sadness", "sadness"),  # the table does not hold it
    ],
)
def test_which_label_a_word_is_near_is_the_table_s_to_say_and_costs_no_clip(
    word_en: str, word_zh: str, told: str, kept: str | None
) -> None:
    result = result_of(
        lambda a: {
            **a,
            "labels": [*a["labels"], {**a["labels"][0], "word_en": word_en, "word_zh": word_zh, "canon": told}],
        }
    )
    assert result.annotation is not None, result.message
    assert result.annotation["emotion"]["labels_open"][-1]["canon"] == kept
    assert "repaired" not in result.annotation["provenance"]["prompt_ids"]


def test_repairs_are_bounded_and_name_the_failing_fields() -> None:
    asked: list[Chat] = []
    bad = answering(lambda a: {**a, "description_zh": a["description_en"]}, asked)
    lead(talk(make_request(0), teacher(repairs=2)), bad)
    assert [chat.prompt for chat in asked] == ["annotate/3.en", "repair/1.en", "repair/1.en"]
    assert all(set(chat.schema["required"]) <= {"description_en", "description_zh"} for chat in asked[1:])


def test_a_repair_that_works_is_accepted_and_marked() -> None:
    turns = iter([True, False])
    result = result_of(lambda a: {**a, "description_zh": a["description_en"]} if next(turns) else a)
    assert result.annotation is not None
    assert result.annotation["provenance"]["parse"] == "repaired"
    assert result.annotation["provenance"]["attempts"] == 2


def test_verification_drops_contradicted_claims_but_not_on_the_word_of_a_yes_sayer() -> None:
    for honest, reason in ((True, Reason.UNGROUNDED), (False, None)):

        def complete(chat: Chat, honest: bool = honest) -> Completion:
            if "verdicts" not in chat.schema["required"]:
                return answering(lambda a: a)(chat)
            claims = [line for line in chat.user.splitlines() if line[:2] in {f"{n}." for n in range(1, 10)}]
            foil = next(n for n, line in enumerate(claims, start=1) if "straight into the camera" in line)
            said = dict.fromkeys(range(1, len(claims) + 1), "supported")
            said[1 if foil != 1 else 2] = "contradicted"
            said[foil] = "contradicted" if honest else "supported"
            return Completion(json.dumps({"verdicts": [{"claim": n, "verdict": v} for n, v in said.items()]}))

        result = lead(talk(make_request(0), teacher(verify=True, repairs=0)), complete)
        assert result.reason == reason


@pytest.mark.parametrize(("bad", "good"), [("zh", "en"), ("en", "zh")])
def test_translation_is_the_last_resort_and_is_marked(bad: str, good: str) -> None:
    asked: list[Chat] = []

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        if asked[-1].prompt.startswith("translate"):
            return answer
        return {**answer, f"description_{bad}": answer[f"description_{good}"]}

    result = lead(talk(make_request(0), teacher(translate=True, repairs=1)), answering(change, asked))
    assert result.annotation is not None, result.message
    assert [chat.prompt for chat in asked] == ["annotate/3.en", "repair/1.en", f"translate_{good}2{bad}/1.en"]
    assert result.annotation["description"]["mode"] == f"{good}2{bad}"
    assert f"translate_{good}2{bad}/1.en" in result.annotation["provenance"]["prompt_ids"]
    native = result_of(lambda answer: answer, translate=True).annotation
    assert native is not None
    assert native["description"]["mode"] == "native-both"


def test_translation_does_not_rescue_what_is_wrong_elsewhere_or_stays_wrong() -> None:
    asked: list[Chat] = []
    wrong = answering(lambda a: {**a, "labels": [{**a["labels"][0], "eids": ["z9"]}]}, asked)
    assert lead(talk(make_request(0), teacher(translate=True, repairs=0)), wrong).reason == Reason.UNGROUNDED
    assert not any(chat.prompt.startswith("translate") for chat in asked)
    result = result_of(lambda a: {**a, "description_zh": a["description_en"]}, translate=True, repairs=0)
    assert result.reason == Reason.WRONG_LANGUAGE


def test_replay_gives_stored_answers_and_checks_them_again(tmp_path: Path) -> None:
    kept = result_of(lambda a: a).annotation
    assert kept is not None
    broken = {**kept, "description": {**kept["description"], "zh": kept["description"]["en"]}}
    rows = [{"key": make_request(0).key, "annotation": kept}, {"key": make_request(1).key, "annotation": broken}]
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b"\n".join(canonical_json(row) for row in rows))
    annotator = make("replay", {"path": str(path)})
    annotator.open()
    results = annotator.annotate([make_request(i) for i in range(3)])
    assert results[0].annotation == kept
    assert [result.reason for result in results[1:]] == [Reason.WRONG_LANGUAGE, Reason.TEACHER_UNAVAILABLE]
    before = annotator.fingerprint()
    path.write_bytes(path.read_bytes() + b"\n")
    assert make("replay", {"path": str(path)}).fingerprint() != before


def test_answer_at_the_token_limit_is_truncated_however_it_looks() -> None:
    for text in ('{"observations": []}', "The person", "{"):
        problem = parse(Completion(text, finish="length"), {})
        assert isinstance(problem, Problem)
        assert problem.reason is Reason.TRUNCATED_ANSWER
