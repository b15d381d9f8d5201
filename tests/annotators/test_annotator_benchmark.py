"""The benchmark of the cues against human labels: layouts, hand-computed measures, abstention."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "annotators.py"
    spec = importlib.util.spec_from_file_location("bench_annotators", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules["bench_annotators"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_measures_equal_hand_computed_values_and_abstention_adds_no_class(bench: ModuleType) -> None:
    pairs = [
        (("happy",), "happy"),
        (("happy",), "sad"),
        (("sad", "worried"), "worried"),
        (("sad",), "sad"),
        (("sad",), ""),
    ]
    found = bench.measure(pairs)
    assert found.accuracy == pytest.approx(2 / 5)
    assert found.uar == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.hit_rate == pytest.approx(3 / 5)
    f1 = {"happy": 2 / (2 + 1), "sad": 2 / (3 + 2)}
    assert found.macro_f1 == pytest.approx(sum(f1.values()) / 2)
    assert found.weighted_f1 == pytest.approx((2 * f1["happy"] + 3 * f1["sad"]) / 5)


@pytest.mark.parametrize(
    ("text", "taxonomy", "truths"),
    [
        ("names,emotions,subtitles,reasons\na,\"生气,担忧\",你给我滚,理由\nb,高兴,,理由\n", "mer6",
         [("angry", "worried"), ("happy",)]),
        ("name,discrete\nsample_1,worried\nsample_2,nonsense\n", "mer6", [("worried",)]),
        ("video_name,label\n1,7\n2,1\n3,9\n", "dfew7", [("fear",), ("happy",)]),
        ("transcript,label\nI am so happy,joy\n", "mer6", [("happy",)]),
    ],
)  # fmt: skip
def test_public_layouts_are_read(bench: ModuleType, tmp_path: Path, text: str, taxonomy: str, truths: list) -> None:
    rows, chosen, _ = bench.read_rows(write(tmp_path / "l.csv", text), None)
    assert chosen == taxonomy
    assert [row.truth for row in rows] == truths


def test_command_prints_the_measures_of_a_transcript_file(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "transcript,label\nI am so happy to see you,happy\n我好害怕，救命,恐惧\nThe train leaves at nine,neutral\n"
    assert bench.main([str(write(tmp_path / "l.csv", text)), "--taxonomy", "dfew7"]) == 0
    shown = capsys.readouterr().out
    assert "abstention rate 0.333" in shown
    assert "WAR 0.667" in shown
    assert "WAR 1.000" in shown


def test_unknown_layout_is_named(bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run([str(write(tmp_path / "l.csv", "x,y\n1,2\n"))]) == 2
    assert "no known layout" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_told_in_one_line_and_short_rows_are_left_out(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign.csv"
    foreign.write_bytes("转写,label\n我很高兴,happy\n".encode("gbk"))
    for path in (foreign, tmp_path / "none.csv"):
        assert bench.run([str(path)]) == 2
        told = capsys.readouterr().err
        assert f"cannot read {path}" in told
        assert len(told.strip().splitlines()) == 1
    rows, _, unknown = bench.read_rows(write(tmp_path / "short.csv", "name,discrete\na,happy\nb\n"), None)
    assert [row.name for row in rows] == ["a"]
    assert unknown == 1
