"""The validate stage: a record with its verdict, or a reject that says which rule and where."""

from __future__ import annotations

from typing import Any

from factory import make_dict, make_record

from ver_pipeline.schemas.config import ShardConfig, ValidateConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.rules import rule_set
from ver_pipeline.schemas.split import split_of
from ver_pipeline.stages.base import Stage
from ver_pipeline.stages.validate import ValidateStage


def row_of(data: dict[str, Any]) -> dict[str, Any]:
    """What the stages before would hand over for this record."""
    parts = ("observations", "emotion", "description", "provenance")
    return {
        **{name: data[name] for name in ("key", "source", "clip", "media", "speech", "measured")},
        "annotation": {name: data[name] for name in parts},
        "alternatives": [],
        "agreement": data["agreement"],
    }


def run_one(data: dict[str, Any], **options: Any) -> Any:
    """One row through a fresh stage."""
    config = ValidateConfig(rules=options.pop("rules", {}))
    stage = ValidateStage(config, ShardConfig(**options.pop("shard", {})), **options)
    stage.open()
    assert isinstance(stage, Stage)
    return stage.run([row_of(data)])[0]


def test_good_row_becomes_the_record_with_every_rule_accounted_for() -> None:
    outcome = run_one(make_dict(1), stages={"clip": "ab"}, tools={"ffmpeg": "7"})
    record = parse_record(outcome["record"])
    assert record.verdict is not None and record.verdict.status == "accept"
    assert record.lineage.stages == {"clip": "ab"}
    judged = {entry.split(":")[0] for entry in record.verdict.not_run} | set(record.verdict.passed)
    judged |= {finding.code for finding in record.verdict.findings}
    assert judged == {rule.id for rule in rule_set().rules}
    assert record.model_copy(update={"verdict": None, "lineage": make_record(1).lineage}) == make_record(1).model_copy(
        update={"human": None}
    )


def test_reject_carries_the_finest_reason_and_names_rule_and_place() -> None:
    data = make_dict(0)
    data["description"]["en"], data["description"]["zh"] = data["description"]["zh"], data["description"]["en"]
    outcome = run_one(data)
    assert isinstance(outcome, Reject)
    assert outcome.reason is Reason.WRONG_LANGUAGE
    assert "L01" in outcome.message and "/description/zh" in outcome.message
    assert outcome.key == data["key"] and outcome.source_id == data["source"]["id"]


def test_schema_defect_is_a_reject_with_the_json_pointer_and_without_the_text() -> None:
    data = make_dict(0)
    data["emotion"]["valence"] = 1.5
    data["observations"][0]["secret"] = "do not log me"
    outcome = run_one(data)
    assert isinstance(outcome, Reject) and outcome.reason is Reason.SCHEMA
    assert "/emotion/valence" in outcome.message
    assert "do not log me" not in outcome.message


def test_rule_set_off_lets_the_record_through_and_changes_the_rules_version() -> None:
    data = make_dict(0)
    data["description"]["en"] += " Output: done."
    assert isinstance(run_one(data), Reject)
    outcome = run_one(data, rules={"L05": {"severity": "off"}})
    verdict = outcome["record"]["verdict"]
    assert "L05" not in verdict["passed"]
    assert verdict["rules_version"] != rule_set().version


def test_takedown_list_rejects_by_source_media_or_key() -> None:
    data = make_dict(0)
    for identity in (data["source"]["id"], data["media"]["sha256"], data["key"]):
        outcome = run_one(data, takedown=frozenset({identity}))
        assert isinstance(outcome, Reject) and outcome.reason is Reason.TAKEDOWN
    assert "record" in run_one(data, takedown=frozenset({"f" * 64}))


def test_media_policy_and_heldout_groups_come_from_the_settings() -> None:
    data = make_dict(0)
    record = run_one(data, shard={"media": "reference"})["record"]
    assert record["media"]["policy"] == "reference"
    assert record["split"] == split_of(data["source"]["group_id"], ShardConfig())
    heldout = run_one(data, heldout_groups=frozenset({data["source"]["group_id"]}))["record"]
    assert heldout["split"] == "heldout"


def test_fingerprint_changes_with_all_that_shapes_the_outcome() -> None:
    def print_of(**options: Any) -> Any:
        return ValidateStage(ValidateConfig(), ShardConfig(**options.pop("shard", {})), **options).fingerprint()

    base = print_of()
    for other in (
        print_of(shard={"split_seed": 1}),
        print_of(shard={"media": "none"}),
        print_of(takedown=frozenset()),
        print_of(tools={"a": "1"}),
    ):
        assert other != base
