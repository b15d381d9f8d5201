"""A data set may be anybody's: whatever its names, keys and sizes say, no command leaves its folders for them.

Each attack changes a small published set and seals its manifest anew, as somebody who means harm would.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import make_records
from published import publish, reseal

from ver_pipeline import open_dataset
from ver_pipeline.catalog.sandbox import QueryRefusedError
from ver_pipeline.cli import main
from ver_pipeline.launch.plan import settle_sets
from ver_pipeline.model.data.webfolder import members_of
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.shards.read import read_offsets
from ver_pipeline.shards.withdrawal import Withdrawal, pending, write_down

BAD_KEYS = ("../../escaped", "/tmp/escaped", "..", "a/b", "0123456789abcdef_00000000_00001000\n", "C:\\x", "")
EXPORTS = ("llava", "emotion-qwen", "llama-factory", "ms-swift", "emer")


def with_key(out: Path, key: str) -> None:
    """The first sample carries another key: in the index, in every table and in its record (padded)."""
    (index,) = out.glob("index-*.parquet")
    old = pq.read_table(index)["key"][0].as_py()
    for path in [index, *out.glob("catalog/*.parquet")]:
        table = pq.read_table(path)
        if "key" in table.column_names:
            keys = [key if value == old else value for value in table["key"].to_pylist()]
            table = table.set_column(table.column_names.index("key"), "key", pa.array(keys, pa.string()))
            pq.write_table(table, path)
    for path in out.glob("*.tar"):
        quoted = json.dumps(key)[1:-1].encode()
        data = path.read_bytes()
        if len(quoted) <= len(old):
            data = data.replace(old.encode(), quoted.ljust(len(old)))
        path.write_bytes(data)
    reseal(out)


def with_index(out: Path, column: str, value: Any) -> None:
    (index,) = out.glob("index-*.parquet")
    table = pq.read_table(index)
    values = [value, *table[column].to_pylist()[1:]]
    kind = table[column].type
    pq.write_table(table.set_column(table.column_names.index(column), column, pa.array(values, kind)), index)
    reseal(out)


def with_entry(out: Path, **fields: Any) -> None:
    manifest = json.loads((out / "manifest.json").read_bytes())
    shard = next(entry for entry in manifest["files"] if entry["kind"] == "shard")
    shard |= fields
    _raw(out, files=manifest["files"])


def with_link(out: Path, pattern: str) -> None:
    path = next(out.glob(pattern))
    outside = out.parent / f"outside-{path.name}"
    path.rename(outside)
    path.symlink_to(outside)


def with_record(out: Path, old: bytes, new: bytes) -> None:
    (first, *_) = sorted(out.glob("*.tar"))
    data = first.read_bytes()
    assert len(old) == len(new) and old in data
    first.write_bytes(data.replace(old, new))
    reseal(out)


ATTACKS: dict[str, Callable[[Path], None]] = {
    **{f"key {key!r}": (lambda out, key=key: with_key(out, key)) for key in BAD_KEYS},
    "shard outside in the index": lambda out: with_index(out, "shard", "../secret.tar"),
    "shard of another set": lambda out: with_index(out, "shard", "train-nobody.tar"),
    "split as a path": lambda out: with_index(out, "split", "../../escaped"),
    "offset below zero": lambda out: with_index(out, "json_offset", -1),
    "offset beyond the shard": lambda out: with_index(out, "json_offset", 1 << 40),
    "size beyond the shard": lambda out: with_index(out, "json_size", 1 << 61),
    "record that is a poster": lambda out: with_index(out, "json_offset", 512),
    "no record": lambda out: with_index(out, "json_offset", None),
    "manifest path outside": lambda out: with_entry(out, path="../secret.tar"),
    "manifest path absolute": lambda out: with_entry(out, path="/etc/passwd"),
    "manifest path of many folders": lambda out: with_entry(out, path="a/b/c.tar"),
    "manifest path hidden": lambda out: with_entry(out, path=".ver/lock"),
    "manifest path no text": lambda out: with_entry(out, path=7),
    "split no split": lambda out: with_entry(out, split="../x"),
    "size no number": lambda out: with_entry(out, size_bytes="many"),
    "sha256 no hash": lambda out: with_entry(out, sha256="../x"),
    "unknown kind": lambda out: with_entry(out, kind="../x"),
    "files no list": lambda out: _raw(out, files={}),
    "counts of nothing": lambda out: _raw(out, counts={"samples": "x"}),
    "identity that is code": lambda out: _raw(out, dataset_id='"""\nimport os\n"""'),
    "link for a shard": lambda out: with_link(out, "*.tar"),
    "link for a table": lambda out: with_link(out, "catalog/clips-*.parquet"),
    "link for the index": lambda out: with_link(out, "index-*.parquet"),
    "record with a foreign split": lambda out: with_record(out, b'"split":"train"', b'"split":"../xx"'),
}


def _raw(out: Path, **fields: Any) -> None:
    from ver_pipeline.shards.manifest import manifest_bytes

    manifest = {**json.loads((out / "manifest.json").read_bytes()), **fields}
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if not any(part in {".ver", "to", "pushed", "joined"} for part in path.relative_to(folder).parts):
                found[str(path.relative_to(folder))] = (path.lstat().st_size, path.lstat().st_mtime_ns)
    return found


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_data_set_makes_no_command_write_outside_its_target(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "deep" / "er"
    out = work / "set"
    publish(out, make_records(8), shard_samples=8)
    publish(work / "good", make_records(12)[8:])
    ATTACKS[name](out)
    monkeypatch.chdir(work)
    before = tree(tmp_path)
    commands = [
        *(["export", str(out), "--to", str(work / "to" / form), "--format", form] for form in EXPORTS),
        ["merge", str(out), str(work / "good"), "--out", str(work / "joined")],
        ["push", str(out), f"file://{work}/pushed"],
        ["drop", str(out), "--where", "key IN (SELECT max(key) FROM samples)", "--reason", "asked"],
        ["annotate", str(out), "--annotator", "cues"],
    ]
    refused = 0
    for command in commands:
        status = main(command)
        told = capsys.readouterr().err.strip()
        refused += status != 0
        assert "Traceback" not in told
        assert status == 0 or len(told.splitlines()) == 1, told
    assert tree(tmp_path) == before
    assert refused >= 1 or name.startswith("record"), "the set was taken as audio by every command"


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A data set that somebody brought along, beside a folder that is none of its business."""
    publish(tmp_path / "set", make_records(4))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("kept")
    return tmp_path / "set"


