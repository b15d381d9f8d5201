"""Tables of others: a file of some kilobytes that stands for gigabytes is refused before it is unpacked."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from published import publish, reseal

from ver_pipeline import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.cli import main
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.quality.expectations import run_expectations
from ver_pipeline.schemas.bounded_parquet import check_rows, check_texts, read_bounded
from ver_pipeline.schemas.errors import CorruptDataError, UsageError
from ver_pipeline.sources.lists import read_manifest


def bomb(path: Path, column: str, n_rows: int, text: str) -> None:
    """The file's first row ``n_rows`` times, with one text in a column."""
    table = pq.read_table(path)
    columns = {}
    for name in table.column_names:
        first = table[name].combine_chunks()[:1]
        values = pa.array([text]) if name == column else first
        plain = pa.types.is_string(values.type) and values.null_count == 0
        zeros = pa.array([0], pa.int32()).take(pa.array(bytes(n_rows), pa.uint8()))
        columns[name] = pa.DictionaryArray.from_arrays(zeros, values) if plain else values.take(zeros)
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False, row_group_size=n_rows)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    publish(tmp_path / "out")
    return tmp_path / "out"


def index_of(out: Path) -> Path:
    return next(out.glob("index-*.parquet"))


def test_one_long_text_in_very_many_rows_is_not_unpacked(out: Path) -> None:
    bomb(index_of(out), "shard", 200_000, "x" * 1_000_000)
    reseal(out)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptDataError, match="without measure"), open_dataset(out) as data:
        next(read_records(data))
    with pytest.raises(CorruptDataError, match="without measure"):
        open_shards(out, "train", None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KiB: far below 200 GB


def test_more_rows_than_the_bytes_can_hold_are_refused_when_the_set_is_opened(out: Path) -> None:
    path = next(out.glob("catalog/clips-*.parquet"))
    n_rows = 20_000_000
    pq.write_table(pa.table({"key": pa.nulls(n_rows, pa.string())}), path, compression="zstd", row_group_size=n_rows)
    reseal(out)
    assert path.stat().st_size < 100_000
    with pytest.raises(CorruptDataError, match="20000000 rows"), open_dataset(out):
        pass


@pytest.mark.parametrize(("table", "column"), [("index", "shard"), ("annotations", "description_en")])
def test_a_set_with_one_long_text_in_very_many_rows_is_refused_before_it_is_read_whole(
    out: Path, table: str, column: str
) -> None:
    path = index_of(out) if table == "index" else next(out.glob(f"catalog/{table}-*.parquet"))
    bomb(path, column, 200_000, "x" * 1_000_000)
    reseal(out)
    with pytest.raises(CorruptDataError, match=f"'{column}' without measure"):
        run_expectations(out, ["completeness"])


@pytest.mark.parametrize("value", [["x" * 1_000_000] * 3, {"a": "x" * 1_000_000}], ids=["list", "struct"])
def test_long_texts_in_lists_and_structs_are_counted(value: object, tmp_path: Path) -> None:
    rows = pa.table({"n": pa.array([value] * 20)})
    with pq.ParquetWriter(tmp_path / "t.parquet", rows.schema, compression="zstd") as writer:
        for _ in range(20):
            writer.write_table(rows)
    with pytest.raises(CorruptDataError, match="without measure"):
        check_texts(tmp_path / "t.parquet")


@pytest.mark.parametrize("kind", [pa.large_string(), pa.binary(), pa.string_view(), pa.binary(1_000_000)], ids=str)
def test_no_kind_of_text_is_unpacked_without_measure(kind: pa.DataType, tmp_path: Path) -> None:
    """What a reader makes of stored bytes is for the file to say, in a schema of Arrow's own."""
    text = "x" * 1_000_000 if pa.types.is_string_view(kind) or pa.types.is_large_string(kind) else b"x" * 1_000_000
    pq.write_table(pa.table({"title": pa.array([text] * 200, kind)}), tmp_path / "m.parquet", compression="zstd")
    with pytest.raises(CorruptDataError, match="'title' without measure"):
        read_bounded(tmp_path / "m.parquet")


def test_a_list_of_others_is_read_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"path": ["a.mp4"]}), path)
    bomb(path, "path", 9_000, "x" * 1_000_000)
    with pytest.raises(UsageError, match="without measure"):
        read_manifest(str(path))
    pq.write_table(pa.table({"path": pa.nulls(20_000_000, pa.string())}), path, row_group_size=20_000_000)
    with pytest.raises(UsageError, match="20000000 rows"):
        read_manifest(str(path))
    pq.write_table(pa.table({"path": ["a.mp4"], "title": [["x"]]}), path)
    with pytest.raises(UsageError, match="'title' is nested"):
        read_manifest(str(path))
    pq.write_table(pa.table([["a.mp4"], ["b.mp4"]], names=["path", "path"]), path)
    with pytest.raises(UsageError, match="'path' is there twice"):
        read_manifest(str(path))
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        pq.write_table(pa.table({"path": pa.array(["a.mp4"], kind)}), path)
        assert read_manifest(str(path)) == {"a.mp4": {"path": "a.mp4"}}, kind


@pytest.mark.parametrize("command", ["validate", "query", "report", "diff", "drop", "merge"])
def test_no_command_ends_in_a_traceback_over_a_table_without_measure(command: str, out: Path, tmp_path: Path) -> None:
    bomb(index_of(out), "shard", 200_000, "x" * 1_000_000)
    reseal(out)
    arguments = {
        "validate": [out, "--suite", "completeness"],
        "query": [out, 'SELECT count(shard || split) FROM "index"', "--timeout", "10"],
        "report": [out, "--output", tmp_path / "page.html"], "diff": [out, out],
        "drop": [out, "--where", "label = 'sad'"], "merge": [out, "--out", tmp_path / "joined"],
    }[command]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ver_pipeline", command, *map(str, arguments)], capture_output=True, text=True,
        timeout=120, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30)), check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 2) and done.stderr.count("\n") <= 1, done.stderr


@pytest.mark.parametrize("command", ["lint", "export"])
def test_no_command_takes_the_memory_that_a_table_asks_for(command: str, out: Path, tmp_path: Path) -> None:
    bomb(index_of(out), "shard", 200_000, "x" * 1_000_000)
    reseal(out)
    to = ["--to", str(tmp_path / "to"), "--format", "emer"] if command == "export" else []
    done = subprocess.run(
        [sys.executable, "-m", "ver_pipeline", command, str(out), *to], capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30)), check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "to").exists()


def test_honest_lists_in_many_row_groups_are_not_taken_for_a_bomb(tmp_path: Path) -> None:
    n_rows = 60_000
    lists = [[("sad", "worried", "upset")[(row * k) % 3] for k in range(row % 5)] for row in range(n_rows)]
    same = {f"column_{k}": ["a text that is the same everywhere"] * n_rows for k in range(20)}
    rows = pa.table({"key": [f"{row:09d}" for row in range(n_rows)], "labels": lists, **same})
    pq.write_table(rows, tmp_path / "t.parquet", compression="zstd", row_group_size=20_000)
    check_texts(tmp_path / "t.parquet")


def test_tables_that_builds_write_are_read_as_they_are(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in [index_of(out), *out.glob("catalog/*.parquet")]:
        check_rows(path)
        check_texts(path)
    table = read_bounded(index_of(out))
    assert table.equals(pq.read_table(index_of(out)).select(table.column_names))
    assert main(["lint", str(out)]) in (0, 1) and "without measure" not in capsys.readouterr().out
