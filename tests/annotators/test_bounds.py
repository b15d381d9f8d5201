"""Questions in flight and a second, over all workers; several teachers side by side."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from server_kit import QUICK, make_server, run
from standin_server import StandIn
from teacher_kit import make_request

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.teacher.rate_limits import RateLimiter
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.stages.annotate import AnnotateStage


def test_questions_in_flight_reach_the_bound_and_never_pass_it() -> None:
    with make_server(40, delay_s=0.05) as server:
        assert all(result.annotation for result in run(server, 40, concurrency=4, timeout_s=30))
        assert server.most_at_once == 4


def test_bound_holds_for_all_workers_of_a_build_together(tmp_path: Path) -> None:
    with make_server(60, delay_s=0.05) as server:
        command = [
            sys.executable,
            str(Path(__file__).with_name("kill_worker.py")),
            server.base_url,
            str(tmp_path),
            "30",
        ]
        other = subprocess.Popen(command, stdout=subprocess.PIPE)
        table = {"model": "m", "base_url": server.base_url, **QUICK, "timeout_s": 30, "concurrency": 4}
        annotator = OpenAIAnnotator(table, tmp_path)
        annotator.open()
        while not server.asked and other.poll() is None:
            time.sleep(0.01)
        assert all(result.annotation for result in annotator.annotate([make_request(i) for i in range(30, 60)]))
        assert other.communicate()[0] == b"30"
        assert server.most_at_once == 4


def test_no_more_questions_a_second_leave_than_were_allowed() -> None:
    with make_server(8) as server:
        started = time.monotonic()
        run(server, 8, concurrency=8, requests_per_s=20)
        took_s = time.monotonic() - started
    assert took_s >= 7 / 20  # a bound that no slow machine can break: eight questions have seven gaps


def test_wish_of_a_busy_server_holds_every_question_back() -> None:
    manners = {0: "busy"}
    with make_server(6, manners) as server:
        results = run(server, 6, concurrency=6, timeout_s=20)
        assert server.asked[make_request(0).clip["duration_s"]] == 2
    assert all(result.annotation for result in results)


@pytest.mark.parametrize("shared", [False, True])
def test_who_is_told_to_wait_tells_everybody(tmp_path: Path, shared: bool) -> None:
    one = RateLimiter(0, tmp_path if shared else None)
    other = RateLimiter(0, tmp_path) if shared else one
    one.hold(0.2)
    started = time.monotonic()
    other.wait()
    assert time.monotonic() - started >= 0.19  # two clocks are compared


def test_two_teachers_of_one_kind_are_asked_paid_and_heard_separately(tmp_path: Path) -> None:
    def table(server: StandIn, model: str, price_in: float) -> dict[str, Any]:
        return {"model": model, "base_url": server.base_url, "price_in": price_in, "send": "nothing"}

    with make_server(2) as first, make_server(2) as second:
        options = {"openai": table(first, "one", 1000.0), "openai:second": table(second, "two", 5000.0)}
        stage = AnnotateStage(AnnotateConfig(annotator="openai", also=("openai:second",), options=options), tmp_path)
        stage.open()
        requests = [make_request(i) for i in range(2)]
        rows = [{"key": r.key, "media_path": None, "clip": r.clip, "speech": r.speech, "measured": r.measured}
                for r in requests]  # fmt: skip
        outcomes = stage.run(rows)
        assert (len(first.bodies), len(second.bodies)) == (2, 2)
    for outcome in outcomes:
        assert outcome["annotation"]["provenance"]["model"] == "one"
        assert "two" in {other["provenance"]["model"] for other in outcome["alternatives"]}
        assert {"openai:one", "openai:two"} <= {vote["voter"] for vote in outcome["agreement"]["votes"]}
    assert stage.take_spent()["cost"] == pytest.approx(2 * 0.1 + 2 * 0.5)
    assert stage.take_spent()["cost"] == 0.0
    assert set(stage.fingerprint()["annotators"]) == {"openai", "openai:second", "cues"}
