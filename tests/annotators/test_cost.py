"""Money and hours: what is unknown is not free, and what a kill cut off loses no other run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from factory import make_records

from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.teacher.cost import Cost, estimate, together
from ver_pipeline.engine.runner import StageStats
from ver_pipeline.forecast import all_priced, declared_s, shows_money
from ver_pipeline.runs import Summary, append, note_build, note_estimate
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import AnnotateStage, request_of

PRICED = {"model": "m", "price_in": 1.0}


def stage(**options: dict[str, Any]) -> AnnotateStage:
    names = [name.replace("_", ":") for name in options]
    tables = dict(zip(names, options.values(), strict=True))
    return AnnotateStage(AnnotateConfig(annotator=names[0], also=tuple(names[1:]), options=tables))


def test_money_is_told_only_where_everybody_who_is_asked_has_a_price() -> None:
    cues = AnnotateStage(AnnotateConfig())
    both, one = stage(openai=PRICED, openai_b=PRICED), stage(openai=PRICED, openai_b={"model": "n"})
    assert [shows_money(s) for s in (cues, both, one, stage(openai={"model": "m"}))] == [False, True, True, False]
    assert [all_priced([s]) for s in (cues, both, one)] == [False, True, False]
    known, unknown = Cost(2, 1, 10, 5, None, 0.5), Cost(2, 1, 10, 5, None, None)
    assert together([known, known]).money == 1.0
    assert together([known, unknown]).money is None
    assert together([known, unknown]).tokens_in == 20


def test_hours_are_expected_where_the_speed_is_known() -> None:
    requests = [request_of({**record.model_dump(mode="json"), "media_path": "f"}) for record in make_records(2)]
    fast = make("vllm", {"model": "m", "price_hour": 2.0, "tokens_per_s": 1000.0})
    told = estimate(fast, requests, 3600)
    assert told.gpu_hours == pytest.approx(told.tokens_out / 1000 / 3600)
    assert told.money == pytest.approx(2.0 * told.tokens_out / 1000 / 3600)
    assert estimate(make("vllm", {"model": "m", "price_hour": 2.0}), requests, 3600).money is None
    assert make("vllm", {"model": "m"}).fingerprint() == make("vllm", {"model": "m", "tokens_per_s": 9}).fingerprint()


def test_later_prompts_are_estimated_with_the_evidence_that_they_will_be_shown() -> None:
    requests = [request_of({**record.model_dump(mode="json"), "media_path": "f"}) for record in make_records(1)]
    flows = ("single", "staged", "families")
    told = [estimate(make("openai", {**PRICED, "flow": flow}), requests, 1) for flow in flows]
    assert [cost.calls for cost in told] == [1, 4, 7]
    assert told[0].tokens_in < told[2].tokens_in


def test_killed_build_leaves_its_estimate_and_a_cut_line_loses_nothing_else(tmp_path: Path) -> None:
    work, killed, whole = WorkFolder(tmp_path), Summary(tmp_path), Summary(tmp_path, priced=True)
    note_estimate(work, killed, Cost(3, 3, 30, 15, None, 0.25))
    with open(tmp_path / "runs.jsonl", "a", encoding="utf-8") as file:
        file.write('{"run_id": "cut')
    whole.stats_by_stage = {
        "clip": StageStats(done=1),
        "annotate": StageStats(done=3, tokens_in=30, tokens_out=15, cost=0.5),
    }
    rows = note_build(work, whole)
    stages = [(whole.run_id, name) for name in ("clip", "annotate", "total")]
    assert [(row["run_id"], row["stage"]) for row in rows] == [(killed.run_id, "annotate-estimate"), *stages]
    assert [row.get("cost_estimate") for row in rows] == [0.25, None, None, None]
    assert [row.get("cost") for row in rows] == [None, None, 0.5, None]
    append(work, [{"run_id": "x", "stage": "y"}])
    assert json.loads((tmp_path / "runs.jsonl").read_text().splitlines()[-1]) == {"run_id": "x", "stage": "y"}
    unpriced = Summary(tmp_path, stats_by_stage=whole.stats_by_stage)
    assert all("cost" not in row for row in note_build(work, unpriced) if row["run_id"] == unpriced.run_id)


def test_file_that_claims_no_duration_adds_no_footage(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"no video")
    assert declared_s(str(path)) == 0.0
