"""``ver build`` with a paid teacher over the real DAG: the words around a clip, and the money."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import videos
from standin_server import DURATION, StandIn, asked_text
from teacher_kit import good_answer, make_request

from ver_pipeline.annotators.base import Result
from ver_pipeline.annotators.health import GONE_AFTER, Health
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.cli import main
from ver_pipeline.dag import make_dag
from ver_pipeline.engine.cache import project, stage_digest, unit_key
from ver_pipeline.engine.runner import Runner
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.sources.rows import source_rows
from ver_pipeline.stages.annotate import AnnotateStage, request_of
from ver_pipeline.stages.base import Row

LENGTHS_S = (3.0, 4.0, 3.5)
SAID = ("Did you hear from the hospital?", "The train leaves at noon.", "We should call your sister.")
TELLING = ("hospital", "train", "sister")
PRICES = {"price_in": 1000.0, "price_out": 10000.0}  # a million tokens: 0.1 and 0.5 for an answer of the stand-in
ANSWER_COST = 0.1 + 0.5
AROUND = {
    "eid": "c1", "modality": "context", "start_s": None, "end_s": None, "quote": None, "text_en": "Plans are made.",
    "text_zh": "有人在商量接下来的安排。", "supports": [], "confidence": 0.5,
}  # fmt: skip


class Reader(StandIn):
    """Tells clips apart by what is said in them where a prompt holds no facts."""

    def clip_of(self, text: str) -> float:
        told = DURATION.findall(text)
        if told:
            return float(told[0])
        last = max(TELLING, key=text.rfind)  # what surrounds a clip stands before its own words
        return list(self.answers)[TELLING.index(last)]

    def good_answer(self, body: dict[str, Any], wanted: list[str], duration: float) -> dict[str, Any]:
        about = body["messages"][0]["content"]
        if "just before and just after" in about:
            return {"observations": [AROUND]}
        good = super().good_answer(body, wanted, duration)
        modality = "lexical" if "modality lexical" in about else "scene"
        if wanted == ["observations"]:
            return {"observations": [seen for seen in good["observations"] if seen["modality"] == modality]}
        return good


def stamp(at_s: float) -> str:
    return f"00:00:{int(at_s):02d},{round(at_s % 1 * 1000):03d}"


def make_videos(folder: Path) -> None:
    """A video of three shots with a sentence in each, as subtitles beside it."""
    folder.mkdir()
    videos.shots(folder / "film.mp4", LENGTHS_S)
    lines, at_s = [], 0.0
    for i, (length_s, text) in enumerate(zip(LENGTHS_S, SAID, strict=True), start=1):
        lines.append(f"{i}\n{stamp(at_s + 1)} --> {stamp(at_s + 2)}\n{text}\n")
        at_s += length_s
    (folder / "film.srt").write_text("\n".join(lines), encoding="utf-8")


def settings(base_url: str, **options: Any) -> dict[str, Any]:
    teacher = {"model": "m", "base_url": base_url, "send": "nothing", "flow": "staged", "context": True, **options}
    return {
        "speech": {"engine": "none"},
        "evidence": {"faces": False},
        "annotate": {"annotator": "openai", "options": {"openai": teacher}},
    }


def rows_before(name: str, config: BuildConfig, source: Path, work: WorkFolder) -> list[Row]:
    """The rows that reach the stage ``name``, through the real stages before it, without the engine."""
    work.media.mkdir(parents=True, exist_ok=True)
    rows = source_rows(list_sources(str(source), None, True))[0]
    for stage in itertools.takewhile(lambda stage: stage.name != name, make_dag(config, work)):
        runner = Runner(stage, work)
        rows = runner(rows)
        runner.close()
    return rows


def ver(folder: Path, action: str, server: StandIn, **options: Any) -> list[dict[str, Any]]:
    """Run a command on ``folder/raw`` and ``folder/out``; returns the published records."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings(server.base_url, **PRICES, **options)), encoding="utf-8")
    where = {"annotate": [str(folder / "out")], "plan": ["--source", str(folder / "raw"), "--out", str(folder / "out")]}
    assert main([action, *where.get(action, where["plan"]), "--config", str(config)]) == 0
    if action == "plan":
        return []
    with open_dataset(folder / "out") as data:
        return [record for _, record in read_records(data)]


