"""What the journal of a switch and a data set's manifest may and may not make the next command do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_sets import RECORDS, build, manifest_of, settled

from ver_pipeline.lint import lint_dataset
from ver_pipeline.shards.manifest import load_manifest, manifest_bytes
from ver_pipeline.shards.names import is_published, is_temporary, plain_name
from ver_pipeline.shards.switch import recover


@pytest.fixture
def out(tmp_path: Path) -> Path:
    build(tmp_path, RECORDS[:3])
    return tmp_path / "out"


@pytest.mark.parametrize(
    "name", ["../mine", "/etc/mine", "catalog/../../mine", ".ver/mine", "manifest.json", "", "linked/mine"]
)
def test_a_journal_that_names_what_is_no_file_of_a_data_set_removes_nothing(
    out: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    (out / ".ver" / "mine").write_text("mine")
    (out / "linked").symlink_to(tmp_path)
    (out / ".ver" / "switch.json").write_text(json.dumps({"adds": [name], "removes": [name]}))
    recover(out)
    assert (tmp_path / "mine").exists() and (out / ".ver" / "mine").exists()
    assert not (out / ".ver" / "switch.json").exists()
    (out / "linked").unlink()
    settled(out, 3)


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '{"adds": null}', '{"adds": [1], "removes": [{}]}', "{"])
def test_a_journal_that_is_not_whole_is_as_good_as_none(out: Path, text: str) -> None:
    (out / ".ver" / "switch.json").write_text(text)
    recover(out)
    settled(out, 3)
    build(out.parent, RECORDS[:5])
    settled(out, 5)


def test_a_data_set_whose_manifest_is_damaged_loses_nothing_and_the_next_build_leaves_nothing_of_it(out: Path) -> None:
    before = {path for path in out.rglob("*") if path.is_file()}
    listed = [name for name in (str(path.relative_to(out)) for path in before) if is_published(name)]
    (out / ".ver" / "switch.json").write_text(json.dumps({"adds": listed, "removes": []}))
    manifest = (out / "manifest.json").read_bytes()
    (out / "manifest.json").write_bytes(manifest[:-5])
    recover(out)
    assert before <= {path for path in out.rglob("*") if path.is_file()}
    build(out.parent, RECORDS[4:])
    settled(out, 2)


def test_no_page_of_a_manifest_is_copied_over_anything_but_a_page(out: Path) -> None:
    manifest = load_manifest(out)
    report = next(file for file in manifest["files"] if file["kind"] == "report")
    for name in ("manifest", "index-0a1b2c3d", "lock"):
        path = f"pages/{name}-0a1b2c3d.json"
        (out / path).write_bytes((out / report["path"]).read_bytes())
        manifest["files"].append({**report, "path": path})
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))
    before = (out / "manifest.json").read_bytes()
    recover(out)
    assert (out / "manifest.json").read_bytes() == before
    assert not (out / "lock.json").exists()


def test_a_manifest_that_leads_out_of_its_folder_makes_nobody_remove_what_is_there(out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    manifest = load_manifest(out)
    manifest["files"].append({**manifest["files"][0], "path": "../mine"})
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))
    build(tmp_path, RECORDS[:5])
    assert load_manifest(out)["counts"]["samples"] == 5
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_page_that_is_damaged_does_not_spoil_its_copy(out: Path) -> None:
    (listed,) = [file["path"] for file in (manifest_of(out) or {})["files"] if plain_name(file["path"]) == "README.md"]
    good = (out / "README.md").read_bytes()
    (out / listed).write_bytes(b"x" * len(good))
    recover(out)
    assert (out / "README.md").read_bytes() == good
    assert (listed, "sha256") in {(defect.file, defect.code) for defect in lint_dataset(out, fast=True).defects}


def test_a_page_that_is_gone_stops_nobody(out: Path) -> None:
    for path in (*(out / "pages").iterdir(), out / "README.md"):
        path.unlink()
    recover(out)
    build(out.parent, RECORDS[:5])
    settled(out, 5)


def test_lint_tells_a_copy_of_another_page_and_names_the_cure_and_the_next_command_mends_it(out: Path) -> None:
    assert lint_dataset(out, fast=True).defects == ()
    (out / "README.md").write_text("of another data set")
    (out / "report.html").unlink()
    told = {defect.file: defect for defect in lint_dataset(out, fast=True).defects}
    assert told.keys() == {"README.md", "report.html"}
    assert not told["README.md"].note and told["report.html"].note
    assert "copy pages/README-" in told["README.md"].what
    recover(out)
    settled(out, 3)


def test_names_that_only_we_give_are_told_from_others() -> None:
    ours = (
        "train-0a1b2c-0a1b2c3d.tar",
        "index-0a1b2c3d.parquet",
        "catalog/clips-0a1b2c3d.parquet",
        "pages/README-0a1b2c3d.md",
    )
    others = (
        "train.tar",
        "my-train-0a1b2c-0a1b2c3d.tar",
        "x/train-0a1b2c-0a1b2c3d.tar",
        "README.md",
        "manifest.json",
        "catalog/x.parquet",
    )
    assert all(map(is_published, ours)) and not any(map(is_published, others))
    assert all(is_temporary(Path(name)) for name in (".a.0a1b2c3d", ".0a1b.writing", ".film.mp4.12.part"))
    assert not any(is_temporary(Path(name)) for name in ("a.0a1b2c3d", ".gitignore", "film.part"))
