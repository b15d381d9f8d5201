"""Promise 1: every source and every clip ends as a sample or as a reject with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import builds
import jsonschema
import pytest
import videos
import webdataset


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, str], str]:
    folder = tmp_path_factory.mktemp("hostile")
    bad = videos.hostile_folder(folder / "raw")
    (folder / "model.py").write_text("raise RuntimeError('shadowed')")
    (folder / "schemas.py").write_text("raise RuntimeError('shadowed')")
    (folder / "stages").mkdir()
    (folder / "stages" / "__init__.py").write_text("raise RuntimeError('shadowed')")
    done = builds.ver("build", "--source", "raw", "--out", "out", *builds.QUICK, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "raw", folder / "out", bad, done.stdout


def test_a_hostile_folder_builds_with_status_0_and_every_file_is_accounted_for(built):
    raw, out, bad, _ = built
    rejects = {row["uri"]: row["reason"] for row in builds.rows(out, "rejects")}
    samples = {row["uri"] for row in builds.rows(out, "sources")}
    assert rejects == bad
    files = {str(p.relative_to(raw)) for p in raw.rglob("*") if p.is_file() and "loop" not in p.parts}
    assert files == samples - {"blink.mp4"} | set(rejects)
    with_clips = {row["source_id"] for row in builds.rows(out, "clips")}
    good = {row["source_id"] for row in builds.rows(out, "sources") if row["uri"] not in bad}
    assert with_clips == good


def test_every_reject_says_what_where_and_why(built):
    _, out, _, _ = built
    for row in builds.rows(out, "rejects"):
        assert row["stage"] and row["meaning"] and row["uri"]
        assert len(row["message"]) > 10


def test_stock_webdataset_reads_every_record_and_each_fits_the_committed_schema(built):
    _, out, _, _ = built
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "record.v2.schema.json").read_text())
    shards = [str(out / f["path"]) for f in builds.manifest(out)["files"] if f["kind"] == "shard"]
    n = 0
    for sample in webdataset.WebDataset(shards, shardshuffle=False).decode():
        jsonschema.Draft202012Validator(schema).validate(sample["json"])
        assert sample["json"]["key"] == sample["__key__"]
        n += 1
    assert n == builds.manifest(out)["counts"]["samples"] > 0


def test_strict_turns_rejects_into_a_status_of_their_own_and_the_table_names_them(built):
    raw, out, bad, printed = built
    assert "duplicate_source" in printed
    assert f"({len(bad)} gave no sample)" in printed
    done = builds.ver("build", "--source", raw, "--out", out, "--strict", *builds.QUICK)
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--source", "nowhere", "--out", "out"), "no such folder or file: nowhere"),
        (("--source", ".", "--out", "out", "--set", "clip.max_sec=3"), "did you mean 'max_s'?"),
        (("--source", ".", "--out", "out", "--config", "gone.yaml"), "no configuration file gone.yaml"),
        (("--source", "empty", "--out", "out"), "holds no file"),
        (("--source", "empty", "--out", "/proc/nope"), "cannot write to /proc/nope"),
        (
            (
                "--source",
                "empty",
            ),
            "required: --out",
        ),
    ],
)
def test_bad_usage_is_one_clear_line_and_status_2(tmp_path, arguments, says):
    (tmp_path / "empty").mkdir()
    done = builds.ver("build", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
