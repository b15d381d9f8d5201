"""What canaries found shapes what is asked and kept: of a blind teacher nothing visible, of a mended one everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import videos
from server_kit import QUICK, make_server
from standin_server import StandIn
from teacher_kit import good_answer, make_request, teacher
from test_reannotate import make_data_set
from test_standing_sets import asking, serving

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.canaries.guard import Guard
from ver_pipeline.annotators.teacher.chat import Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.cli import main
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.record_annotation import Senses
from ver_pipeline.stages.annotate import AnnotateStage

BLIND = Senses(sight="refused", failed=("sight: frames dropped",))


def hidden(frames: list[Any]) -> list[Any]:
    return []


def stage(server: StandIn, folder: Path, every: int = 500) -> AnnotateStage:
    options = {"openai": {"model": "m", "base_url": server.base_url, **QUICK, "timeout_s": 30}}
    return AnnotateStage(AnnotateConfig(annotator="openai", options=options, canary_every=every), folder)


def row(i: int) -> dict[str, Any]:
    request = make_request(i)
    parts = {"clip": dict(request.clip), "speech": dict(request.speech), "measured": dict(request.measured)}
    return {"key": request.key, "media_path": None, **parts}


def test_of_a_blind_teacher_nothing_visible_is_taken_and_what_is_dropped_is_counted() -> None:
    request = make_request(0)
    good = good_answer(request)
    unsure = {"labels": [], "primary": "undetermined", "valence": None, "arousal": None, "intensity": None,
              "ambiguity": "high", "transitions": [], "confidence": 0.1, "mixed": False}  # fmt: skip
    text = {
        "description_en": "It stays open what the speaker feels; the voice alone does not tell, and the words seem too "
        "few to settle it. The clip appears undetermined.",
        "description_zh": "说话者的感受难以判断；仅凭声音无法确定，所说的话似乎也不足以说明问题。"
        "该片段的情绪看起来无法确定。",
    }
    whole = {**good, **unsure, **text, "cited_eids": []}
    asked = []

    def complete(chat: Any) -> Completion:
        asked.append(chat)
        return Completion(json.dumps({name: whole[name] for name in chat.schema["required"]}, ensure_ascii=False))

    result = lead(talk(request, teacher().with_senses(BLIND)), complete)
    assert "No picture of this clip is shown to you" in asked[0].system + asked[0].user
    assert asked[0].media_path is None
    modality = asked[0].sent_schema["properties"]["observations"]["items"]["properties"]["modality"]
    assert modality["enum"] == ["acoustic", "lexical", "context"]
    n_visible = sum(seen["modality"] in ("face", "body", "scene") for seen in good["observations"])
    assert n_visible and result.usage.unseen >= n_visible
    assert result.annotation is not None, result.message
    assert {seen["modality"] for seen in result.annotation["observations"]} <= {"acoustic", "lexical", "context"}
    assert all(seen["source"] != "vlm" for seen in result.annotation["observations"])
    assert result.annotation["provenance"]["senses"] == BLIND.model_dump(mode="json")
    assert result.annotation["provenance"]["sampling"]["n_frames"] == 0


def test_a_model_that_was_never_to_see_has_no_evidence_of_its_own_eye() -> None:
    with make_server(1) as server:
        annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, "send": "nothing", **QUICK})
        annotator.open()
        told = annotator.annotate([make_request(0)])[0].annotation
    assert told is not None
    assert all(seen["source"] != "vlm" for seen in told["observations"] if seen["modality"] != "acoustic")
    assert told["provenance"]["senses"]["sight"] == "unproven"


def test_a_refused_sense_is_cached_apart_and_a_proven_one_is_not(tmp_path: Path) -> None:
    with make_server(1) as server:
        fresh = stage(server, tmp_path)
        before = fresh.fingerprint()
        assert fresh.prove() == ["openai: sight proven (read back 100%); hearing unproven"]
        assert fresh.fingerprint() == before
        server.hinder = hidden
        assert "sight refused (read back 0%): frames missing" in fresh.prove()[0]
        blind = fresh.fingerprint()
        assert blind != before
        assert stage(server, tmp_path).fingerprint() == blind, "another process knows it too"
        server.hinder = None
        fresh.prove()
        assert stage(server, tmp_path).fingerprint() == before, "a mended server is asked as ever"


def test_a_sense_that_is_lost_on_the_way_stops_the_run_and_one_that_stays_does_not(tmp_path: Path) -> None:
    with make_server(12) as server:
        running = stage(server, tmp_path, every=4)
        running.open()
        running.prove()
        for start in (0, 4):
            running.run([row(i) for i in range(start, start + 4)])
        assert server.canaries == 9, "three questions before the run, and three after each four clips"
        server.hinder = hidden
        with pytest.raises(VerError, match=r"openai lost a sense on the way: .*sight refused"):
            running.run([row(i) for i in range(8, 12)])


def test_when_a_canary_ran_shapes_no_record(tmp_path: Path) -> None:
    annotations = []
    for every in (1, 2, 500):
        with make_server(4) as server:
            running = stage(server, tmp_path / str(every), every)
            running.prove()
            annotations.append([one for i in range(4) for one in running.run([row(i)])])
    assert annotations[0] == annotations[1] == annotations[2]


def test_without_canaries_nothing_is_proven_and_nobody_is_asked(tmp_path: Path) -> None:
    with make_server(1) as server:
        running = stage(server, tmp_path, every=0)
        assert running.prove() == []
        told = running.run([row(0)])[0]
        assert server.canaries == 0
    assert isinstance(told, dict)
    assert told["annotation"]["provenance"]["senses"]["sight"] == "unproven"


def test_where_nobody_answers_what_was_known_stays(tmp_path: Path) -> None:
    with make_server(1) as server:
        server.hinder = hidden
        options = {"model": "m", "base_url": server.base_url, **QUICK, "timeout_s": 30}
        Guard(OpenAIAnnotator(options), tmp_path, 500).before_run()
    gone = Guard(OpenAIAnnotator(options), tmp_path, 500)
    report = gone.before_run()
    assert report is not None and not report.reached
    assert gone.annotator.teacher.senses.sight == "refused"


def test_a_blind_server_invents_nothing_and_the_mended_one_completes_the_set_and_all_of_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    film = videos.good(tmp_path / "film.mp4", 8.0).read_bytes()
    out = make_data_set(tmp_path, [film, film])
    with serving(out) as server:
        server.hinder = hidden
        server.shapes = {}
        assert main(["annotate", str(out), *asking(server, send="frames")]) == 1
        assert "openai: sight refused (read back 0%): frames missing: no card was seen" in caplog.text
        server.hinder = None
        assert main(["annotate", str(out), *asking(server, send="frames")]) == 0
        assert "openai: sight proven (read back 100%); hearing unproven" in capsys.readouterr().out
    with open_dataset(out) as data:
        sent = data.sql("SELECT sight, hearing, canary_hit_rate, rows_in, rows_out FROM runs WHERE stage LIKE 'can%'")
        assert sent.rows() == [("proven", "unproven", 1.0, 1, 1)]
        known = data.sql("SELECT DISTINCT annotator, sight, senses_failed FROM annotations ORDER BY ALL").rows()
        assert ("openai", "proven", None) in known
        assert ("cues", "unproven", None) in known
    assert main(["report", str(out), "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Senses of the teachers" in page and "read back right" in page
