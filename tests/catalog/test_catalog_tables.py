"""The catalog's tables: complete, reproducible, bounded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factory import make_record, make_records

from ver_pipeline.catalog import write
from ver_pipeline.catalog.rows import RECORD_ROWS, label_rows
from ver_pipeline.catalog.write import write_catalog, write_index
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.tables import INDEX, flat_columns

REJECTS = [
    Reject(Reason.TOO_SHORT, "clip", "nothing left", "a" * 64, "raw/b.mp4").to_row(),
    Reject(Reason.NOT_MEDIA, "ingest", "no media", None, "raw/a.txt").to_row(),
]
RUNS = [{"run_id": "r1", "stage": "clip", "wall_s": 1.5}]


def _dicts(n: int) -> list[dict]:
    return sorted((r.model_dump(mode="json") for r in make_records(n)), key=lambda r: r["key"])


def _write(directory: Path, n: int = 12) -> dict[str, Path]:
    records = _dicts(n)
    return write_catalog(records, [r["source"] for r in records], REJECTS, RUNS, directory)


def _sums(paths: dict[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}


def test_every_record_row_has_exactly_the_columns_of_its_table() -> None:
    filled = set()
    for i in range(20):
        record = make_record(i).model_dump(mode="json")
        for name, rows in RECORD_ROWS.items():
            for row in rows(record):
                assert set(row) == set(TABLES[name].names), name
                filled.add(name)
    assert filled >= set(RECORD_ROWS) - {"findings"}


def test_catalog_bytes_are_the_same_twice_and_hold_every_table(tmp_path: Path) -> None:
    one, two = _write(tmp_path / "one"), _write(tmp_path / "two")
    assert set(one) == set(TABLES)
    assert _sums(one) == _sums(two)


def test_row_counts_follow_the_records(tmp_path: Path) -> None:
    records = _dicts(12)
    paths = _write(tmp_path)
    assert pq.read_metadata(paths["clips"]).num_rows == 12
    assert pq.read_metadata(paths["words"]).num_rows == sum(len(r["speech"]["words"]) for r in records)
    assert pq.read_metadata(paths["sources"]).num_rows == len({r["source"]["id"] for r in records})
    assert pq.read_table(paths["rejects"]).column("reason").to_pylist() == ["too_short", "not_media"]
    assert pq.read_table(paths["runs"]).column("cpu_s").to_pylist() == [None]


def test_row_groups_do_not_grow_with_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROW_GROUP", 5)
    meta = pq.read_metadata(_write(tmp_path)["clips"])
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [5, 5, 2]


def test_records_out_of_order_or_twice_are_refused(tmp_path: Path) -> None:
    records = _dicts(3)
    for wrong in (records[::-1], [records[0], records[0]]):
        with pytest.raises(ValueError, match="ascending order of key"):
            write_catalog(wrong, [], [], [], tmp_path)


def test_an_unknown_or_missing_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"runs.*clock"):
        write_catalog([], [], [], [{"run_id": "r", "clock": 1}], tmp_path)
    with pytest.raises(ValueError, match="json_offset"):
        write_index([flat_columns(_dicts(1)[0])], tmp_path / "index.parquet")


def test_flat_columns_are_the_index_without_places() -> None:
    places = {"shard"} | {f"{kind}_{what}" for kind in ("json", "mp4", "jpg") for what in ("offset", "size")}
    places |= {"json_sha256", "jpg_sha256"}
    assert set(flat_columns(_dicts(1)[0])) == set(INDEX.names) - places


def test_primary_open_and_vote_labels_all_become_rows() -> None:
    record = next(r for r in _dicts(12) if r["agreement"] and r["emotion"]["labels_open"])
    rows = list(label_rows(record))
    assert [r["label"] for r in rows if r["kind"] == "primary"] == [record["emotion"]["primary"]]
    assert len([r for r in rows if r["kind"] == "open"]) == len(record["emotion"]["labels_open"])
    assert len([r for r in rows if r["kind"] == "vote"]) == len(record["agreement"]["votes"])
