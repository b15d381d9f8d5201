"""Only a video's own bytes are read: no other file, no address, whatever it says and whatever it is called."""

from __future__ import annotations

import ast
import contextlib
import shutil
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import playlists
import pytest
import videos
from hypothesis import given, settings
from hypothesis import strategies as st

import ver_pipeline.media.open as open_module
from ver_pipeline.annotators.teacher.frames import NoFramesError, read_frames
from ver_pipeline.forecast import declared_s
from ver_pipeline.lint.tar import video_faults
from ver_pipeline.measure.frames import ClipError, ClipReader
from ver_pipeline.media.containers import VIDEOS
from ver_pipeline.media.encode import Input, encode_pass
from ver_pipeline.media.ffmpeg import FfmpegError
from ver_pipeline.media.normalise import Stored
from ver_pipeline.media.open import MediaError
from ver_pipeline.media.playlists import playlist_kind
from ver_pipeline.media.references import from_bytes, has_references
from ver_pipeline.model.data.visual import load_visual
from ver_pipeline.model.data.visual import probe as probe_bytes
from ver_pipeline.model.vision import Sampling, UndecodableError, decode_frames
from ver_pipeline.schemas.config import ClipConfig, IngestConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.stages.ingest import IngestStage
from ver_pipeline.stages.scenes import small_frames
from ver_pipeline.transcribers.audio import decode
from ver_pipeline.transcribers.base import AudioError, Video

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Hostile files; at the end, nobody may have asked the server that they name."""
    folder = tmp_path_factory.mktemp("hostile")
    secret = playlists.secret_videos(folder / "outside")
    with playlists.server(secret) as (address, asked):
        yield playlists.write_all(folder / "raw", secret, address)
        assert asked == []


def ingest(path: Path) -> Any:
    row = {"uri": path.name, "path": str(path), "entry": {}, "remote": None, "stat": []}
    return IngestStage(IngestConfig()).run([row])[0]


def test_what_names_other_files_is_refused_as_what_it_is(hostile):
    told = {path.name: ingest(path) for path in hostile}
    assert {name for name, made in told.items() if not isinstance(made, Reject) or made.reason != "not_media"} == set()
    assert [reject.message for reject in told.values() if "give th" not in reject.message] == []
    kinds = {
        "http.m3u8": "HLS",
        "dash.mp4": "DASH",
        "list.mkv": "ffconcat",
        "session.sdp": "SDP",
        "url.mp4": "QuickTime",
    }
    for name, kind in kinds.items():
        assert kind in told[name].message


def frames_of(path: Path) -> int:
    return len(list(small_frames(str(path), 64)))


def clip_of(path: Path) -> int:
    return len(list(ClipReader(str(path), [0.5], 1).frames()))


def encoded(path: Path) -> int:
    work = path.parent.parent / "work"
    try:
        source = {"width": 320, "height": 240, "rotation_deg": 0, "video_codec": "h264", "pixel_format": "yuv420p"}
        video = Input(str(path), Fraction(25), Fraction(0), Stored.of(source), None, 0)
        made = encode_pass(video, work, Fraction(5), [0], ClipConfig(preset="ultrafast"))
        return made.video.stat().st_size
    finally:
        shutil.rmtree(work, ignore_errors=True)


def heard(path: Path) -> int:
    return sum(len(chunk) for chunk in decode(Video(str(path), 0)))


def linted(path: Path) -> int:
    clip = SimpleNamespace(n_frames=75, fps=25.0, duration_s=3.0, width=320, height=240, has_audio=True)
    faults = video_faults(path.read_bytes(), SimpleNamespace(clip=clip))  # type: ignore[arg-type]
    return 0 if any("does not decode" in fault for fault in faults) else 1


READERS: dict[str, Callable[[Path], float]] = {
    "scenes": frames_of,
    "clip": encoded,
    "speech": heard,
    "evidence": clip_of,
    "annotate": lambda path: len(read_frames(str(path), 3.0, 2, 64)),
    "plan": lambda path: declared_s(str(path)),
    "loader": lambda path: len(decode_frames(path.read_bytes(), 2)[1]),
    "loader's header": lambda path: probe_bytes(path.read_bytes())[0],
    "infer": lambda path: load_visual("video", path.read_bytes(), Sampling()).grid.numel(),
    "lint": linted,
}
"""Everything that reads media: how much came out of it."""

REFUSALS = (UndecodableError, NoFramesError, ClipError, AudioError, FfmpegError, MediaError)


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_follows_it_not_even_past_ingest(hostile, reader):
    for path in hostile:
        out = 0.0
        with contextlib.suppress(*REFUSALS):
            out = READERS[reader](path)
        assert not out, path.name


@pytest.mark.parametrize("reader", READERS)
def test_a_video_is_read_whatever_it_is_called(tmp_path, monkeypatch, reader):
    video = videos.good(tmp_path / "plain.mp4", 1.0)
    shown = READERS[reader](video)
    assert shown
    for path in playlists.named_videos(tmp_path / "raw", video):
        assert READERS[reader](path) == shown, path.name
    monkeypatch.chdir(tmp_path / "raw")
    for name in playlists.HOSTILE_NAMES:
        if reader != "clip":
            assert READERS[reader](Path(name)) == shown, name


def test_a_video_with_a_hostile_name_is_ingested_as_the_video_that_it_is(tmp_path):
    video = videos.good(tmp_path / "plain.mp4", 1.0)
    told = ingest(video)["source"]
    playlists.named_videos(tmp_path / "raw", video)
    refs = list_sources(str(tmp_path / "raw"))
    assert {ref.uri for ref in refs} == set(playlists.HOSTILE_NAMES)
    for ref in refs:
        assert ingest(Path(ref.path))["source"] == {**told, "uri": ref.uri}


def test_a_numbered_frame_is_one_frame_and_not_its_neighbours(tmp_path):
    videos.ffmpeg(*videos.picture(1.0), tmp_path / ".%03d.png")
    first = sorted(tmp_path.iterdir())[0]
    for name in (".%03d.png", "x%03d.png", "*.png"):
        path = tmp_path / name
        path.write_bytes(first.read_bytes())
        outcome = ingest(path)
        assert isinstance(outcome, Reject)
        assert outcome.reason == Reason.STILL_IMAGE
        with pytest.raises(MediaError, match="png"):
            frames_of(path)


def test_a_video_whose_references_lead_to_itself_is_no_reference_movie(tmp_path):
    video = videos.good(tmp_path / "plain.mp4", 1.0)
    own = (playlists.box(b"url ", b"\0\0\0\1"), playlists.box(b"url ", bytes(4)), playlists.box(b"alis", b"\0\0\0\1"))
    for number, reference in enumerate(own):
        path = tmp_path / f"{number}.mov"
        path.write_bytes(playlists.with_reference(video.read_bytes(), reference))
        assert ingest(path)["source"]["duration_s"] == pytest.approx(1.0, abs=0.05)
    (tmp_path / "packed.mov").write_bytes(playlists.packed(video.read_bytes()))
    assert ingest(tmp_path / "packed.mov")["source"]["duration_s"] == pytest.approx(1.0, abs=0.05)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 4000), st.integers(0, 8))
def test_no_damage_to_a_header_breaks_the_look_at_it(data, at, cut):
    video = playlists.whole_reference("x") + playlists.packed(playlists.box(b"moov", playlists.alias_box(Path("x"))))
    at %= len(video)
    for content in (data, data[:4] + b"moov" + data[4:], video[:at] + data + video[at + cut :]):
        assert has_references(from_bytes(content), len(content)) in (True, False)
        assert playlist_kind(content) is None or playlist_kind(content)


def test_storage_that_does_not_answer_is_a_timeout_that_a_rerun_may_cure(tmp_path, monkeypatch):
    video = videos.silent(tmp_path / "a.mp4", 1.0)
    monkeypatch.setattr(open_module, "OPEN_LIMIT_S", 0.0)
    outcome = ingest(video)
    assert (outcome.reason, outcome.retryable) == (Reason.TIMEOUT, True)


CONTAINERS = {
    "a.mov": (), "a.mkv": (), "a.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "a.avi": (),
    "a.ts": (), "a.m2ts": (), "a.mpg": ("-c:v", "mpeg2video", "-c:a", "mp2"), "a.flv": ("-c:a", "aac"), "a.3gp": (),
    "a.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"), "a.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"), "a.nut": (),
    "a.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le"), "a.gif": ("-c:v", "gif", "-an"),
    "a.apng": ("-c:v", "apng", "-an", "-plays", "0"), "a.y4m": ("-c:v", "rawvideo", "-an"),
    "fragments.mp4": ("-movflags", "+frag_keyframe+empty_moov"), "a.vob": ("-c:v", "mpeg2video", "-c:a", "ac3"),
    "a.rm": ("-c:v", "rv20", "-s", "352x288", "-c:a", "ac3"), "a.ivf": ("-c:v", "libvpx", "-an"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_containers_that_people_bring_are_read(tmp_path, name):
    path = tmp_path / name
    videos.ffmpeg(*videos.picture(1.0), *videos.tone(1.0), *videos.X264, "-c:a", "aac", *CONTAINERS[name], path)
    outcome = ingest(path)
    assert not isinstance(outcome, Reject), outcome
    assert frames_of(path) >= 20
    assert encoded(path) > 0


def test_media_is_opened_in_one_place():
    """Anywhere else, a demuxer could be asked for that opens what a video tells it to.  The sample videos' inputs
    are pinned by their hash."""
    allowed = {"ver_pipeline/media/open.py", "ver_pipeline/media/ffmpeg.py", "ver_pipeline/footage/compose.py"}
    seen = {}
    for path in _modules():
        where = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if _opens_media(node)]
        if where and (name := path.relative_to(ROOT).as_posix()) not in allowed:
            seen[name] = where
    assert not seen


def _modules() -> list[Path]:
    return list((ROOT / "ver_pipeline").rglob("*.py"))


def _opens_media(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == "-i"
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner, name = ast.unparse(node.func.value), node.func.attr
    if (owner, name) == ("av", "open") or owner.startswith("av.container"):
        return not any(isinstance(given, ast.Constant) and given.value == "w" for given in node.args)
    return name in {"VideoCapture", "input"} and owner in {"ffmpeg", "build", "cv2"}


def test_every_container_that_is_read_is_documented():
    told = (ROOT / "docs" / "guarantees" / "own-bytes.md").read_text("utf-8")
    assert [name for name, what in VIDEOS.items() if f"| `{name}` | {what} |" not in told] == []


def test_boxes_that_lie_in_each_other_without_end_are_a_refusal_and_no_failure(tmp_path):
    content = b""
    for _ in range(5000):
        content = struct.pack(">I", 8 + len(content)) + b"moov" + content
    assert has_references(from_bytes(content), len(content)) is False
    (tmp_path / "deep.mov").write_bytes(struct.pack(">I", 16) + b"ftypqt  \0\0\0\0" + content)
    refused = ingest(tmp_path / "deep.mov")
    assert isinstance(refused, Reject) and refused.reason in (Reason.NOT_MEDIA, Reason.TRUNCATED), refused
