"""Each rule passes a good record and catches the smallest corruption that it is meant for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from factory import make_dict, make_record, make_records
from mutations import MUTATIONS, Mutation

from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.rules import ALL_RULES, BY_ID, run_rules


def judged(record: Record, mutation: Mutation) -> Any:
    """The verdict of the one rule that the mutation is about."""
    return run_rules(record, rules=[BY_ID[mutation.rule]], takedown=mutation.takedown)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.rule} {m.what}")
def test_rule_passes_the_twin_and_catches_the_corruption(mutation: Mutation) -> None:
    data = make_dict(mutation.base)
    mutation.prepare(data)
    before = judged(parse_record(data), mutation)
    assert before.passed == (mutation.rule,), (before.not_run, before.findings)
    mutation.change(data)
    after = judged(parse_record(data), mutation)
    assert [finding.code for finding in after.findings][:1] == [mutation.rule], (after.not_run, after.passed)


def test_every_rule_has_a_corruption_and_there_are_forty_kinds_at_least() -> None:
    covered = Counter(mutation.rule for mutation in MUTATIONS)
    assert {rule.id for rule in ALL_RULES} - set(covered) == {"F01"}  # proven below: it cannot be parsed
    assert len({mutation.what for mutation in MUTATIONS}) == len(MUTATIONS) >= 40


def test_f01_catches_a_record_that_was_built_past_the_schema() -> None:
    good = make_record(0)
    broken = good.model_copy(update={"emotion": good.emotion.model_copy(update={"confidence": 7.0})})
    verdict = run_rules(broken, rules=[BY_ID["F01"]])
    assert verdict.findings[0].pointer == "/emotion/confidence"
    assert run_rules(good, rules=[BY_ID["F01"]]).passed == ("F01",)


def test_no_good_record_is_rejected_or_flagged() -> None:
    for record in make_records(150):
        verdict = run_rules(record)
        assert verdict.status == "accept", (record.key, verdict.findings)


def test_every_rule_passes_some_good_record() -> None:
    """A rule that can never run, or never pass, would be noise in every verdict."""
    passed: set[str] = set()
    for record in make_records(40):
        passed |= set(run_rules(record, takedown=frozenset()).passed)
    may_need_more = {
        "F12",
        "G10",
        "C11",
        "G20",
        "G21",
    }  # need a subtitle file, a detected speaker, a repeated question, a gender, a blind teacher; proven above on twins
    assert {rule.id for rule in ALL_RULES} - passed == may_need_more


def test_findings_point_into_the_record() -> None:
    for mutation in MUTATIONS:
        data = make_dict(mutation.base)
        mutation.prepare(data)
        mutation.change(data)
        for finding in judged(parse_record(data), mutation).findings:
            place: Any = data
            for step in finding.pointer.split("/")[1:]:
                place = place[int(step)] if isinstance(place, list) else place[step]


def test_documentation_lists_every_rule_as_it_is() -> None:
    from pathlib import Path

    table = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    for rule in ALL_RULES:
        assert f"| {rule.id} | {rule.severity} | {rule.en} | {rule.zh} | `{rule.reason}` |" in table, rule.id
