"""The bilingual video, built with the defaults: what the README shows is what comes out.

The video is composed from packages (two real speakers of English, one real face crying and then laughing,
synthetic Mandarin): four scenes, en, zh, en, zh.  Its bytes, and with them the clips' keys, are the same on
every processor; what a network hears and sees is not to the last bit, so no exact word of it is asked for.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import builds
import pytest
import webdataset
from wording import MOST, SCENES_SAY, error_rate

from ver_pipeline.footage.compose import fetch_samples


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("bilingual")
    fetch_samples(folder / "all")
    (folder / "raw").mkdir()
    for name in ("bilingual.mp4", "bilingual.json"):
        shutil.copy(folder / "all" / name, folder / "raw" / name)
    done = builds.ver("build", "--source", folder / "raw", "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    out: Path = folder / "out"
    shards = [str(out / f["path"]) for f in builds.manifest(out)["files"] if f["kind"] == "shard"]
    read = [sample["json"] for sample in webdataset.WebDataset(shards, shardshuffle=False).decode()]
    assert builds.ver("lint", out).returncode == 0
    assert builds.ver("validate", out).returncode == 0
    return sorted(read, key=lambda record: record["key"])


def test_four_scenes_each_in_its_language_with_its_words(samples):
    assert [round(s["clip"]["start_s"], 2) for s in samples] == [0.0, 5.76, 12.76, 20.64]
    assert [s["speech"]["language"] for s in samples] == ["en", "zh", "en", "zh"]
    for said, sample in zip(SCENES_SAY, samples, strict=True):
        heard = sample["speech"]["text"]
        assert error_rate(said, heard) <= MOST[sample["speech"]["language"]], heard
        words = sample["speech"]["words"]
        assert words
        assert all(0 <= w["start_s"] <= w["end_s"] <= sample["clip"]["duration_s"] for w in words)


def test_the_crying_then_laughing_face_is_measured_as_a_change(samples):
    crying, laughing = (s["measured"]["faces"]["tracks"][0]["dominant"] for s in (samples[1], samples[3]))
    assert (crying, laughing) == ("sadness", "happiness")
    assert samples[1]["emotion"]["valence"] < 0 < samples[3]["emotion"]["valence"]


def test_every_clip_is_described_in_both_languages_from_what_it_cites(samples):
    for sample in samples:
        eids = {observation["eid"] for observation in sample["observations"]}
        assert len(sample["description"]["en"].split()) >= 30
        assert sum("\u4e00" <= c <= "\u9fff" for c in sample["description"]["zh"]) >= 50
        assert set(sample["description"]["cited_eids"]) <= eids
        for label in sample["emotion"]["labels_open"]:
            assert set(label["eids"]) <= eids
            assert label["eids"]
        for observation in sample["observations"]:
            assert observation["quote"] is None or observation["quote"] in sample["speech"]["text"]


def test_a_quote_is_told_at_the_time_of_its_own_words(samples):
    for sample in samples:
        (lexical,) = (seen for seen in sample["observations"] if seen["modality"] == "lexical")
        said = [
            w
            for w in sample["speech"]["words"]
            if lexical["start_s"] <= w["start_s"] and w["end_s"] <= lexical["end_s"]
        ]
        assert plain("".join(word["word"] for word in said)) == plain(lexical["quote"])


def test_the_clip_that_the_readme_shows_is_what_comes_out(samples):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = "".join(line.removeprefix(">") for line in readme.splitlines() if line.startswith(">"))
    told = samples[1]["description"]["en"] + samples[1]["description"]["zh"]
    times_s = [[float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)] for text in (shown, told)]
    assert times_s[0] == pytest.approx(times_s[1], abs=0.3)
    assert error_rate(without_numbers(shown), without_numbers(told)) <= 0.1, told


def without_numbers(text: str) -> str:
    return re.sub(r"\d+(?:\.\d+)?", "", text)


def plain(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def test_the_man_of_two_scenes_is_one_speaker_and_the_women_are_others(samples):
    in_time = sorted(samples, key=lambda sample: sample["clip"]["start_s"])
    said = [{turn["speaker"] for turn in sample["speech"]["turns"]} for sample in in_time]
    assert said == [{"S1"}, {"S2"}, {"S1"}, {"S3"}]
    for sample in in_time:
        words, turns = sample["speech"]["words"], sample["speech"]["turns"]
        assert sorted(i for turn in turns for i in turn["words"]) == list(range(len(words)))
        assert sample["speech"]["voice_vectors"] is None


def test_the_lineage_is_whole(samples):
    for sample in samples:
        assert sample["source"]["id"][:16] == sample["key"][:16]
        assert sample["speech"]["recogniser"]["engine"] == "faster-whisper"
        assert len(sample["speech"]["recogniser"]["revision"]) >= 8
        assert sample["provenance"]["tier"] == sample["tier"] == "cue"
        assert set(sample["lineage"]["stages"]) == {
            "ingest", "scenes", "speech", "speakers", "chunks", "clip", "evidence", "annotate",
        }  # fmt: skip
        assert sample["lineage"]["tools"]["ffmpeg"]
        assert sample["verdict"]["status"] in {"accept", "review"}
