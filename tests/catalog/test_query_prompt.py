"""The prompt of ``ver query``: queries over several lines, dot commands, errors that do not end it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from factory import make_records
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.prompt import prompt


def _talk(out: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with open_dataset(out) as data:
        prompt(data, 100)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    publish(tmp_path, make_records(6))
    return tmp_path


def test_a_query_may_span_lines_and_named_ones_run(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _talk(out, monkeypatch, "SELECT count(*) AS n\nFROM samples;\n@hours\n")
    shown = capsys.readouterr().out.splitlines()
    assert "     6" in shown or any(line.strip() == "6" for line in shown)
    assert any("mean_s" in line for line in shown)


def test_an_error_is_said_and_the_prompt_goes_on(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _talk(out, monkeypatch, "COPY samples TO 'x.csv';\nSELECT 40 + 2 AS answer;\n")
    said = capsys.readouterr()
    assert "refused" in said.err and "42" in said.out


def test_dot_commands_explain_and_leave(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _talk(out, monkeypatch, ".tables\n.queries\n.columns faces\n.nonsense\n.quit\nSELECT 'never' AS reached;\n")
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("evidence", "@class-balance", "p_happiness", ".columns TABLE"))
    assert "never" not in shown
