"""Listing: nothing that lies there is passed over in silence, and a list that is not understood says so."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.sources.listing import list_sources, read_manifest


def test_a_folder_that_may_not_be_listed_is_listed_itself(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.mp4").touch()
    deny(monkeypatch, tmp_path / "locked")
    assert [ref.uri for ref in list_sources(str(tmp_path))] == ["a.mp4", "locked"]


def test_a_source_folder_that_may_not_be_listed_is_bad_usage(tmp_path, monkeypatch):
    deny(monkeypatch, tmp_path)
    with pytest.raises(UsageError, match="cannot be listed"):
        list_sources(str(tmp_path))


def deny(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take away the right to list ``folder``, from root too."""
    scandir = os.scandir

    def guarded(path="."):
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)


def test_a_cell_that_holds_nothing_tells_nothing_in_every_kind_of_list(tmp_path):
    (tmp_path / "m.csv").write_text("path,license\na.mp4,\n")
    (tmp_path / "m.jsonl").write_text('{"path": "a.mp4", "license": null}\n')
    pq.write_table(pa.table({"path": ["a.mp4"], "license": pa.array([None], pa.string())}), tmp_path / "m.parquet")
    pq.write_table(pa.table({"path": ["a.mp4"], "license": [float("nan")]}), tmp_path / "n.parquet")
    for name in ("m.csv", "m.jsonl", "m.parquet", "n.parquet"):
        assert read_manifest(str(tmp_path / name)) == {"a.mp4": {"path": "a.mp4"}}, name


def test_what_json_cannot_hold_is_text_in_a_manifest_entry(tmp_path):
    pq.write_table(pa.table({"path": ["a.mp4"], "title": [datetime.date(2020, 1, 2)]}), tmp_path / "m.parquet")
    entry = read_manifest(str(tmp_path / "m.parquet"))["a.mp4"]
    assert canonical_json(entry) == b'{"path":"a.mp4","title":"2020-01-02"}'


@pytest.mark.parametrize(
    ("name", "text"),
    [("m.csv", "path,license\na.mp4,CC0-1.0,more\n"), ("m.jsonl", '{"path": "a.mp4"}\n["a.mp4"]\n')],
)
def test_a_row_that_does_not_fit_its_list_is_bad_usage(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=r"row \d of the list"):
        read_manifest(str(tmp_path / name))


def test_a_data_set_that_lies_among_its_videos_is_not_a_source(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "shards" / "catalog").mkdir(parents=True)
    (tmp_path / "shards" / "catalog" / "runs.parquet").touch()
    (tmp_path / "linked").symlink_to("shards")
    assert [ref.uri for ref in list_sources(str(tmp_path), out=tmp_path / "shards")] == ["a.mp4"]
    with pytest.raises(UsageError, match="is the folder of the videos itself"):
        list_sources(str(tmp_path), out=tmp_path)
