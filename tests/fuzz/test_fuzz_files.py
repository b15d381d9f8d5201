"""Videos, subtitles, sidecars, lists, reviews and answers that somebody mangled.

What comes of them is a reject, a typed error, or what they say.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import videos
from hypothesis import given, settings
from hypothesis import strategies as st
from mangle import EXAMPLES, VALUES, bounded, json_text, mangled_bytes, mangled_json, outcome

from ver_pipeline.annotators.reviewed import load_reviews
from ver_pipeline.annotators.teacher.chat import Completion
from ver_pipeline.annotators.teacher.parsing import Parsed, Problem, parse
from ver_pipeline.engine.isolation import IsolatedStage
from ver_pipeline.schemas.answer import answer_schema
from ver_pipeline.schemas.config import IngestConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.stages.ingest import IngestStage, read_sidecar
from ver_pipeline.transcribers.base import AudioError
from ver_pipeline.transcribers.subtitles.reader import read_subtitles, to_segments

SRT = "1\n00:00:01,000 --> 00:00:02,500\n<i>Well-known</i> & 3.5\n- And?\n\n2\n00:00:03.000 --> 00:00:04,000\n你好。\n"
VTT = "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\n<v Ann>Hello&nbsp;there\n"
ASS = (
    "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,{\\pos(1,2)}Hi\\Nyou\n"
)
SIDECAR = {"license": "CC-BY-4.0", "consent": "explicit", "language": "en", "title": "x", "group_id": "g"}
REVIEW = {
    "key": "0123456789abcdef_00000000_00001000",
    "decision": "accept",
    "reviewer": "a",
    "decided_utc": "2026-01-01",
}


@bounded
@given(suffix=st.sampled_from(["srt", "vtt", "ass", "ssa"]), data=st.data())
def test_mangled_subtitles_give_words_in_their_cues_or_one_line(tmp_path_factory, suffix: str, data) -> None:
    whole = {"srt": SRT, "vtt": VTT}.get(suffix, ASS)
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    path = tmp_path_factory.mktemp("subs") / f"video.{suffix}"
    path.write_bytes(data.draw(mangled_bytes(whole.encode(encoding))))
    text = outcome(lambda: read_subtitles(path), AudioError)
    if isinstance(text, AudioError):
        return
    segments, captions, _ = to_segments(text, None, str, 600.0)
    for segment in segments:
        assert 0 <= segment.start_s <= segment.end_s <= 600
        assert all(segment.start_s <= word.start_s <= word.end_s <= segment.end_s + 1e-6 for word in segment.words)
    assert all(0 <= caption.start_s <= caption.end_s for caption in captions)


@bounded
@given(value=st.one_of(VALUES, mangled_json(SIDECAR)), entry=st.one_of(st.just({}), mangled_json(SIDECAR)))
def test_a_mangled_sidecar_is_refused_or_understood(tmp_path_factory, value, entry) -> None:
    folder = tmp_path_factory.mktemp("side")
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "film.json").write_bytes(json_text(value))
    stage = IngestStage(IngestConfig())
    entry = json.loads(json_text(entry).decode("utf-8", "replace")) if isinstance(entry, dict) else {}
    about = outcome(lambda: read_sidecar(folder / "film.mp4", entry), ValueError)
    assert isinstance(about, ValueError | dict)
    row = {"uri": "film.mp4", "path": str(folder / "film.mp4"), "entry": entry, "remote": None, "stat": []}
    assert isinstance(stage.run([row])[0], Reject)


@bounded
@given(suffix=st.sampled_from(["csv", "jsonl", "parquet"]), data=st.data())
def test_a_mangled_list_of_videos_is_refused_in_one_line_or_read(tmp_path_factory, suffix: str, data) -> None:
    folder = tmp_path_factory.mktemp("list")
    (folder / "a.mp4").write_bytes(b"x")
    rows = (
        b"path,license,title\na.mp4,MIT,x\n"
        if suffix == "csv"
        else json_text({"path": "a.mp4", "license": "MIT"}) + b"\n"
    )
    value = data.draw(st.one_of(mangled_bytes(rows), mangled_json({"path": "a.mp4", "title": "t"}).map(json_text)))
    (folder / f"videos.{suffix}").write_bytes(value)
    outcome(lambda: list_sources(str(folder), str(folder / f"videos.{suffix}")), VerError)
    outcome(lambda: list_sources(str(folder / f"videos.{suffix}")), VerError)


@bounded
@given(value=st.one_of(VALUES, mangled_json(REVIEW)).map(json_text))
def test_a_mangled_review_is_refused_with_its_line_or_read(tmp_path_factory, value: bytes) -> None:
    path = tmp_path_factory.mktemp("reviews") / "reviews.jsonl"
    path.write_bytes(json_text(REVIEW) + b"\n" + value + b"\n")
    outcome(lambda: load_reviews(path), VerError)


@bounded
@given(
    text=st.one_of(
        st.text(max_size=200),
        mangled_json({"primary": "fear", "valence": -1}).map(lambda v: json_text(v).decode("utf-8", "surrogatepass")),
    )
)
def test_whatever_a_teacher_says_is_an_answer_or_a_named_problem(text: str) -> None:
    assert isinstance(parse(Completion(text=text, finish="stop"), answer_schema()), Parsed | Problem)


@pytest.fixture(scope="module")
def ingest():
    stage = IsolatedStage(IngestStage(IngestConfig()))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("videos")
    whole = {}
    for suffix in ("mp4", "mkv", "ts", "avi"):
        videos.good(folder / f"video.{suffix}", 1.0)
        whole[suffix] = (folder / f"video.{suffix}").read_bytes()
    return whole


@settings(bounded, max_examples=max(12, EXAMPLES // 2))
@given(suffix=st.sampled_from(["mp4", "mkv", "ts", "avi"]), data=st.data())
def test_a_mangled_video_is_a_source_or_a_reject_and_never_ends_the_worker(
    ingest, video, tmp_path_factory, suffix, data
) -> None:
    path: Path = tmp_path_factory.mktemp("film") / f"video.{suffix}"
    path.write_bytes(data.draw(mangled_bytes(video[suffix])))
    row = {"uri": path.name, "path": str(path), "entry": {}, "remote": None, "stat": []}
    found = ingest.run_one(row)
    assert isinstance(found, Reject) or set(found) == {"source", "sidecar", "file"}
