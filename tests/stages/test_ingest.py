"""Ingest: every file is a source with the right facts, or a reject with the right reason."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
import videos

from ver_pipeline.media import probe
from ver_pipeline.media.encode import exact_rate
from ver_pipeline.schemas.config import IngestConfig
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.stages.ingest import IngestStage


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("corpus") / "raw"
    return folder, videos.hostile_folder(folder)


def ingest(path: Path, uri: str | None = None, **entry: str):
    return IngestStage(IngestConfig()).run(
        [{"uri": uri or path.name, "path": str(path), "entry": entry, "remote": None, "stat": []}]
    )[0]


def test_every_bad_file_is_rejected_with_its_own_reason_and_every_good_one_is_not(corpus):
    folder, bad = corpus
    for ref in list_sources(str(folder)):
        outcome = ingest(Path(ref.path), ref.uri)
        if bad.get(ref.uri) in (None, "too_short", "duplicate_source"):
            assert not isinstance(outcome, Reject), (ref.uri, outcome)
        else:
            assert isinstance(outcome, Reject), ref.uri
            assert outcome.reason == bad[ref.uri], (ref.uri, outcome)
            assert ref.uri in outcome.message


def test_a_loop_of_links_is_walked_once_and_awkward_names_survive(corpus):
    folder, _ = corpus
    uris = [ref.uri for ref in list_sources(str(folder))]
    assert len(uris) == len(set(uris))
    assert not [uri for uri in uris if "loop" in uri]
    assert videos.AWKWARD_NAME in uris


def test_source_facts_come_from_the_streams(corpus):
    folder, _ = corpus
    turned = ingest(folder / "rotated.mp4")["source"]
    assert (turned["width"], turned["height"], turned["rotation_deg"] % 180) == (240, 320, 90)
    assert ingest(folder / "variable.mp4")["source"]["variable_fps"] is True
    plain = ingest(folder / "good.mp4")["source"]
    assert (plain["fps"], plain["variable_fps"], plain["audio_codec"]) == (25.0, False, "aac")
    assert plain["duration_s"] == pytest.approx(5.0, abs=0.04)
    assert ingest(folder / "silent.mp4")["source"]["audio_codec"] is None
    assert ingest(folder / "hevc.mp4")["source"]["pixel_format"] == "yuv420p10le"


def test_rights_travel_from_sidecar_and_manifest(tmp_path):
    video = videos.silent(tmp_path / "a.mp4", 1.0)
    (tmp_path / "a.json").write_text(
        '{"license": "CC-BY-4.0", "consent": "explicit", "group_id": "show", "language": "zh"}'
    )
    made = ingest(video, license="CC0-1.0")
    assert made["source"]["rights"] == {"license": "CC0-1.0", "rights_basis": "unknown", "consent": "explicit"}
    assert made["source"]["group_id"] == "show"
    assert made["sidecar"]["language"] == "zh"
    assert [ref.uri for ref in list_sources(str(tmp_path))] == ["a.mp4"]


@pytest.mark.parametrize(
    "text",
    ["{not json", '["a"]', '{"licence": "CC0-1.0"}', '{"consent": "perhaps"}', '{"language": 5}', '{"group": ["a"]}'],
)
def test_a_sidecar_that_is_not_understood_is_a_reject_not_a_guess(tmp_path, text):
    video = videos.silent(tmp_path / "a.mp4", 1.0)
    (tmp_path / "a.json").write_text(text)
    outcome = ingest(video)
    assert isinstance(outcome, Reject)
    assert outcome.reason == "bad_sidecar"


def test_a_manifest_column_that_nobody_knows_is_told_before_anything_starts(tmp_path):
    videos.silent(tmp_path / "a.mp4", 1.0)
    manifest = tmp_path.parent / "rights.csv"
    manifest.write_text("path,licence\na.mp4,CC0-1.0\n")
    with pytest.raises(UsageError, match="unknown column 'licence'"):
        list_sources(str(tmp_path), str(manifest))


def test_a_recording_whose_clock_jumps_is_one_timeline(tmp_path):
    one = videos.remux(videos.good(tmp_path / "a.mp4", 3.0), tmp_path / "one.ts")
    two = videos.remux(videos.good(tmp_path / "b.mp4", 3.0), tmp_path / "two.ts", "-output_ts_offset", "90")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    source = ingest(joined)["source"]
    assert source["duration_s"] == pytest.approx(6.0, abs=0.3)
    assert len(source["clock_jumps"]) == 1
    still = tmp_path / "still.mp4"  # one frame for long is no jump where the container's clock is kept
    videos.ffmpeg(*videos.picture(30.0), "-vf", "select='lt(n,5)+gt(n,700)'", "-fps_mode", "vfr", *videos.X264, still)
    assert ingest(still)["source"]["clock_jumps"] == []


def test_broadcast_rates_are_exact():
    assert [str(exact_rate(round(n / 1001, 6))) for n in (24000, 30000, 60000)] == [
        "24000/1001",
        "30000/1001",
        "60000/1001",
    ]
    assert [exact_rate(rate) for rate in (25.0, 12.5, 29.5)] == [25, Fraction(25, 2), Fraction(59, 2)]


def test_a_file_that_cannot_be_opened_is_a_reject(tmp_path):
    os.symlink(tmp_path / "gone.mp4", tmp_path / "dangling.mp4")
    (ref,) = list_sources(str(tmp_path))
    outcome = ingest(Path(ref.path))
    assert isinstance(outcome, Reject)
    assert outcome.reason == "unreadable"
    assert outcome.retryable


def test_a_pipe_is_a_reject_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (ref,) = list_sources(str(tmp_path))
    outcome = ingest(Path(ref.path))
    assert isinstance(outcome, Reject)
    assert outcome.reason == "not_media"


def test_a_sidecar_that_cannot_be_read_is_a_reject(tmp_path, monkeypatch):
    video = videos.silent(tmp_path / "a.mp4", 1.0)
    (tmp_path / "a.json").write_text("{}")
    read_bytes = Path.read_bytes

    def guarded(path):
        if path.suffix == ".json":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    outcome = ingest(video)
    assert isinstance(outcome, Reject)
    assert (outcome.reason, "a.json cannot be read" in outcome.message) == ("bad_sidecar", True)


def test_an_encrypted_video_whose_first_frame_happens_to_decode_is_still_encrypted(tmp_path, monkeypatch):
    locked = videos.encrypted(tmp_path / "locked.mp4", videos.good(tmp_path / "plain.mp4", 3.0))
    monkeypatch.setattr(probe, "_mentions_encryption", lambda path: False)  # nobody asks where a frame decodes
    outcome = ingest(locked)
    assert isinstance(outcome, Reject)
    assert outcome.reason == "encrypted"


def test_a_path_that_does_not_exist_is_bad_usage(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        list_sources(str(tmp_path / "nowhere"))


def test_a_list_and_a_glob_name_sources(tmp_path):
    videos.silent(tmp_path / "a.mp4", 1.0)
    videos.silent(tmp_path / "b.mp4", 1.0)
    (tmp_path / "list.csv").write_text("path,license\nb.mp4,CC0-1.0\n")
    assert [ref.uri for ref in list_sources(str(tmp_path / "list.csv"))] == ["b.mp4"]
    assert [ref.uri for ref in list_sources(str(tmp_path / "*.mp4"))] == ["a.mp4", "b.mp4"]
    with pytest.raises(UsageError, match=r"names 1 file"):
        (tmp_path / "m.csv").write_text("path\nc.mp4\n")
        list_sources(str(tmp_path), str(tmp_path / "m.csv"))
