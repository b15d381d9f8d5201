"""Lint: a sound set is sound; any flipped byte is found, with its file and, where it has one, its key."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from factory import make_record
from outfolder import published

from ver_pipeline.cli import main
from ver_pipeline.lint import LintReport, lint_dataset
from ver_pipeline.lint.tar import check_tar, video_faults
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.record import Record
from ver_pipeline.shards.manifest import load_manifest, manifest_bytes
from ver_pipeline.shards.read import read_offsets

LATER = {"captions", "subtitles"}
"""Fields of ``speech`` that records of version 1 did not have at first."""


@pytest.fixture(scope="module")
def sound_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small tars (train, test, val), their index and catalog."""
    return published(tmp_path_factory.mktemp("sound"), [make_record(i) for i in range(14, 22)])


@pytest.fixture
def out(sound_set: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound_set, tmp_path / "out")


def entry_of(out: Path, kind: str, name: str = "") -> dict[str, Any]:
    return next(f for f in load_manifest(out)["files"] if f["kind"] == kind and name in f["path"])


def index_rows(out: Path, shard: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows = pq.read_table(out / entry_of(out, "index")["path"]).to_pylist()
    return [row for row in rows if row["shard"] == shard]


@contextmanager
def flipped(path: Path, offset: int, bit: int = 0) -> Iterator[None]:
    """The file with one bit changed, for as long as the block runs."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[offset] ^= 1 << bit
    path.write_bytes(changed)
    try:
        yield
    finally:
        path.write_bytes(before)


def places(report: LintReport) -> set[tuple[str, str]]:
    return {(defect.file, defect.key) for defect in report.defects if not defect.note}


def reseal(out: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """A manifest that is changed and sealed again: what a careless tool would leave."""
    manifest = load_manifest(out)
    edit(manifest)
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))


def refresh(out: Path) -> None:
    """Make the manifest fit the files as they are now, so that only the deeper checks can object."""

    def edit(manifest: dict[str, Any]) -> None:
        for file in manifest["files"]:
            data = (out / file["path"]).read_bytes()
            file["sha256"], file["size_bytes"] = hashlib.sha256(data).hexdigest(), len(data)

    reseal(out, edit)


def test_sound_set_has_no_defect_in_either_mode(sound_set: Path) -> None:
    for fast in (True, False):
        report = lint_dataset(sound_set, fast=fast)
        assert report.is_sound and report.defects == () and report.n_samples == 8


def test_records_of_an_earlier_release_without_later_fields_are_sound(tmp_path: Path, monkeypatch) -> None:
    def earlier(record: Record) -> bytes:
        data = record.model_dump(mode="json")
        return canonical_json({**data, "speech": {k: v for k, v in data["speech"].items() if k not in LATER}})

    with monkeypatch.context() as patched:
        patched.setattr(Record, "to_json", earlier)
        out = published(tmp_path, [make_record(i) for i in range(14, 18)])
    records = b"".join(path.read_bytes() for path in out.rglob("*.tar"))
    assert b'"recogniser"' in records and not any(f'"{name}"'.encode() in records for name in LATER)
    assert lint_dataset(out).defects == ()


def test_processes_find_what_one_process_finds(out: Path) -> None:
    path = out / entry_of(out, "shard", "train")["path"]
    with flipped(path, 1000):
        alone, several = lint_dataset(out), lint_dataset(out, workers=2)
    assert alone == several and not alone.is_sound


def test_any_flipped_byte_of_a_tar_is_found_and_its_sample_named(out: Path) -> None:
    """Every region: headers, records, videos, posters, padding; and bytes drawn at random."""
    entry = entry_of(out, "shard", "train")
    path, rows = out / entry["path"], index_rows(out, entry["path"])
    owner = {}
    end = 0
    for key, members in read_offsets(path).items():
        for offset, size in members.values():
            stop = offset + -(-size // 512) * 512
            owner |= dict.fromkeys((offset - 512, offset - 257, offset, offset + size - 1, stop - 1), key)
            end = max(end, stop)
    draw = random.Random(3)
    spans = sorted((offset - 512, key) for key, m in read_offsets(path).items() for offset, _ in m.values())
    for _ in range(60):
        position = draw.randrange(end)
        owner[position] = max(span for span in spans if span[0] <= position)[1]
    for position, key in owner.items():
        with flipped(path, position, draw.randrange(8)):
            found = check_tar(path, entry, rows, full=False).defects
        assert (entry["path"], key) in {(d.file, d.key) for d in found}, position
    with flipped(path, path.stat().st_size - 1):
        assert "tail" in {d.code for d in check_tar(path, entry, rows, full=False).defects}


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "full"])
def test_a_flipped_byte_of_any_file_is_found_and_the_file_named(out: Path, fast: bool) -> None:
    draw = random.Random(11)
    for entry in [*load_manifest(out)["files"], {"path": "manifest.json"}]:
        path = out / entry["path"]
        with flipped(path, draw.randrange(path.stat().st_size)):
            report = lint_dataset(out, fast=fast)
        assert not report.is_sound
        assert entry["path"] in {defect.file for defect in report.defects}


def test_every_byte_of_the_manifest_is_sealed(out: Path) -> None:
    path = out / "manifest.json"
    for position in range(0, path.stat().st_size, 37):
        with flipped(path, position, 1):
            assert not lint_dataset(out, fast=True).is_sound, position


def test_missing_file_and_stray_file_are_told_apart(out: Path) -> None:
    (out / "stray.tar").write_bytes(b"x")
    report = lint_dataset(out, fast=True)
    assert report.is_sound and [d.code for d in report.defects] == ["stray"]
    gone = entry_of(out, "shard", "val")["path"]
    (out / gone).unlink()
    report = lint_dataset(out, fast=True)
    assert (gone, "") in places(report)


def rewrite_tar(out: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> str:
    """Write the train tar anew after ``change`` edited its members; manifest refreshed."""
    name = str(entry_of(out, "shard", "train")["path"])
    with tarfile.open(out / name) as tar:
        members = [(info, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]
    change(members)
    with tarfile.open(out / name, "w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    refresh(out)
    return name


def edit_record(edit: Callable[[dict[str, Any]], None]) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    """Change the first record, in canonical form and of unchanged length."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        at = next(i for i, (info, _) in enumerate(members) if info.name.endswith(".json"))
        info, data = members[at]
        record = json.loads(data)
        edit(record)
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        members[at] = (info, text.ljust(len(data)) if len(text) < len(data) else text)

    return change


def found(out: Path) -> set[str]:
    return {defect.code for defect in lint_dataset(out).defects}


def test_a_record_that_was_changed_and_signed_again_differs_from_index_and_catalog(out: Path) -> None:
    def edit(record: dict[str, Any]) -> None:
        record["speech"]["language"] = "fr"

    rewrite_tar(out, edit_record(edit))
    assert {"record", "index", "catalog"} <= found(out)


def test_a_record_outside_the_schema_is_named_with_the_pointer(out: Path) -> None:
    rewrite_tar(out, edit_record(lambda record: record["emotion"].update(intensity=9)))
    defects = [d for d in lint_dataset(out).defects if d.code == "schema"]
    assert defects and "/emotion/intensity" in defects[0].what and defects[0].key


def test_members_out_of_order_and_foreign_members_are_found(out: Path) -> None:
    rewrite_tar(out, lambda members: members.reverse())
    assert {"header", "record"} & found(out)


def test_a_tar_that_is_not_reproducible_is_found(out: Path) -> None:
    def stamp(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[0][0].mtime = 1_700_000_000

    rewrite_tar(out, stamp)
    assert "header" in found(out)


def test_a_video_of_another_clip_is_found(out: Path) -> None:
    def swap(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        videos = [i for i, (info, _) in enumerate(members) if info.name.endswith(".mp4")]
        a, b = videos[:2]
        members[a], members[b] = (members[a][0], members[b][1]), (members[b][0], members[a][1])

    rewrite_tar(out, swap)
    assert "media" in found(out)


def test_claims_about_the_video_are_proven_by_decoding(sound_set: Path) -> None:
    from outfolder import with_video

    record, video = with_video(make_record(14))
    assert video_faults(video, record) == []
    clip = record.clip
    for change in (
        {"n_frames": clip.n_frames + 3},
        {"duration_s": clip.duration_s + 1},
        {"width": 64},
        {"has_audio": False},
    ):
        other = record.model_copy(update={"clip": clip.model_copy(update=change)})
        assert video_faults(video, other), change
    assert "does not decode" in video_faults(video[:200], record)[0]


def edit_parquet(path: Path, column: str, value: Any) -> str:
    """Change one value of the first row; returns that row's key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return str(rows[0]["key"])


@pytest.mark.parametrize(
    ("kind", "table", "column", "value", "code"),
    [
        ("index", "index", "label", "anger", "index"),
        ("catalog", "clips", "description_en", "Another text.", "catalog"),
        ("catalog", "words", "word", "other", "catalog"),
        ("catalog", "evidence", "modality", "context", "catalog"),
        ("catalog", "labels", "p", 0.123, "catalog"),
    ],
)
def test_a_value_changed_in_index_or_catalog_is_found_with_its_key(
    out: Path, kind: str, table: str, column: str, value: Any, code: str
) -> None:
    name = entry_of(out, kind, table)["path"]
    key = edit_parquet(out / name, column, value)
    refresh(out)
    assert (key, code) in {(d.key, d.code) for d in lint_dataset(out).defects}


def test_a_row_lost_from_the_catalog_is_found_in_both_modes(out: Path) -> None:
    import pyarrow.parquet as pq

    path = out / entry_of(out, "catalog", "clips")["path"]
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    refresh(out)
    for fast in (True, False):
        keys = {d.key for d in lint_dataset(out, fast=fast).defects if d.code == "catalog"}
        assert keys == {table["key"][0].as_py()}


def test_a_catalog_of_an_earlier_release_is_compared_by_the_columns_it_has(out: Path) -> None:
    import pyarrow.parquet as pq

    path = out / entry_of(out, "catalog", "clips")["path"]
    pq.write_table(pq.read_table(path).drop_columns(["lossy"]), path)
    refresh(out)
    report = lint_dataset(out)
    assert report.is_sound and [d.code for d in report.defects] == ["columns"]
    edit_parquet(path, "label", "anger")
    refresh(out)
    assert "catalog" in {d.code for d in lint_dataset(out).defects}


def test_pixels_under_a_policy_without_pixels_are_found(tmp_path: Path) -> None:
    media = {**make_record(14).media.model_dump(), "policy": "reference"}
    out = published(tmp_path, [make_record(14, media=media)])
    assert "media" in found(out)


def test_wrong_counts_under_a_fresh_seal_are_found(out: Path) -> None:
    reseal(out, lambda manifest: manifest["counts"].update(samples=99))
    assert "counts" in {d.code for d in lint_dataset(out, fast=True).defects}


def test_command_names_defects_and_exits_by_soundness(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(out), "--fast"]) == 0
    assert "8 samples, fast check: sound" in capsys.readouterr().out
    path = out / entry_of(out, "shard", "test")["path"]
    with flipped(path, 700):
        assert main(["lint", str(out), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {d["file"] for d in told["defects"]} == {path.name}
    assert any(d["key"] for d in told["defects"])


def test_a_folder_without_a_data_set_is_a_defect_not_a_crash(tmp_path: Path) -> None:
    report = lint_dataset(tmp_path)
    assert not report.is_sound and report.not_run
