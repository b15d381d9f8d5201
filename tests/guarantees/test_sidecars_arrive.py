"""Promise 1, for what lies beside videos: it arrives in the published records, or is a row that tells the cure."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import builds
import pytest
import videos

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.records import read_records

RIGHTS = '{"license": "CC-BY-4.0", "rights_basis": "licensed", "consent": "explicit", "group_id": "g"}'
DECOMPOSED = "cafe\u0301.mp4"
LONG = "n" * 251 + ".mp4"
CUES = (
    "1\n00:00:00,500 --> 00:00:02,000\nUpper case (really)\n\n2\n00:00:02,500 --> 00:00:03,500\n[wind]\n\n"
    "3\n00:01:00,000 --> 00:01:02,000\nToo late\n"
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside")
    raw = folder / "raw"
    raw.mkdir()
    for name, length_s in (("UP.mp4", 5.0), (DECOMPOSED, 5.2), (LONG, 5.4), ("two.mp4", 5.6), ("two.mkv", 5.8)):
        made = videos.good(folder / f"made{Path(name).suffix}", length_s)
        made.rename(raw / name)
    (raw / "UP.JSON").write_text(RIGHTS, "utf-8-sig")
    (raw / "UP.SRT").write_text(CUES, "utf-8")
    (raw / "two.srt").write_text(CUES, "utf-8")
    (raw / "lonely.en.srt").write_text(CUES, "utf-8")
    done = builds.ver("build", "--source", raw, "--out", folder / "out", *builds.QUICK, "--set", "evidence.faces=false")
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_upper_case_decomposed_and_longest_names_become_samples(out: Path) -> None:
    uris = {row["uri"] for row in builds.rows(out, "sources")}
    assert uris == {"UP.mp4", unicodedata.normalize("NFC", DECOMPOSED), LONG}
    assert {row["source_id"] for row in builds.rows(out, "clips")} == {
        row["source_id"] for row in builds.rows(out, "sources")
    }


def test_rights_words_captions_and_losses_stand_in_the_published_record(out: Path) -> None:
    with open_dataset(out) as data:
        records = [record for _, record in read_records(data) if record["source"]["uri"] == "UP.mp4"]
    (record,) = records
    assert record["source"]["rights"] == {
        "license": "CC-BY-4.0", "rights_basis": "licensed", "consent": "explicit",
    }  # fmt: skip
    assert record["source"]["group_id"] == "g"
    speech = record["speech"]
    assert (speech["text"], speech["recogniser"]["engine"]) == ("Upper case (really)", "subtitles")
    assert [(c["kind"], c["text"], c["start_s"]) for c in speech["captions"]] == [("sound", "[wind]", 2.5)]
    (file,) = speech["subtitles"]
    assert (file["name"], file["used"], file["told"]) == ("UP.SRT", True, {"cues past the video's end": 1})
    messages = [f["message"] for f in record["verdict"]["findings"] if f["code"] == "F12"]
    assert "UP.SRT: 1 cues past the video's end" in messages


def test_what_fits_two_videos_or_none_is_a_row_with_its_cure(out: Path) -> None:
    rejects = {row["uri"]: row for row in builds.rows(out, "rejects")}
    assert {uri: row["reason"] for uri, row in rejects.items()} == {
        "two.mp4": "bad_sidecar", "two.mkv": "bad_sidecar", "lonely.en.srt": "not_media",
    }  # fmt: skip
    assert "name it two.mkv.srt" in rejects["two.mkv"]["message"]
    assert builds.work_done(out)["ingest"] == 3, "no work was spent on them"
