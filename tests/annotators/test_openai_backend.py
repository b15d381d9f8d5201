"""The OpenAI-compatible backend against a real HTTP server that behaves well and badly."""

from __future__ import annotations

import base64
import dataclasses
import io
import logging
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from film_shards import make_film
from standin_server import StandIn
from teacher_kit import good_answer, make_request

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Annotation
from ver_pipeline.stages.annotate import AnnotateStage
from ver_pipeline.stages.annotators.base import Result
from ver_pipeline.stages.annotators.openai import OpenAIAnnotator
from ver_pipeline.stages.annotators.slots import Pace
from ver_pipeline.stages.annotators.teacher import question

MANNERS: dict[str, Reason | None] = {
    "good": None,
    "slow": None,
    "busy": None,
    "stumbles": None,
    "drops": None,
    "cut once": None,
    "chatty": None,
    "cut": Reason.TRUNCATED_ANSWER,
    "length": Reason.TRUNCATED_ANSWER,
    "wrong language": Reason.WRONG_LANGUAGE,
    "refusal": Reason.REFUSAL,
    "refusal in words": Reason.REFUSAL,
    "filtered": Reason.REFUSAL,
    "invents": Reason.UNGROUNDED,
    "hears": Reason.UNGROUNDED,
    "empty": Reason.NOT_JSON,
    "empty body": Reason.NOT_JSON,
    "prose": Reason.NOT_JSON,
    "other shape": Reason.SCHEMA,
    "down": Reason.TEACHER_UNAVAILABLE,
    "gone": Reason.TEACHER_UNAVAILABLE,
    "denied": Reason.TEACHER_UNAVAILABLE,
    "hangs": Reason.TEACHER_UNAVAILABLE,
}
QUICK = {"backoff_s": 0.01, "tries": 3, "timeout_s": 0.6, "retries": 1, "repairs": 1}


def make_server(n: int, manners: dict[int, str] | None = None, **kw: Any) -> StandIn:
    requests = [make_request(i) for i in range(n)]
    duration = {i: request.clip["duration_s"] for i, request in enumerate(requests)}
    answers = {request.clip["duration_s"]: good_answer(request) for request in requests}
    return StandIn(answers, {duration[i]: manner for i, manner in (manners or {}).items()}, **kw)


def run(server: StandIn, n: int, cache_dir: Path | None = None, **options: Any) -> list[Result]:
    annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **QUICK, **options}, cache_dir)
    annotator.open()
    return annotator.annotate([make_request(i) for i in range(n)])


def test_every_one_of_200_clips_ends_accepted_or_rejected_with_the_right_code() -> None:
    names = list(MANNERS)
    manners = {i: names[i % len(names)] for i in range(200)}
    with make_server(200, manners) as server:
        results = run(server, 200, concurrency=12)
        assert server.most_at_once <= 12
    assert [result.key for result in results] == [make_request(i).key for i in range(200)]
    for i, result in enumerate(results):
        assert result.reason == MANNERS[manners[i]], (manners[i], result.message)
        if result.annotation is not None:
            Annotation.model_validate_json(canonical_json(result.annotation))


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
    one = Pace(0, tmp_path if shared else None)
    other = Pace(0, tmp_path) if shared else one
    one.hold(0.2)
    started = time.monotonic()
    other.wait()
    assert time.monotonic() - started >= 0.19  # two clocks are compared


def test_killed_run_asks_nothing_again_that_was_answered(tmp_path: Path) -> None:
    n = 40
    with make_server(n, delay_s=0.05) as server:
        command = [
            sys.executable,
            str(Path(__file__).with_name("kill_worker.py")),
            server.base_url,
            str(tmp_path),
            str(n),
        ]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE)
        while sum(server.answered.values()) < 12:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        time.sleep(0.2)  # the server finishes what was under way
        stored = len(list(tmp_path.rglob("*.json")))
        before = sum(server.asked.values())
        assert 0 < stored < n
        done = subprocess.run(command, capture_output=True, check=True)
        assert int(done.stdout) == n
        assert sum(server.asked.values()) - before == n - stored
        again = subprocess.run(command, capture_output=True, check=True)
        assert int(again.stdout) == n
        assert sum(server.asked.values()) - before == n - stored


def test_refused_and_cut_answers_are_kept_too_and_not_paid_twice(tmp_path: Path) -> None:
    with make_server(2, {0: "refusal", 1: "cut"}) as server:
        first = run(server, 2, tmp_path)
        asked = sum(server.asked.values())
        second = run(server, 2, tmp_path)
        assert [r.reason for r in first] == [r.reason for r in second] == [Reason.REFUSAL, Reason.TRUNCATED_ANSWER]
        assert sum(server.asked.values()) == asked
        assert second[0].usage.calls == 0
        assert second[0].usage.cached_calls == first[0].usage.calls