@pytest.mark.parametrize(
    "place", [".ver", ".ver/cache", ".ver/answers", ".ver/staging", ".ver/lock", ".ver/ledger.jsonl"]
)
def test_a_work_folder_that_leads_elsewhere_is_refused_before_anything_is_written(brought, capsys, place):
    link = brought / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(brought.parent / "outside", target_is_directory=True)
    assert main(["drop", str(brought), "--where", "true", "--reason", "none"]) == 1
    said = capsys.readouterr().err
    assert "is a link" in said and len(said.splitlines()) == 1
    assert [(path.name, path.read_text()) for path in (brought.parent / "outside").iterdir()] == [("precious", "kept")]


@pytest.mark.parametrize("name", ["manifest.json", ".ver/drop.json", ".ver/switch.json", ".ver/ledger.jsonl"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(brought, name):
    path = brought / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    program = [sys.executable, "-m", "ver_pipeline", "drop", str(brought), "--where", "true", "--reason", "none"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_a_tar_whose_member_has_a_size_below_zero_is_not_read_for_ever(tmp_path):
    header = tarfile.TarInfo("a.json")
    header.size = -512
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(CorruptDataError):
        read_offsets(path)
    assert list(islice_of(path)) == []


def islice_of(path: Path) -> list[Any]:
    """What the loader's reader of foreign tars makes of it; bounded, should it not end."""
    try:
        return list(itertools.islice(members_of(path), 10))
    except CorruptDataError:
        return []


def test_no_table_function_takes_the_name_of_a_table_as_text(tmp_path):
    publish(tmp_path, make_records(2))
    with open_dataset(tmp_path) as data:
        for name in ("histogram", "histogram_values"):
            with pytest.raises(QueryRefusedError):
                data.sql(f"FROM {name}('duckdb_settings', name)")


def test_training_finishes_a_withdrawal_of_every_set_that_it_is_given(tmp_path):
    args = argparse.Namespace(shards=tmp_path / "a", general=None, data=[f"more={tmp_path / 'b'}"])
    for name in ("a", "b"):
        publish(tmp_path / name, make_records(4))
        key = next(iter(keys_of(tmp_path / name)))
        write_down(tmp_path / name, Withdrawal(frozenset([key]), "asked"))
    settle_sets(args)
    for name in ("a", "b"):
        assert pending(tmp_path / name) is None and len(keys_of(tmp_path / name)) == 3


def keys_of(out: Path) -> list[str]:
    with open_dataset(out) as data:
        return [key for (key,) in data.sql("SELECT key FROM samples ORDER BY key")]


def _work_folder_of_links(out: Path, elsewhere: Path) -> None:
    """A data set that brings a work folder along, with something to be finished in it."""
    (out / ".ver").mkdir()
    (out / ".ver" / "lock").symlink_to(elsewhere / "mine.txt")
    (out / ".ver" / "media").symlink_to(elsewhere)
    (out / ".ver" / "switch.json").write_text('{"adds":[],"removes":[]}')
    (out / ".ver" / "drop.json").write_text('{"keys":[],"reason":"x","condition":""}')


COMMANDS = (
    ["query", "{out}", "SELECT 1"], ["lint", "{out}", "--fast"], ["report", "{out}", "--output", "{to}.html"],
    ["diff", "{out}", "{out}"], ["export", "{out}", "--to", "{to}", "--format", "emer"], ["push", "{out}", "file://{to}"],
    ["drop", "{out}", "--where", "true"], ["annotate", "{out}", "--annotator", "cues"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_work_folder_that_came_with_a_data_set_touches_nothing_elsewhere(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    publish(out, make_records(4))
    (elsewhere / "clip-1").mkdir(parents=True)
    for name in ("mine.txt", "clip-1/mine.mp4"):
        (elsewhere / name).write_text("mine")
    _work_folder_of_links(out, elsewhere)
    main([part.format(out=out, to=tmp_path / "to") for part in command])
    assert "Traceback" not in capsys.readouterr().err
    assert [path.read_text() for path in sorted(elsewhere.rglob("*")) if path.is_file()] == ["mine", "mine"]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
@pytest.mark.parametrize("name", ["manifest.json", "expectations.json"])
def test_a_page_that_is_no_file_or_never_ends_is_one_line(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    publish(out, make_records(4))
    path = out / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 42)
    assert main(["report", str(out), "--output", str(tmp_path / "report.html")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
