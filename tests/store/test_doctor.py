"""``ver doctor`` tells what is missing and what that costs, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ver_pipeline.cli import main
from ver_pipeline.media import ffmpeg


@pytest.fixture(autouse=True)
def fresh_ffmpeg() -> Iterator[None]:
    """Which ffmpeg serves is remembered per process: forget it before and after each test."""
    for remembered in (ffmpeg.ffmpeg_path, ffmpeg.ffmpeg_version):
        remembered.cache_clear()
    yield
    for remembered in (ffmpeg.ffmpeg_path, ffmpeg.ffmpeg_version):
        remembered.cache_clear()


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    lines = capsys.readouterr().out.splitlines()
    return {finding["name"]: finding for finding in map(json.loads, lines)}


def test_a_machine_that_can_build_passes_and_every_note_says_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = findings(capsys)
    assert {"ffmpeg", "disk here", "GPU", "packages", "whisper-base", "extra whisperx"} <= set(found)
    assert [f["name"] for f in found.values() if f["state"] != "ok" and not f["cost"]] == []


def test_a_missing_model_is_a_note_with_its_size_and_the_command_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VER_HOME", str(tmp_path / "empty"))
    assert main(["doctor", "--json"]) == 0
    found = findings(capsys)["whisper-base"]
    assert (found["state"], found["cure"]) == ("note", "ver models fetch whisper-base")
    assert "133 MB" in found["cost"]
    assert not (tmp_path / "empty").exists()


def test_an_ffmpeg_that_does_not_run_fails_the_check_with_a_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VER_FFMPEG", "/nowhere/ffmpeg")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "bad  ffmpeg" in said
    assert 'cure: pip install "ver-pipeline[build]", or set VER_FFMPEG' in said


def test_an_ffmpeg_without_the_needed_encoder_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\necho "ffmpeg version 0-small Copyright"\necho " A....D aac  AAC"\n')
    program.chmod(0o755)
    monkeypatch.setenv("VER_FFMPEG", str(program))
    assert main(["doctor", "--json"]) == 1
    found = findings(capsys)
    assert found["ffmpeg libx264"]["state"] == "bad"
    assert "ffmpeg aac" not in found
    assert found["ffmpeg fd"]["state"] == "bad"
