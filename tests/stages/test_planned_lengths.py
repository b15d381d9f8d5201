"""``ver plan --clips`` tells how long the clips would be, and encodes nothing."""

from __future__ import annotations

import pytest
import videos

from ver_pipeline.cli import main

SETTINGS = ("--set", "speech.engine=none")


def test_planned_lengths_are_told_before_anything_is_encoded(tmp_path, capsys: pytest.CaptureFixture[str]):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    videos.shots(raw / "three.mp4", (3.0, 4.0, 9.0))
    command = ["plan", "--source", str(raw), "--out", str(out), *SETTINGS]
    assert main(command) == 0
    assert "clips: not known yet" in capsys.readouterr().out
    assert main([*command, "--clips"]) == 0
    told = capsys.readouterr().out
    assert "clips: 3 from 1 of 1 sources, 3.0 to 9.0 s, median 4.0 s" in told
    assert [line.split()[:5] for line in told.splitlines() if line.startswith("  ") and "#" in line] == [
        ["2", "to", "4", "s", "1"],
        ["4", "to", "6", "s", "1"],
        ["8", "to", "12", "s", "1"],
    ]
    assert not list((out / ".ver" / "media").rglob("*.mp4"))
    assert main(command) == 0  # what was found out is kept
    assert "clips: 3 from 1 of 1 sources" in capsys.readouterr().out
