"""Set expectations: planted defects are found each time, results repeat, and not run is never a pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from factory import make_record
from outfolder import published
from published import reseal

from ver_pipeline.cli import main
from ver_pipeline.quality.expectations import load_suite, run_expectations, suite_names, write_expectations
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record import Record, parse_record

CLEAN = range(12, 24)  # groups of train, test and val
TRAIN, TEST = 15, 17  # both in Chinese, with speech, written by no cue composer


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("clean"), [make_record(i) for i in CLEAN])


def changed(record: Record, edit: Callable[[dict[str, Any]], None]) -> Record:
    """The record after an edit of its JSON form."""
    data = record.model_dump(mode="json")
    edit(data)
    return parse_record(data)


def planted(tmp_path: Path, edit: Callable[[dict[str, Any], dict[str, Any]], None], **options: Any) -> Path:
    """The clean set after ``edit(test record, train record)`` changed the record of the test split."""
    train = make_record(TRAIN).model_dump(mode="json")
    records = [make_record(i) for i in CLEAN if i != TEST]
    records.append(changed(make_record(TEST), lambda data: edit(data, train)))
    return published(tmp_path, records, **options)


def failed(out: Path, *suites: str, against: Path | None = None) -> set[str]:
    results = run_expectations(out, suites, against)
    return {c["id"] for suite in results["suites"] for c in suite["checks"] if c["outcome"] == "failed"}


def same_source(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["source"] = train["source"]
    test["clip"] |= {"start_s": 30.0, "end_s": 30.0 + test["clip"]["duration_s"], "prev_key": None, "next_key": None}
    end_ms = round(test["clip"]["end_s"] * 1000)
    test["key"] = f"{train['source']['id'][:16]}_00030000_{end_ms:08d}"


def same_group(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["source"]["group_id"] = train["source"]["group_id"]


def same_speaker(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["source"]["speakers"] = train["source"]["speakers"]


def near_transcript(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["speech"] = train["speech"]
    test["speech"]["text"] = train["speech"]["text"].replace("。", "呢。", 1)
    test["speech"]["words"], test["speech"]["segments"] = [], []


def near_description(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["description"] = train["description"]
    test["description"]["en"] = train["description"]["en"].replace(" is ", " was ", 1)


def near_frame(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["clip"]["phash"] = [f"{int(h, 16) ^ 0x8000400000000001:016x}" for h in train["clip"]["phash"]]


def far_neighbour(test: dict[str, Any], train: dict[str, Any]) -> None:
    test["clip"]["next_key"] = train["key"]


@pytest.mark.parametrize(
    ("edit", "check"),
    [
        (same_source, "leak.source"),
        (same_group, "leak.group"),
        (same_speaker, "leak.speaker"),
        (same_source, "leak.speaker"),
        (near_transcript, "leak.transcript"),
        (near_description, "leak.description"),
        (near_frame, "leak.picture"),
        (far_neighbour, "leak.neighbour"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_planted_leak_between_train_and_test_is_found(
    tmp_path: Path, edit: Callable[[dict[str, Any], dict[str, Any]], None], check: str
) -> None:
    out = planted(tmp_path, edit)
    assert check in failed(out, "split-leakage")
    assert main(["validate", str(out), "--suite", "split-leakage"]) == 1


def test_clean_set_fails_nothing_and_says_what_it_could_not_judge(clean: Path) -> None:
    results = run_expectations(clean)
    assert results["summary"]["failed"] == 0
    waiting = {c["id"]: c["why"] for s in results["suites"] for c in s["checks"] if c["outcome"] == "not_run"}
    assert waiting["drift.labels"] == "no earlier data set was given"
    assert "leak.source" not in waiting and "complete.funnel" not in waiting
    assert sum(results["summary"][name] for name in ("passed", "failed", "not_run")) == sum(
        len(load_suite(name)["checks"]) for name in suite_names()
    )


def test_results_repeat_byte_for_byte_and_hold_no_clock_or_random_id(clean: Path) -> None:
    first, second = (canonical_json(run_expectations(clean, ["ranges", "uniqueness"])) for _ in range(2))
    assert first == second
    assert not re.search(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|20\d\d-\d\d-\d\d", first)


def test_empty_set_runs_nothing_instead_of_passing(tmp_path: Path) -> None:
    results = run_expectations(published(tmp_path, []), ["completeness", "ranges", "split-leakage"])
    outcomes = {c["id"]: c["outcome"] for s in results["suites"] for c in s["checks"]}
    assert outcomes.pop("complete.funnel") == "passed"  # nothing in, nothing out is a true statement
    assert set(outcomes.values()) == {"not_run"}


def test_drift_against_the_same_set_is_none_and_against_another_is_found(clean: Path, tmp_path: Path) -> None:
    assert failed(clean, "drift", against=clean) == set()
    only_one_label = [make_record(i) for i in (0, 13, 26)]
    other = published(tmp_path, only_one_label)
    assert {"drift.samples", "drift.labels"} <= failed(other, "drift", against=clean)


def test_reject_without_known_reason_and_internal_error_are_found(tmp_path: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = [
        Reject(Reason.INTERNAL, "clip", "boom", "a" * 64, "raw/a.mp4").to_row(),
        Reject(Reason.TOO_SHORT, "clip", "", "b" * 64, "raw/b.mp4").to_row(),
    ]
    out = published(tmp_path, [make_record(i) for i in CLEAN], rejects=rows)
    assert failed(out, "rejects") == {"reject.internal", "reject.where"}
    path = next((out / "catalog").glob("rejects-*.parquet"))
    table = pq.read_table(path)
    renamed = pc.replace_substring(table["reason"], "too_short", "from_a_later_release")
    pq.write_table(
        table.set_column(table.schema.get_field_index("reason"), table.schema.field("reason"), renamed), path
    )
    reseal(out)
    assert "reject.reason" in failed(out, "rejects")


def test_manifest_whose_counts_hide_a_loss_is_found(clean: Path, tmp_path: Path) -> None:
    import shutil

    from ver_pipeline.shards.manifest import load_manifest, manifest_bytes

    out = shutil.copytree(clean, tmp_path / "out")
    manifest = load_manifest(out)
    manifest["counts"]["clips"] += 1
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))
    assert failed(out, "completeness") == {"complete.funnel"}


def test_one_sided_labels_are_a_warning_that_strict_makes_an_error(tmp_path: Path) -> None:
    records = [make_record(13 * i) for i in range(22)]  # all happy
    out = published(tmp_path, [r for r in records if r.emotion.primary == "happiness"])
    assert failed(out, "class-balance") >= {"class.share"}
    assert main(["validate", str(out), "--suite", "class-balance"]) == 0
    assert main(["validate", str(out), "--suite", "class-balance", "--strict"]) == 1


def test_written_results_are_those_returned(clean: Path, tmp_path: Path) -> None:
    import shutil

    out = shutil.copytree(clean, tmp_path / "out")
    results = write_expectations(out)
    assert json.loads((out / "expectations.json").read_bytes()) == results


def test_check_that_raises_has_failed(clean: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ver_pipeline.quality import expectations

    check = {"id": "x", "severity": "error", "en": "x", "zh": "x", "table": "clips",
             "expect": {"type": "expect_column_mean_to_be_between",
                        "kwargs": {"column": "key", "min_value": 0}}}  # fmt: skip
    (tmp_path / "bad.json").write_text(json.dumps({"name": "bad", "en": "b", "zh": "b", "checks": [check]}))
    monkeypatch.setattr(expectations, "SUITES_DIR", tmp_path)
    result = run_expectations(clean, ["bad"])
    assert result["summary"] == {"passed": 0, "failed": 1, "not_run": 0, "failed_errors": 1}
    assert result["suites"][0]["checks"][0]["why"]


def test_unknown_suite_is_refused_with_the_nearest_name(clean: Path) -> None:
    with pytest.raises(UsageError, match="split-leakage"):
        run_expectations(clean, ["split-leak"])


def test_every_check_has_a_unique_id_two_languages_and_a_severity() -> None:
    checks = [check for name in suite_names() for check in load_suite(name)["checks"]]
    assert len({check["id"] for check in checks}) == len(checks)
    for check in checks:
        assert check["severity"] in ("error", "warn", "info")
        assert re.search("[\u4e00-\u9fff]", check["zh"]) and not re.search("[\u4e00-\u9fff]", check["en"])


def test_list_shows_every_check_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--list", "--lang", "zh"]) == 0
    assert "没有来源跨越两个划分" in capsys.readouterr().out
