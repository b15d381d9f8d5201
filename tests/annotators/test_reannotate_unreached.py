"""``ver annotate`` where the model cannot be asked: nothing is known against a clip, so it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from server_kit import QUICK
from standin_server import StandIn
from teacher_kit import good_answer
from test_reannotate import make_data_set, read

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.cli import main
from ver_pipeline.stages.annotate import request_of


def asking(server: StandIn) -> list[str]:
    options = {"openai": {"model": "m", "base_url": server.base_url, "send": "nothing", **QUICK}}
    return ["--annotator", "openai", "--set", "annotate.options=" + json.dumps(options)]


def served(out: Path, manners: list[str]) -> StandIn:
    """A server that knows the set's clips and treats them as ``manners`` says, in order of their keys."""
    with open_dataset(out) as data:
        requests = [request_of({**record, "media_path": None}) for _, record in read_records(data)]
    requests.sort(key=lambda request: request.key)
    lengths = [request.clip["duration_s"] for request in requests]
    answers = {request.clip["duration_s"]: good_answer(request) for request in requests}
    return StandIn(answers, dict(zip(lengths, manners, strict=True)))


@pytest.mark.parametrize("more", [[], ["--add"]])
def test_server_that_answers_nobody_leaves_the_data_set_as_it_was(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    out = make_data_set(tmp_path, [b"one", b"two", b"three"])
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with served(out, ["denied"] * 3) as server:
        assert main(["annotate", str(out), *asking(server), *more]) == 1
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    told = capsys.readouterr().err
    assert "no clip was answered: HTTP 401: OPENAI_API_KEY is not set" in told
    assert len(told.strip().splitlines()) == 1


def test_clip_that_nobody_could_be_asked_about_keeps_its_record_until_a_rerun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make_data_set(tmp_path, [b"one", b"two", b"three"])
    before, videos = read(out)
    first, *others = sorted(before)
    with served(out, ["down", "good", "good"]) as server:
        assert main(["annotate", str(out), *asking(server)]) == 0
        after, videos_after = read(out)
        assert videos_after == videos
        assert after[first] == before[first]
        assert {after[key]["provenance"]["model"] for key in others} == {"m"}
        assert "1 clips stay as they were: teacher_unavailable" in capsys.readouterr().out
        asked = sum(server.answered.values())
        server.manners.clear()
        assert main(["annotate", str(out), *asking(server)]) == 0
        assert sum(server.answered.values()) == asked + 1  # the others were kept
    assert {record["provenance"]["model"] for record in read(out)[0].values()} == {"m"}
