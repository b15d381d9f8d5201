"""``ver eval --judge``: a model of another family marks annotations; records stay as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from standin_server import DURATION, StandIn, asked_text
from test_reannotate import N, make_data_set, read

from ver_pipeline.annotators.teacher.llm_judge import family, same_family
from ver_pipeline.annotators.teacher.parsing import check_schema
from ver_pipeline.cli import main
from ver_pipeline.schemas.answer import answer_schema

GOOD = {
    "claims": [{"text": "The speaker appears tense.", "eids": [], "verdict": "unsupported"}],
    "faithfulness": 4,
    "missing_eids": [],
    "completeness": 3,
    "language_en": {"fault": "", "mark": 5},
    "language_zh": {"fault": "翻译腔", "mark": 2},
}


class Judge(StandIn):
    """Answers every question with the same assessment; one that is given for a clip's duration comes instead."""

    def good_answer(self, body: dict[str, Any], wanted: list[str], duration: float) -> dict[str, Any]:
        return self.answers.get(duration, GOOD)

    def clip_of(self, text: str) -> float:
        return float(DURATION.findall(text)[0])


def judge(data_set: Path, server: StandIn, model: str, *more: str) -> int:
    options = {"model": model, "base_url": server.base_url, "concurrency": 1, "price_in": 1000.0, "retries": 0}
    override = "annotate.options=" + json.dumps({"openai": options})
    where = ["--shards", str(data_set), "--replies", str(data_set.parent / "judged.jsonl")]
    return main(["eval", "--judge", "openai", *where, "--set", override, *more])


def files(data_set: Path) -> dict[Path, bytes]:
    """All that is published."""
    return {path: path.read_bytes() for path in data_set.rglob("*") if path.is_file() and ".ver" not in path.parts}


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    return make_data_set(tmp_path, [f"video {i}".encode() for i in range(N)])


def test_judge_marks_every_clip_by_its_evidence_and_changes_no_record(
    data_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = files(data_set)
    invented = {**GOOD, "missing_eids": ["z9"]}
    uncited = {**GOOD, "claims": [{**GOOD["claims"][0], "verdict": "supported"}]}
    durations = {key: record["clip"]["duration_s"] for key, record in read(data_set)[0].items()}
    # The server tells clips apart by duration, since questions leave in any order; not all are unlike.
    alone = sorted(key for key, s in durations.items() if list(durations.values()).count(s) == 1)[:2]
    with Judge({durations[alone[0]]: invented, durations[alone[1]]: uncited}, {}) as server:
        assert judge(data_set, server, "claude-judge") == 0
        about = [asked_text(body) for body in server.bodies]
        assert len(about) == N
        assert all("provenance" not in text and "teacher-vl" not in text for text in about)
        assert all(isinstance(body["messages"][1]["content"], str) for body in server.bodies)  # no frame
        assert judge(data_set, server, "claude-judge") == 0
        assert len(server.bodies) == N  # kept answers are not paid for twice
    assert files(data_set) == published
    rows = [json.loads(line) for line in (data_set.parent / "judged.jsonl").read_text().splitlines()]
    assert {row["key"]: row["problem"] for row in rows if "problem" in row} == dict.fromkeys(alone, "ungrounded")
    assert [row["marks"] for row in rows if "problem" not in row] == [GOOD] * (N - 2)
    assert {row["judge"] for row in rows} == {"claude-judge"}
    told = capsys.readouterr().out
    assert "faithfulness       4.0000" in told
    assert "language_zh        2.0000" in told
    assert "ungrounded" in told


@pytest.mark.parametrize("model", ["teacher-vl", "Teacher-VL/"])
def test_no_model_judges_its_own_work(data_set: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Judge({}, {}) as server:
        assert judge(data_set, server, model) == 2
        assert "own family" in capsys.readouterr().err
        assert not server.bodies
        assert judge(data_set, server, model, "--where", "tier = 'cue'") == 0
        assert 0 < len(server.bodies) < N
    assert main(["eval", "--judge", "cues", "--shards", str(data_set), "--replies", str(data_set.parent / "x")]) == 2
    assert main(["eval", "--judge", "openai", "--shards", str(data_set)]) == 2


def test_families_are_told_by_name() -> None:
    assert family("Qwen/Qwen2.5-VL-72B-Instruct") == family("Emotion-Qwen") == "qwen"
    assert family("gpt-4o-2024-08-06") == "gpt"
    assert family("my-checkpoint") is None
    assert same_family("Qwen3-VL", "Emotion-Qwen")
    assert not same_family("gpt-4o", "Qwen2.5-VL")
    assert not same_family("my-checkpoint", "your-checkpoint")


def test_assessment_has_a_closed_schema() -> None:
    schema = answer_schema(("assessment",))
    assert check_schema(GOOD, schema) is None
    for bad in ({"faithfulness": 6}, {"claims": []}, {"language_zh": 3}, {"emotion": "happy"}):
        assert check_schema({**GOOD, **bad}, schema) is not None