def test_unreachable_server_is_never_cached(tmp_path: Path) -> None:
    with make_server(1, {0: "down"}) as server:
        assert run(server, 1, tmp_path)[0].reason is Reason.TEACHER_UNAVAILABLE
    assert not list(tmp_path.rglob("*.json"))


def test_key_goes_into_the_header_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    caplog.set_level(logging.DEBUG)
    with make_server(2, {0: "busy", 1: "denied"}) as server:
        annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **QUICK}, tmp_path)
        annotator.open()
        results = annotator.annotate([make_request(i) for i in range(2)])
        assert server.keys == {"Bearer sk-very-secret"}
        assert "sk-very-secret" not in str(server.bodies)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    everything = [caplog.text, str(results), kept.decode(), str(annotator.fingerprint()), repr(vars(annotator))]
    assert all("sk-very-secret" not in text for text in everything)


def test_bad_answer_is_shown_back_with_its_error() -> None:
    with make_server(1, {0: "cut once"}) as server:
        assert run(server, 1)[0].annotation is not None
        roles = [message["role"] for message in server.bodies[1]["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        assert "the JSON ends before it is complete" in server.bodies[1]["messages"][3]["content"]


def test_repair_asks_only_for_the_failing_fields() -> None:
    with make_server(1, {0: "wrong language"}) as server:
        run(server, 1)
        asked = server.bodies[-1]["response_format"]["json_schema"]["schema"]["required"]
        assert asked == ["description_en"]


def test_staged_flow_collects_evidence_before_it_judges() -> None:
    with make_server(1) as server:
        result = run(server, 1, flow="staged")[0]
        parts = [body["response_format"]["json_schema"]["schema"]["required"] for body in server.bodies]
    assert result.annotation is not None, result.message
    assert parts[0] == parts[1] == ["observations"]
    assert "primary" in parts[2]
    assert parts[3] == ["cited_eids", "description_en", "description_zh"]
    assert len(result.annotation["provenance"]["prompt_ids"]) == 4


def test_draws_of_one_teacher_become_samples() -> None:
    with make_server(1) as server:
        result = run(server, 1, samples=3)[0]
        seeds = [body["seed"] for body in server.bodies]
    assert len(result.samples) == 2
    assert seeds == [0, 1, 2]


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


def test_annotator_without_a_model_or_an_address_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match="model is not set"):
        OpenAIAnnotator({})
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        OpenAIAnnotator({"model": "m"}).open()
    with pytest.raises(ConfigError, match=r"annotate\.options\.openai\.concurency"):
        OpenAIAnnotator({"model": "m", "concurency": 3})


def test_annotator_travels_to_a_worker_before_it_is_opened() -> None:
    annotator = OpenAIAnnotator({"model": "m"})
    assert pickle.loads(pickle.dumps(annotator)).fingerprint() == annotator.fingerprint()


def shown(path: Path | None, **options: Any) -> list[dict[str, Any]]:
    """The parts of the user message for a clip with this film."""
    annotator = OpenAIAnnotator({"model": "m", **options})
    chat = question(dataclasses.replace(make_request(0), media_path=path and str(path)), annotator.teacher, "annotate")
    return annotator.payload(chat)["messages"][1]["content"]


def test_film_travels_as_pictures_or_whole_and_the_same_every_time(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "clip.mp4"
    path.write_bytes(make_film("happiness", "red", 0, n_frames=40, side=112))
    parts = shown(path, n_frames=4, max_side=64)
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert [part["type"] for part in parts] == ["image_url"] * 4 + ["text"]
    for url in urls:
        picture = Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))))
        assert (picture.format, max(picture.size)) == ("JPEG", 64)
    assert shown(path, n_frames=4, max_side=64) == parts
    (video, _) = shown(path, send="video")
    assert base64.b64decode(video["video_url"]["url"].partition(",")[2]) == path.read_bytes()
    assert [part["type"] for part in shown(path, send="nothing")] == ["text"]


def test_model_is_never_asked_about_a_film_that_cannot_be_shown(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with make_server(1) as server:
        annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **QUICK})
        annotator.open()
        for path in (broken, tmp_path / "absent.mp4"):
            (result,) = annotator.annotate([dataclasses.replace(make_request(0), media_path=str(path))])
            assert result.reason is Reason.DECODE_FAILED
        assert not server.bodies
