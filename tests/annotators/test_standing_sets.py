"""A teacher whose answers are of no use costs a standing data set nothing, and the mended one completes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from answer_shapes import LOST, UNREADABLE, reply, said
from server_kit import QUICK, make_server, run
from standin_server import StandIn
from teacher_kit import good_answer, make_request
from test_reannotate import make_data_set, read

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.health import LEAST, Health
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.cli import main
from ver_pipeline.engine.fence import run_fenced
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.annotate import AnnotateStage, request_of


class Odd(StandIn):
    """Sends for some clips, by their durations, what ``shapes`` makes of the good answer."""

    shapes: dict[float, Callable[[dict[str, Any]], str]]

    def _behave(self, handler: Any, body: dict[str, Any], duration: float, turn: int) -> None:
        wanted = body["response_format"]["json_schema"]["schema"]["required"]
        shape = self.shapes.get(duration)
        if shape is None:
            super()._behave(handler, body, duration, turn)
        else:
            self._send(handler, 200, shape(self.good_answer(body, wanted, duration)).encode())


def written(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda good: reply(said(UNREADABLE[name](good)))


def carried(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda good: LOST[name](json.dumps(good))


def requests_of(out: Path) -> list[Request]:
    with open_dataset(out) as data:
        requests = [request_of({**record, "media_path": None}) for _, record in read_records(data)]
    return sorted(requests, key=lambda request: request.key)


def serving(out: Path, shapes: list[Callable[[dict[str, Any]], str]] | None = None) -> Odd:
    """A server for the set's clips, told apart by durations; the first clips' are answered by ``shapes``."""
    requests = requests_of(out)
    server = Odd({request.clip["duration_s"]: good_answer(request) for request in requests}, {})
    server.shapes = dict(zip((r.clip["duration_s"] for r in requests), shapes or [], strict=False))
    return server


def asking(server: StandIn, *more: str, **options: Any) -> list[str]:
    table = {
        "openai": {"model": "m", "base_url": server.base_url, "send": "nothing", **QUICK, "timeout_s": 30, **options}
    }
    return ["--annotator", "openai", "--set", "annotate.options=" + json.dumps(table), *more]


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def told_apart(tmp_path: Path) -> Path:
    """A data set of nine clips whose durations differ."""
    return make_data_set(tmp_path, [f"video {i}".encode() for i in range(9)])


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (written("closing tag only"), "reasoning only"),
        (carried("draft among its reasoning"), "reasoning only, with nothing after it; it said: '"),
        (written("web page"), "the answer is a web page; it said: 'a web page: Sign in"),
        (written("half"), "the JSON ends before it is complete"),
        (carried("refused"), "the model refused to answer"),
    ],
)
def test_teacher_that_is_misread_throughout_changes_nothing_and_the_mended_one_completes_the_set(
    shape: Callable[[dict[str, Any]], str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told_apart(tmp_path)
    before = files(out)
    with serving(out) as server:
        server.shapes = dict.fromkeys(server.answers, shape)
        assert main(["annotate", str(out), *asking(server, retries=0)]) == 1
        error = capsys.readouterr().err
        assert "9 of 9 answers of openai cannot be used" in error and words in error, error
        assert len(error.strip().splitlines()) == 1
        assert files(out) == before
        server.shapes = {}
        assert main(["annotate", str(out), *asking(server, retries=0)]) == 0
    assert {record["provenance"]["model"] for record in read(out)[0].values()} == {"m"}


@pytest.mark.parametrize("shape", ["error", "web page", "empty", "null choice"])
def test_server_that_answers_with_an_error_and_status_200_is_unavailable(
    shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make_data_set(tmp_path, [b"one", b"two"])
    before = files(out)
    with serving(out) as server:
        server.shapes = dict.fromkeys(server.answers, carried(shape))
        assert main(["annotate", str(out), *asking(server, tries=1)]) == 1
        assert "no clip was answered: no answer: " in capsys.readouterr().err
        assert files(out) == before
        server.shapes = {}
        assert main(["annotate", str(out), *asking(server)]) == 0


def test_one_bad_answer_costs_one_clip_which_keeps_its_annotation_and_is_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told_apart(tmp_path)
    before, _ = read(out)
    first, second = sorted(before)[:2]
    with serving(out, [written("half a character"), written("two that differ")]) as server:
        assert main(["annotate", str(out), *asking(server, retries=0)]) == 0
        assert "2 clips stay as they were: not_json" in capsys.readouterr().out
        after, _ = read(out)
        assert sorted(after) == sorted(before)
        for key in (first, second):
            assert after[key]["description"] == before[key]["description"]
        with open_dataset(out) as data:
            marks = data.sql("SELECT key, code, severity FROM findings WHERE code = 'A01' ORDER BY key").rows()
            told = data.sql("SELECT count(*) FROM rejects WHERE key IS NOT NULL").rows()
        assert list(map(tuple, marks)) == [(first, "A01", "flag"), (second, "A01", "flag")]
        assert told[0][0] == 0
        asked = sum(server.asked.values())
        server.shapes = {}
        assert main(["annotate", str(out), *asking(server, retries=0)]) == 0
        assert sum(server.asked.values()) == asked + 2
    done, _ = read(out)
    assert {record["provenance"]["model"] for record in done.values()} == {"m"}
    assert all("A01" not in {f["code"] for f in record["verdict"]["findings"]} for record in done.values())


def test_what_is_raised_about_one_clip_costs_that_clip_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Fragile:
        name, batch_size, resources = "fragile", 4, None

        def run(self, rows: list[dict[str, Any]]) -> list[Any]:
            return [{"length": len(row["text"])} for row in rows]

    outcomes = run_fenced(
        Fragile(), [{"key": "a", "text": "x"}, {"key": "b", "text": None}, {"key": "c", "text": "xyz"}]
    )  # type: ignore[arg-type]
    assert [outcome if isinstance(outcome, dict) else outcome.reason for outcome in outcomes] == [
        {"length": 1}, Reason.INTERNAL, {"length": 3},
    ]  # fmt: skip
    assert isinstance(outcomes[1], Reject) and outcomes[1].key == "b"
    assert "Traceback" in caplog.text


def test_answers_unreadable_in_one_way_stop_the_run_and_in_many_ways_do_not() -> None:
    def bad(i: int, message: str) -> Result:
        return Result(f"k{i}", reason=Reason.NOT_JSON, message=message, said="Bearer abcdefghijk was not taken")

    health = Health("openai", 0.5)
    for i in range(40):
        health.note([bad(i, f"way {'abcdefgh'[i % 8]}")])
    health = Health("openai", 0.5)
    health.note([bad(i, f"at {i}") for i in range(LEAST - 1)])
    with pytest.raises(VerError, match=r"8 of 8 .*: at 7; it said: 'Bearer \(key\) was not taken'"):
        health.note([bad(7, "at 7")])
    assert AnnotateStage(AnnotateConfig()).fingerprint() == AnnotateStage(AnnotateConfig(max_unread=0.1)).fingerprint()


class Slow(Odd):
    """Sends its reply byte by byte, for ever, or far more of it than anybody asked for."""

    manner: str

    def _behave(self, handler: Any, body: dict[str, Any], duration: float, turn: int) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        piece = b" " if self.manner == "drips" else b" " * (1 << 20)
        with suppress(OSError):
            for _ in range(40):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()
                time.sleep(0.05 if self.manner == "drips" else 0)
        handler.close_connection = True


@pytest.mark.parametrize(("manner", "words"), [("drips", "no answer within 0.3 s"), ("floods", "longer than 16777216")])
def test_reply_without_an_end_is_a_failed_try(manner: str, words: str) -> None:
    request = make_request(0)
    with Slow({request.clip["duration_s"]: good_answer(request)}, {}) as server:
        server.manner = manner
        (result,) = run(server, 1, tries=1, timeout_s=0.3 if manner == "drips" else 20)
    assert result.reason is Reason.TEACHER_UNAVAILABLE and words in result.message


def test_answers_of_earlier_versions_are_still_read(tmp_path: Path) -> None:
    with make_server(1) as server:
        first = run(server, 1, tmp_path, timeout_s=30)
        (path,) = tmp_path.rglob("openai/*/*.json")
        told = json.loads(json.loads(path.read_bytes())["body"])["choices"][0]
        path.write_bytes(
            canonical_json(
                {
                    "text": told["message"]["content"],
                    "finish": "stop",
                    "refusal": None,
                    "tokens_in": 100,
                    "tokens_out": 50,
                }
            )
        )
        again = run(server, 1, tmp_path, timeout_s=30)
        assert sum(server.asked.values()) == 1
    assert again[0].annotation == first[0].annotation
