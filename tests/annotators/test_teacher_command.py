"""``ver teacher``: what fits into a card, whose licence is asked first, and what a server turns out to be worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import videos
from test_reannotate import make_data_set
from test_standing_sets import asking, files, serving, written

from ver_pipeline.assets import store
from ver_pipeline.cli import main
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.serving.catalog import TEACHERS, CpuTeacher, GpuTeacher
from ver_pipeline.serving.plan import ANSWER_TOKENS, LEAST_AT_ONCE, TEXT_TOKENS, UTILISATION, WORKING_GB, plan

ON_GPU = [one for one in TEACHERS.values() if isinstance(one, GpuTeacher)]


@pytest.mark.parametrize("card_gb", [24.0, 40.0, 80.0])
@pytest.mark.parametrize("teacher", ON_GPU, ids=lambda one: one.name)
def test_what_is_planned_fits_into_the_card(teacher: GpuTeacher, card_gb: float) -> None:
    made = plan(teacher, card_gb)
    held_gb = made.at_once * made.max_model_len * teacher.kv_bytes_per_token / 1e9
    assert teacher.weights_gb + held_gb + WORKING_GB <= card_gb * UTILISATION
    side = -(-made.max_side // teacher.patch_px)
    assert TEXT_TOKENS + ANSWER_TOKENS + made.n_frames * side * side <= made.max_model_len


@pytest.mark.parametrize("teacher", ON_GPU, ids=lambda one: one.name)
def test_a_larger_card_is_never_given_less(teacher: GpuTeacher) -> None:
    small, middle, large = (plan(teacher, gb) for gb in (24.0, 40.0, 80.0))
    shown = [one.n_frames * one.max_pixels for one in (small, middle, large)]
    assert shown == sorted(shown)
    assert middle.at_once >= LEAST_AT_ONCE and large.at_once >= LEAST_AT_ONCE


def test_a_model_that_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(UsageError, match=r"does not fit into 16 GB: its weights alone are 16\.6 GB"):
        plan(ON_GPU[1], 16.0)


def test_the_command_and_the_options_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teacher", "up", "qwen2.5-omni-7b", "--show", "--gpu-gb", "40", "--port", "8123"]) == 0
    told = capsys.readouterr().out
    options = json.loads(told.split("annotate.options=")[1].split("'")[0])["openai"]
    assert f'"image": {options["n_frames"]}' in told and '"audio": 1' in told
    assert f'"max_pixels": {options["max_side"] ** 2}' in told
    assert options["base_url"] == "http://127.0.0.1:8123/v1" and "--host 127.0.0.1" in told


@pytest.mark.parametrize("name", sorted(TEACHERS))
def test_nothing_is_fetched_or_started_before_the_licence_is_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")  # there is no vllm to start, and no client to fetch with
    assert main(["teacher", "up", name, "--gpu-gb", "80"]) == 1
    told = capsys.readouterr().out
    assert "licence of " in told and "repeat this with --accept-license" in told
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("nothing", [["--clips", "0"], ["--clips", "-1"], ["--limit-s", "0"], ["--limit-s", "nan"]])
def test_a_check_of_no_clip_is_refused_in_one_line(
    tmp_path: Path, nothing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = make_data_set(tmp_path, [b"one"])
    capsys.readouterr()
    assert main(["teacher", "check", str(out), *nothing]) == 2
    assert "no clip may be asked about" in capsys.readouterr().err


def test_a_server_that_is_not_installed_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["teacher", "up", "qwen2.5-omni-7b", "--gpu-gb", "80", "--accept-license"]) == 1
    told = capsys.readouterr().err
    assert "vllm is not installed" in told and "pip install" in told


def test_no_build_fetches_a_teacher() -> None:
    asset = store.assets()["qwen2.5-coder-1.5b"]
    assert asset.kind == "teacher"
    assert "qwen2.5-coder-1.5b" not in store._names("model")
    assert isinstance(TEACHERS[asset.name], CpuTeacher)


def test_a_check_says_what_a_server_is_worth_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = videos.good(tmp_path / "film.mp4", 8.0).read_bytes()
    out = make_data_set(tmp_path, [film, film])
    before = files(out)
    with serving(out) as server:
        server.shapes = {}
        paid = asking(server, send="frames", price_in=1000.0)[2:]
        assert main(["teacher", "check", str(out), "--clips", "2", *paid]) == 0
        told = capsys.readouterr().out
        assert "openai: sight proven (read back 100%); hearing unproven" in told
        assert "2 clips asked: 2 kept, of which 0 repaired; accept rate 1.00" in told
        assert "a thousand clips: 100000 tokens in, 50000 out" in told and "cost 100.00" in told
        server.shapes = dict.fromkeys(server.answers, written("half"))
        assert main(["teacher", "check", str(out), *paid]) == 1
        assert "rejected: truncated_answer" in capsys.readouterr().out
    assert files(out) == before
