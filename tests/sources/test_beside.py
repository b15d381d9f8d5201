"""What belongs to a video is found by one rule; what fits nothing, or two, is told before any work is spent."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
import videos

from ver_pipeline.cli import main
from ver_pipeline.schemas.config import IngestConfig
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.sources.beside import in_folder, ranked
from ver_pipeline.sources.listing import list_sources, read_manifest
from ver_pipeline.sources.rows import source_rows
from ver_pipeline.stages.ingest import IngestStage

RIGHTS = '{"license": "CC-BY-4.0", "consent": "explicit", "group_id": "g"}'
SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"
COMPOSED = "caf\u00e9"
DECOMPOSED = "cafe\u0301"


def make(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def listed(folder: Path) -> tuple[dict[str, dict], dict[str, tuple[str, str]]]:
    """Rows by name, and (reason, message) of what is rejected before any work."""
    rows, rejects = source_rows(list_sources(str(folder)))
    return {row["uri"]: row for row in rows}, {row["uri"]: (row["reason"], row["message"]) for row in rejects}


def ingested(folder: Path, name: str):
    return IngestStage(IngestConfig()).run([listed(folder)[0][name]])[0]


@pytest.mark.parametrize(
    ("video", "sidecar", "subtitles"),
    [
        ("UP.mp4", "UP.JSON", "UP.SRT"),
        ("Up.MP4", "up.json", "UP.en.Srt"),
        ("a.b.mp4", "a.b.json", "a.b.srt"),
        ("a.mp4", "a.mp4.json", "a.mp4.zh-CN.srt"),
        (f"{DECOMPOSED}.mp4", f"{COMPOSED}.json", f"{COMPOSED}.srt"),
        (f"{COMPOSED}.mp4", f"{DECOMPOSED}.json", f"{DECOMPOSED}.vtt"),
        ("n" * 251 + ".mp4", "n" * 250 + ".json", "n" * 250 + ".srt"),
    ],
)
def test_a_sidecar_and_subtitles_are_read_however_their_names_are_written(tmp_path, video, sidecar, subtitles) -> None:
    if len(video) == 255:  # the longest name leaves no room for a longer suffix: it stands alone
        video, sidecar, subtitles = "n" * 250 + ".mp4", sidecar, subtitles
    videos.silent(tmp_path / "made.mp4", 1.0).rename(tmp_path / video)
    make(tmp_path, **{sidecar: RIGHTS, subtitles: SRT})
    uri = unicodedata.normalize("NFC", video)
    rows, rejects = listed(tmp_path)
    assert (list(rows), rejects) == ([uri], {})
    outcome = ingested(tmp_path, uri)
    assert outcome["source"]["uri"] == uri
    assert outcome["source"]["rights"]["license"] == "CC-BY-4.0"
    assert outcome["source"]["group_id"] == "g"
    assert [file["name"] for file in outcome["sidecar"]["subtitles"]] == [subtitles]


def test_a_name_of_255_bytes_is_ingested(tmp_path) -> None:
    name = "n" * 251 + ".mp4"
    videos.silent(tmp_path / "made.mp4", 1.0).rename(tmp_path / name)
    assert ingested(tmp_path, name)["source"]["uri"] == name
    assert not isinstance(IngestStage(IngestConfig()).run([
        {"uri": name, "path": str(tmp_path / name), "entry": {}, "remote": None, "stat": []}
    ])[0], Reject)  # fmt: skip


def test_a_sidecar_with_a_byte_order_mark_is_read(tmp_path) -> None:
    videos.silent(tmp_path / "a.mp4", 1.0)
    (tmp_path / "a.json").write_text(RIGHTS, "utf-8-sig")
    (tmp_path / "list.jsonl").write_text('{"path": "a.mp4", "title": "t"}\n', "utf-8-sig")
    assert ingested(tmp_path, "a.mp4")["source"]["rights"]["consent"] == "explicit"
    assert read_manifest(str(tmp_path / "list.jsonl")) == {"a.mp4": {"path": "a.mp4", "title": "t"}}


@pytest.mark.parametrize("shared", ["a.json", "a.srt"])
def test_a_file_that_two_videos_may_own_rejects_both_with_the_cure(tmp_path, shared: str) -> None:
    make(tmp_path, **{"a.mp4": "", "a.mov": "", shared: "{}"})
    rows, rejects = listed(tmp_path)
    assert rows == {}
    suffix = Path(shared).suffix
    for name, other in (("a.mp4", "a.mov"), ("a.mov", "a.mp4")):
        reason, message = rejects[name]
        assert reason == "bad_sidecar"
        assert f"{shared} may belong to it or to {other}" in message and f"name it {name}{suffix}" in message
    (tmp_path / shared).rename(tmp_path / f"a.mp4{suffix}")
    rows, rejects = listed(tmp_path)
    assert sorted(rows) == ["a.mov", "a.mp4"] and rejects == {}
    assert sum(map(len, rows["a.mov"]["beside"].values())) == 0


def test_pictures_and_audio_of_the_same_name_own_nothing(tmp_path) -> None:
    make(tmp_path, **{"a.mp4": "", "a.jpg": "", "a.wav": "", "a.txt": "", "a.json": RIGHTS})
    rows, rejects = listed(tmp_path)
    assert rejects == {}
    assert [name for name, row in rows.items() if row["beside"]["sidecars"]] == ["a.mp4"]


def test_two_sidecars_of_one_video_are_not_chosen_from(tmp_path) -> None:
    make(tmp_path, **{"a.mp4": "", "a.json": RIGHTS, "a.mp4.json": "{}"})
    assert "keep one" in listed(tmp_path)[1]["a.mp4"][1]


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("a.info.json", '{"id": "x", "license": "CC-BY"}', True),
        ("a.info.json", '{"id": "x", "license": null}', False),
        ("a.meta.json", "{not json, but a license", True),
        ("a.yaml", "license: CC-BY-4.0\n", True),
        ("a.mp4.license", "SPDX-License-Identifier: MIT\n", True),
        ("a.xml", "<size>3</size>", False),
        ("ab.yaml", "license: CC-BY-4.0\n", False),
    ],
)
def test_rights_that_are_not_understood_are_not_taken_for_none(tmp_path, name: str, text: str, refused: bool) -> None:
    make(tmp_path, **{"a.mp4": "", name: text})
    rows, rejects = listed(tmp_path)
    assert ("a.mp4" in rejects) is refused
    if refused:
        assert rejects["a.mp4"][0] == "bad_sidecar"
        assert f"{name} tells rights but is not read; write them into a.json" in rejects["a.mp4"][1]
    assert name in {**rows, **rejects}, "the file itself is not swallowed"
    make(tmp_path, **{"a.json": RIGHTS})
    assert "a.mp4" in listed(tmp_path)[0], "its own sidecar tells them"
    (tmp_path / "a.json").unlink()
    (tmp_path / "m.csv").write_text("path,license\na.mp4,MIT\n")
    refs = list_sources(str(tmp_path), str(tmp_path / "m.csv"))
    assert all(ref.refused is None for ref in refs if ref.uri == "a.mp4"), "the manifest tells them"


def test_subtitles_and_sidecars_without_a_video_are_rows_that_tell_the_cure(tmp_path) -> None:
    make(tmp_path, **{"film.mp4": "", "fil.en.srt": SRT, "other.ssa": "", "film.part.srt": SRT, "x.json": "{}"})
    rows, rejects = listed(tmp_path)
    assert list(rows) == ["film.mp4"]
    assert {name: reason for name, (reason, _) in rejects.items()} == dict.fromkeys(
        ["fil.en.srt", "other.ssa", "film.part.srt", "x.json"], "not_media"
    )
    assert all("no video of its name lies beside it" in message for _, message in rejects.values())


def test_names_that_no_record_may_hold_are_told_before_any_work(tmp_path) -> None:
    make(tmp_path, **{f"{COMPOSED}.mp4": "a", f"{DECOMPOSED}.mp4": "b", "a\u202eb.mp4": "", "<video>.mp4": ""})
    rows, rejects = listed(tmp_path)
    assert list(rows) == [f"{COMPOSED}.mp4"]
    assert sorted(reason for reason, _ in rejects.values()) == ["unreadable"] * len(rejects)
    messages = " ".join(message for _, message in rejects.values())
    assert "invisible character; rename it" in messages and "special token" in messages
    assert sum("composed" in ref.refused[1] for ref in list_sources(str(tmp_path)) if ref.refused) == 1


def test_texts_of_a_sidecar_are_composed_and_clean(tmp_path) -> None:
    videos.silent(tmp_path / "a.mp4", 1.0)
    make(tmp_path, **{"a.json": f'{{"title": "{DECOMPOSED}"}}'})
    assert ingested(tmp_path, "a.mp4")["source"]["title"] == COMPOSED
    make(tmp_path, **{"a.json": '{"title": "a\u202eb"}'})
    outcome = ingested(tmp_path, "a.mp4")
    assert isinstance(outcome, Reject) and outcome.reason == "bad_sidecar" and "'title'" in outcome.message


def test_a_manifest_names_files_however_accents_are_composed_and_says_one_thing_of_each(tmp_path) -> None:
    make(tmp_path, **{f"{DECOMPOSED}.mp4": "", "m.csv": f"path,license\n{DECOMPOSED}.mp4,MIT\n"})
    refs = list_sources(str(tmp_path), str(tmp_path / "m.csv"))
    assert [(ref.uri, ref.entry.get("license")) for ref in refs] == [(f"{COMPOSED}.mp4", "MIT")]
    make(tmp_path, **{"m.csv": "path,license\na.mp4,MIT\na.mp4,CC0-1.0\n"})
    with pytest.raises(UsageError, match=r"two rows for a\.mp4"):
        read_manifest(str(tmp_path / "m.csv"))


NAMES = ["f.srt", "f.en.srt", "f.zh-CN.srt", "f.en.sdh.vtt", "f.auto.en.srt", "f.en.forced.srt", "f.ASS", "f.fr.ssa"]


def test_subtitles_are_looked_at_in_the_stated_order() -> None:
    (beside,) = in_folder(["f.mp4", *NAMES]).beside.values()
    assert sorted(beside.subtitles) == sorted(NAMES)

    def order(told: str | None) -> list[str]:
        return [one.name for one in ranked(NAMES, "f.mp4", told) if one.why is None]

    assert order("en") == ["f.en.srt", "f.en.sdh.vtt", "f.auto.en.srt", "f.srt", "f.ASS"]
    assert order(None) == ["f.srt", "f.ASS", "f.en.srt", "f.zh-CN.srt", "f.en.sdh.vtt", "f.fr.ssa", "f.auto.en.srt"]
    told = {one.name: one for one in ranked(NAMES, "f.mp4", "zh")}
    assert (told["f.zh-CN.srt"].language, told["f.en.srt"].why) == (
        "zh",
        "its name says en, and the told language is zh",
    )
    assert told["f.en.forced.srt"].why == "its name says that it holds foreign lines only"


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("en-GB", "en"), ("ZH_Hant", "zh"), ("chs", "zh"), ("eng", "en"), ("简体", "zh"), ("hi", "hi"),
     ("sdh", None), ("zh-en", None), ("chs&eng", None)],
)  # fmt: skip
def test_the_language_of_a_name_is_read_from_its_tag(tag: str, language: str | None) -> None:
    (found,) = ranked([f"f.{tag}.srt"], "f.mp4", None)
    assert found.language == language


def test_one_file_a_glob_and_a_list_find_what_lies_beside_their_videos(tmp_path) -> None:
    make(tmp_path, **{"a.mp4": "", "a.JSON": RIGHTS, "a.en.srt": SRT, "list.csv": "path\na.mp4\n"})
    for source in (tmp_path / "a.mp4", tmp_path / "*.mp4", tmp_path / "list.csv"):
        (ref,) = list_sources(str(source))
        assert (ref.beside.sidecars, ref.beside.subtitles) == (["a.JSON"], ["a.en.srt"]), source


def test_plan_says_of_every_file_what_it_becomes(tmp_path, capsys) -> None:
    raw = tmp_path / "raw"
    (raw / ".cache").mkdir(parents=True)
    (raw / "out").mkdir()
    make(
        raw,
        **{"a.mp4": "", "a.json": '{"language": "en"}', "a.en.srt": SRT, "a.zh.srt": SRT, "b.mp4": "", "b.mov": "",
           "b.srt": SRT, "lonely.vtt": "", ".hidden": "", "c.mp4": "", "c.json": "{"},
    )  # fmt: skip
    (raw / ".cache" / "x").touch()
    (raw / "out" / "y").touch()
    os.symlink(raw, raw / "loop")
    assert main(["plan", "--source", str(raw), "--out", str(raw / "out"), "--files"]) == 0
    told = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert told["a.json"] == "sidecar of a.mp4"
    assert told["a.en.srt"] == "subtitles of a.mp4, choice 1 of 2, en"
    assert told["a.zh.srt"].startswith("subtitles of a.mp4, not used: its name says zh")
    assert told["b.mp4"].startswith("rejected before any work (bad_sidecar): b.srt may belong to it or to b.mov")
    assert told["b.srt"].startswith("waits for b.")
    assert told["c.mp4"].startswith("will be rejected (bad_sidecar): its sidecar c.json is not JSON")
    assert told["lonely.vtt"].startswith("rejected before any work (not_media)")
    assert (told[".hidden"], told[".cache/"], told["out/"]) == (
        "hidden",
        "hidden, with all that is in it",
        "the data set itself",
    )
    assert {p.name for p in raw.iterdir() if p.name != "loop"} <= {name.rstrip("/") for name in told}
