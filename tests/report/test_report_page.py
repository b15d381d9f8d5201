"""The report's markup: figures from SQL, text escaped, media within bounds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from factory import make_record, make_records
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.cli import main
from ver_pipeline.report.figures import QUERIES, RUN_QUERIES
from ver_pipeline.report.page import write_report
from ver_pipeline.report.words import REASONS_ZH, WORDS
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.reasons import Reason


def _figures(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    publish(folder, make_records(30))
    return folder


def test_every_figure_on_the_page_is_the_answer_of_its_query(out: Path, tmp_path: Path) -> None:
    text = write_report(out, tmp_path / "r.html").read_text("utf-8")
    figures = _figures(text)
    with open_dataset(out) as data:
        for name, query in {**QUERIES, **RUN_QUERIES}.items():
            assert figures[name] == json.loads(json.dumps(data.sql(query).dicts(), default=str)), name
    for row in figures["labels"]:
        assert f'data-figure="labels" data-value="{row["n"]}"' in text


def test_the_plane_shows_every_sample_that_has_a_place(out: Path) -> None:
    placed = [r.emotion for r in make_records(30) if r.emotion.valence is not None and r.emotion.arousal is not None]
    with open_dataset(out) as data:
        rows = data.sql(QUERIES["plane"]).dicts()
    assert sum(row["n"] for row in rows) == len(placed)
    assert len({(row["valence"], row["arousal"]) for row in rows}) == len(rows)


def test_untrusted_text_never_becomes_markup(tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    record = make_record(0).model_dump(mode="json")
    record["speech"]["text"] = evil
    record["source"]["uri"] = evil
    record["description"] = {**record["description"], "en": evil, "zh": evil}
    record["observations"][0]["text_en"] = evil[:80]
    record["provenance"]["annotator"] = record["provenance"]["model"] = evil
    from ver_pipeline.schemas.record import parse_record

    publish(tmp_path, [parse_record(record)])
    text = write_report(tmp_path, tmp_path / "r.html").read_text("utf-8")
    assert text.count("<script") == 2 and text.count("</script>") == 2
    assert "<img src=x" not in text
    assert "script-src 'sha256-" in text and "default-src 'none'" in text


def test_the_page_is_the_same_twice(out: Path, tmp_path: Path) -> None:
    one, two = write_report(out, tmp_path / "1.html"), write_report(out, tmp_path / "2.html")
    assert one.read_bytes() == two.read_bytes()


def test_nothing_is_loaded_from_elsewhere(out: Path, tmp_path: Path) -> None:
    text = write_report(out, tmp_path / "r.html").read_text("utf-8")
    assert not re.search(r'(?:src|href|url)\s*[=(]\s*["\']?(?:https?:)?//', text)


def test_videos_stay_within_the_budget_and_every_label_plays_first(out: Path, tmp_path: Path) -> None:
    text = write_report(out, tmp_path / "r.html", media_budget_bytes=0).read_text("utf-8")
    assert "<video" not in text and "data:image/png" in text
    one_each = write_report(out, tmp_path / "s.html", media_budget_bytes=13 * 680).read_text("utf-8")
    cards = re.findall(r'<article class="card" data-label="(\w+)".*?</article>', one_each, re.S)
    with_video = re.findall(r'<article class="card" data-label="(\w+)"[^>]*><div class="left"><video', one_each)
    assert set(with_video) == set(cards) and len(with_video) == len(set(with_video)) == 13


def test_a_sample_flagged_sensitive_or_as_a_minor_is_not_pictured(tmp_path: Path) -> None:
    one, two, three = make_records(3)
    for name, record in (("minor_possible", one), ("sensitive", two)):
        safety = record.safety.model_copy(update={name: True})
        shown = [record.model_copy(update={"safety": safety}), three]
        publish(tmp_path / name, shown)
        text = write_report(tmp_path / name, tmp_path / "r.html").read_text("utf-8")
        assert record.key not in text and three.key in text


def test_expectations_that_did_not_run_are_not_shown_as_passed(out: Path, tmp_path: Path) -> None:
    publish(tmp_path)
    assert "Not run is not passed" in write_report(tmp_path, tmp_path / "r.html").read_text("utf-8")
    checks = [
        {"id": "a", "en": "keys are unique", "zh": "键唯一", "outcome": "passed"},
        {"id": "b", "en": "no label rules", "zh": "无独大标签", "outcome": "failed", "examples": ["<anger>"]},
        {"id": "c", "en": "as before", "zh": "与之前相近", "outcome": "not_run", "why": "no earlier set"},
    ]
    suites = [{"name": "all", "en": "All of it.", "zh": "全部。", "checks": checks}]
    (tmp_path / "expectations.json").write_text(json.dumps({"suites": suites}))
    text = write_report(tmp_path, tmp_path / "r.html").read_text("utf-8")
    for outcome in ("passed", "failed", "not_run"):
        assert f'data-figure="expectations.{outcome}" data-value="1"' in text
    assert "&lt;anger&gt;" in text and "no earlier set" in text
    checks[0]["outcome"] = "fine"
    for broken in ({}, {"suites": suites}):
        (tmp_path / "expectations.json").write_text(json.dumps(broken))
        with pytest.raises(CorruptDataError):
            write_report(tmp_path, tmp_path / "r.html")


def test_an_empty_data_set_has_a_report(tmp_path: Path) -> None:
    publish(tmp_path, [])
    assert "<h1>" in write_report(tmp_path, tmp_path / "r.html").read_text("utf-8")


def test_every_phrase_and_every_reason_stands_in_both_languages() -> None:
    assert all(en and zh for en, zh in WORDS.values())
    assert set(REASONS_ZH) == {str(reason) for reason in Reason}


def test_the_command_writes_beside_a_data_set_never_into_it(out: Path, tmp_path: Path) -> None:
    assert main(["report", str(out), "--output", str(out / "r.html")]) == 2
    assert main(["report", str(out), "--output", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").stat().st_size > 10_000