def told_runs(folder: Path) -> list[dict[str, dict[str, Any]]]:
    """The runs kept in the work folder, each as its rows by stage."""
    lines = (folder / "out" / ".ver" / "runs.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [{row["stage"]: row for row in run} for _, run in itertools.groupby(rows, key=lambda row: row["run_id"])]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A server that knows good answers for the three clips."""
    folder = tmp_path_factory.mktemp("known")
    make_videos(folder / "raw")
    rows = rows_before(
        "annotate", BuildConfig.model_validate(settings("-")), folder / "raw", WorkFolder(folder / ".ver")
    )
    with Reader({row["clip"]["duration_s"]: good_answer(request_of(row)) for row in rows}, {}) as reader:
        yield reader


@pytest.fixture(scope="module")
def built(server: Reader, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of a build that had to ask for everything, and its records."""
    folder = tmp_path_factory.mktemp("built")
    make_videos(folder / "raw")
    return folder, ver(folder, "build", server)


def test_words_of_the_neighbours_reach_the_teacher_in_a_build(
    server: Reader, built: tuple[Path, list[dict[str, Any]]]
) -> None:
    _, records = built
    about = [asked_text(body) for body in server.bodies]
    (middle,) = [text for text in about if "said_before" in text and server.clip_of(text) == 4.0]
    around = middle[: middle.rindex("</data-", 0, middle.index(SAID[1]))]
    assert SAID[0] in around
    assert SAID[2] in around
    assert len(records) == 3
    for record in records:
        assert "clue_context/1.en" in record["provenance"]["prompt_ids"]
        assert "context" in {seen["modality"] for seen in record["observations"]}


def test_annotating_again_what_a_build_annotated_asks_nothing_and_changes_nothing(
    server: Reader, built: tuple[Path, list[dict[str, Any]]]
) -> None:
    folder, records = built
    before = len(server.bodies)
    assert ver(folder, "annotate", server) == records
    assert len(server.bodies) == before
    assert told_runs(folder)[-1]["annotate"]["cost"] == 0.0


def test_money_of_a_build_stands_in_runs_once_and_only_for_what_was_asked(
    server: Reader, built: tuple[Path, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, records = built
    first = told_runs(folder)[0]
    n_calls = sum(record["provenance"]["attempts"] for record in records)
    assert first["annotate"]["cost"] == pytest.approx(n_calls * ANSWER_COST)
    assert (first["annotate"]["tokens_in"], first["annotate"]["tokens_out"]) == (n_calls * 100, n_calls * 50)
    assert next(iter(first)) == "annotate-estimate"
    assert first["annotate-estimate"]["cost_estimate"] > 0
    assert sum(row.get("cost", 0.0) for row in first.values()) == first["annotate"]["cost"]
    before = len(server.bodies)
    assert ver(folder, "build", server) == records
    again = told_runs(folder)[-1]
    assert len(server.bodies) == before
    assert (again["annotate"]["cost"], again["annotate"]["tokens_in"]) == (0.0, 0)
    assert again["annotate-estimate"]["cost_estimate"] == 0.0
    assert "0 clips wait; 0 s of video not cut yet" in capsys.readouterr().err
    with open_dataset(folder / "out") as data:
        ((spent,),) = data.sql("SELECT sum(cost) FROM runs").rows()
    assert spent == pytest.approx(n_calls * ANSWER_COST)


def test_a_build_whose_teacher_cannot_be_reached_publishes_nothing_and_keeps_what_stands(
    built: tuple[Path, list[dict[str, Any]]], server: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, records = built
    config = folder / "gone.json"
    gone = settings("http://127.0.0.1:9/v1", model="another", tries=1, backoff_s=0.01)
    config.write_text(json.dumps(gone), encoding="utf-8")
    manifest = (folder / "out" / "manifest.json").read_bytes()
    where = ["--source", str(folder / "raw"), "--out", str(folder / "out"), "--config", str(config)]
    assert main(["build", *where]) == 1
    told = capsys.readouterr().err
    assert "no clip was annotated (3 waiting): " in told
    assert "run the same command again" in told
    assert (folder / "out" / "manifest.json").read_bytes() == manifest
    assert ver(folder, "build", server) == records


def test_a_teacher_that_is_gone_stops_the_work_and_one_that_stumbles_does_not() -> None:
    request = make_request(0)
    bad = Result(request.key, reason=Reason.TEACHER_UNAVAILABLE, message="HTTP 503")
    good = Result(request.key, annotation={})
    health = Health("openai", 0.5)
    for _ in range(3):
        health.note([bad] * (GONE_AFTER - 1))
        health.note([good])
    with pytest.raises(VerError, match=r"openai did not answer for 32 clips in a row: HTTP 503"):
        health.note([bad] * GONE_AFTER)


def test_plan_tells_the_money_only_where_somebody_has_a_price(
    server: Reader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_videos(tmp_path / "raw")
    before = len(server.bodies)
    ver(tmp_path, "plan", server)
    told = capsys.readouterr().out
    assert "0 clips wait; 11 s of video not cut yet, at 11.0 s a clip; no clip is known" in told
    assert "money unknown" not in told
    assert main(["plan", "--source", str(tmp_path / "raw"), "--out", str(tmp_path / "out")]) == 0
    assert "money" not in capsys.readouterr().out
    assert len(server.bodies) == before


def test_neighbours_count_in_the_cache_only_for_those_who_ask_about_them() -> None:
    def key(around: dict[str, Any], asks: bool) -> str:
        config = BuildConfig.model_validate(settings("-", context=asks))
        stage = AnnotateStage(config.annotate)
        parts = {name: {} for name in ("clip", "speech", "measured")}
        row = {"key": "k", "media_path": "m", **parts, "context": around, "source": {"title": None}}
        return unit_key(stage_digest(stage), project(row, stage.reads))

    one, other = {"before": "a", "after": None}, {"before": "b", "after": None}
    assert key(one, asks=False) == key(other, asks=False)
    assert key(one, asks=True) != key(other, asks=True)


def test_build_whose_teacher_says_nothing_usable_of_a_clip_keeps_the_record_that_stands_and_a_rerun_completes_it(
    built: tuple[Path, list[dict[str, Any]]], server: Reader
) -> None:
    folder, records = built
    server.manners[4.0] = "prose"
    after = ver(folder, "build", server, model="another", retries=0)
    server.manners.clear()
    assert [record["key"] for record in after] == [record["key"] for record in records]
    (stands,) = [record for record in after if record["provenance"]["model"] == "m"]
    assert stands["clip"]["duration_s"] == 4.0
    assert [f["message"] for f in stands["verdict"]["findings"] if f["code"] == "A01"] == [
        "asked again: not_json: the answer holds no JSON object"
    ]
    with open_dataset(folder / "out") as data:
        assert data.sql("SELECT count(*) FROM rejects WHERE key IS NOT NULL").rows()[0][0] == 0
    assert main(["lint", str(folder / "out")]) == 0
    done = ver(folder, "build", server, model="another", retries=0)
    assert {record["provenance"]["model"] for record in done} == {"another"}
