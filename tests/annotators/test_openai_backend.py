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
from server_kit import QUICK, make_server, run
from teacher_kit import make_request
from video_shards import make_video

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.teacher.teacher import question
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record_annotation import Annotation

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
    "empty body": Reason.TEACHER_UNAVAILABLE,
    "prose": Reason.NOT_JSON,
    "other shape": Reason.SCHEMA,
    "down": Reason.TEACHER_UNAVAILABLE,
    "gone": Reason.TEACHER_UNAVAILABLE,
    "denied": Reason.TEACHER_UNAVAILABLE,
    "hangs": Reason.TEACHER_UNAVAILABLE,
}


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


def test_answers_that_cannot_be_used_are_kept_as_they_came_and_asked_for_again(tmp_path: Path) -> None:
    with make_server(3, {0: "refusal", 1: "cut"}) as server:
        first = run(server, 3, tmp_path, timeout_s=30)
        assert [r.reason for r in first] == [Reason.REFUSAL, Reason.TRUNCATED_ANSWER, None]
        asked = dict(server.asked)
        assert len(list(tmp_path.rglob("*.aside.json"))) == first[0].usage.calls + first[1].usage.calls
        server.manners.clear()
        second = run(server, 3, tmp_path, timeout_s=30)
        assert [r.reason for r in second] == [None] * 3
        duration = make_request(2).clip["duration_s"]
        assert server.asked[duration] == asked[duration]  # what was answered well is never paid twice
        assert second[2].usage.cached_calls == 1
        third = sum(server.asked.values())
        assert run(server, 3, tmp_path, timeout_s=30) == run(server, 3, tmp_path, timeout_s=30)
        assert sum(server.asked.values()) == third


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


def test_refused_request_is_told_in_the_servers_words_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with make_server(2, {0: "too long", 1: "denied"}) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        assert [result.message for result in run(server, 2)] == [
            "HTTP 400: the context holds 4096 tokens; Bearer (key)",
            "HTTP 401: the key in OPENAI_API_KEY is refused",
        ]
        monkeypatch.delenv("OPENAI_API_KEY")
        assert run(server, 2)[1].message == "HTTP 401: OPENAI_API_KEY is not set, so no key was sent"


@pytest.mark.parametrize("address", ["http://ann:hunter2@host/v1", "http://host/v1?api_key=hunter2"])
def test_address_that_holds_a_secret_is_refused_because_settings_are_published(address: str) -> None:
    with pytest.raises(ConfigError, match="base_url") as caught:
        OpenAIAnnotator({"model": "m", "base_url": address})
    assert "hunter2" not in str(caught.value)


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


def shown(path: Path | None, **options: Any) -> Any:
    """The parts of the user message for a clip with this video."""
    annotator = OpenAIAnnotator({"model": "m", **options})
    chat = question(dataclasses.replace(make_request(0), media_path=path and str(path)), annotator.teacher, "annotate")
    return annotator.payload(chat)["messages"][1]["content"]


def test_video_travels_as_frames_or_whole_and_the_same_every_time(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "clip.mp4"
    path.write_bytes(make_video("happiness", "red", 0, n_frames=40, side=112))
    parts = shown(path, n_frames=4, max_side=64)
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert [part["type"] for part in parts] == ["image_url"] * 4 + ["text"]
    for url in urls:
        picture = Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))))
        assert (picture.format, max(picture.size)) == ("JPEG", 64)
    assert shown(path, n_frames=4, max_side=64) == parts
    (video, _) = shown(path, send="video")
    assert base64.b64decode(video["video_url"]["url"].partition(",")[2]) == path.read_bytes()
    assert isinstance(shown(path, send="nothing"), str)  # some servers know no list of parts


def test_body_can_be_fitted_to_a_server_and_what_it_is_given_shapes_the_key() -> None:
    thinking = '{"chat_template_kwargs": {"enable_thinking": false}, "seed": null}'
    plain = OpenAIAnnotator({"model": "m"})
    fitted = OpenAIAnnotator({"model": "m", "max_tokens_field": "max_completion_tokens", "extra_body": thinking})
    body = fitted.payload(question(make_request(0), fitted.teacher, "annotate"))
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert body["max_completion_tokens"] == 2048
    assert not {"seed", "max_tokens"} & body.keys()
    assert fitted.fingerprint() != plain.fingerprint()
    for wrong in ("{", "[1]"):
        with pytest.raises(ConfigError, match="extra_body"):
            OpenAIAnnotator({"model": "m", "extra_body": wrong})


def test_empty_answer_is_shown_back_as_no_empty_turn() -> None:
    with make_server(1, {0: "says nothing"}) as server:
        assert run(server, 1)[0].annotation is not None
        assert all(turn["content"] for body in server.bodies for turn in body["messages"])
        assert len(server.bodies) == 2


def test_model_is_never_asked_about_a_video_that_cannot_be_shown(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with make_server(1) as server:
        annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **QUICK})
        annotator.open()
        for path in (broken, tmp_path / "absent.mp4"):
            (result,) = annotator.annotate([dataclasses.replace(make_request(0), media_path=str(path))])
            assert result.reason is Reason.DECODE_FAILED
        assert not server.bodies
