"""Whatever is wrong with the machine or the command, the answer is one line: what, where, what to do."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pytest

from ver_pipeline.cli import main, show_log


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    status = main([str(argument) for argument in arguments])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "overrides", "says"),
    [
        ("clip: 3\n", ["clip.max_s=3"], "clip is not a mapping"),
        ("a: [1\n", [], "is not YAML"),
        ("\xff\xfe", [], "cannot be read"),
        ("", ["clip.max_s=[1"], "is not YAML"),
        ("clip: {min_s: 5, max_s: 4}\n", [], "max_s (4) is less than min_s (5)"),
        ("clip: {preset: fastest}\n", [], "clip.preset"),
        ("speech: {languages: []}\n", [], "speech.languages"),
    ],
)
def test_a_setting_that_is_not_understood(tmp_path, capsys, text, overrides, says):
    file = tmp_path / "my.yaml"
    file.write_text(text, "latin-1")
    sets = [part for override in overrides for part in ("--set", override)]
    status, told = said(capsys, "config", "show", "--config", file, *sets)
    assert (status, says in told, told.count("\n")) == (2, True, 1), told


def test_a_section_without_a_value_keeps_its_defaults(tmp_path, capsys):
    (tmp_path / "my.yaml").write_text("clip:\n  # max_s: 12\n")
    assert main(["config", "show", "--config", str(tmp_path / "my.yaml"), "--set", "clip.max_s=9"]) == 0
    assert "max_s: 9" in capsys.readouterr().out


def test_a_plan_for_a_folder_whose_parents_are_not_there_yet(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert main(["plan", "--source", str(tmp_path), "--out", str(tmp_path / "x" / "y" / "z")]) == 0


def test_a_plan_for_a_gpu_that_is_not_here(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ver_pipeline.hardware.gpus.shutil.which", lambda _: None)
    (tmp_path / "a.mp4").touch()
    plan = ("plan", "--source", tmp_path, "--out", tmp_path / "out", "--profile", "gpu")
    status, told = said(capsys, *plan)
    assert (status, "this machine has 0" in told, told.count("\n")) == (1, True, 1), told
    assert main([*map(str, plan), "--ray-address", "head:6379"]) == 0


def test_a_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").touch()
    status, told = said(capsys, "footage", "fetch", tmp_path / "file")
    assert (status, str(tmp_path / "file") in told, told.count("\n")) == (1, True, 1), told


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "Permission denied")])
def test_a_disk_that_is_full_or_closed_while_the_driver_writes(tmp_path, capsys, monkeypatch, code, says):
    (tmp_path / "a.mp4").touch()

    def refuse(work):
        raise OSError(code, "Permission denied", str(work.root / "lock"))

    monkeypatch.setattr("ver_pipeline.shards.lock.locked", refuse)
    status, told = said(capsys, "build", "--source", tmp_path, "--out", tmp_path / "out")
    assert (status, says in told, "lock" in told, told.count("\n")) == (1, True, True, 1), told


def test_a_foreign_name_in_an_error_or_a_warning_sends_the_terminal_no_command_and_no_second_line(tmp_path, capsys):
    name = "a\x1b]0;title\x07\nver build: all is well\x9b2J"
    status, told = said(capsys, "infer", tmp_path, tmp_path / name)
    assert (status, told.count("\n"), told.strip().isprintable()) == (2, 1, True), told
    logger = logging.getLogger("ver_pipeline.test")
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    root.handlers.clear()
    try:
        show_log(logging.WARNING)
        logger.warning("bad sample %s", name)
    finally:
        root.handlers[:] = before
    told = capsys.readouterr().err
    assert (told.count("\n"), told.strip().isprintable()) == (1, True), told
