"""``ver query`` and ``open_dataset``: right answers, every format, every place."""

from __future__ import annotations

import csv
import http.server
import json
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factory import make_records
from published import publish, reseal

from ver_pipeline import open_dataset
from ver_pipeline.catalog.named import load_query, named_queries
from ver_pipeline.catalog.render import width_of
from ver_pipeline.cli import main
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.errors import CorruptDataError, UsageError, VerError
from ver_pipeline.schemas.tables import INDEX, SAMPLES

N = 24


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    publish(folder)
    return folder


def test_samples_hold_what_the_records_hold(out: Path) -> None:
    with open_dataset(out) as data:
        rows = {row["key"]: row for row in data.sql("SELECT * FROM samples").dicts()}
    assert len(rows) == N
    for record in make_records(N):
        row = rows[record.key]
        assert (row["label"], row["valence"], row["split"]) == (
            record.emotion.primary,
            record.emotion.valence,
            record.split,
        )
        assert (row["uri"], row["transcript"]) == (record.source.uri, record.speech.text)
        assert (row["description_en"], row["description_zh"]) == (record.description.en, record.description.zh)
        assert row["labels_open"] == [label.en for label in record.emotion.labels_open]


def test_every_view_has_the_columns_that_the_listing_names(out: Path) -> None:
    with open_dataset(out) as data:
        for table in [*TABLES.values(), INDEX, SAMPLES]:
            assert data.sql(f'SELECT * FROM "{table.name}" LIMIT 0').columns == list(table.names)


@pytest.mark.parametrize("name", list(named_queries()))
def test_each_named_query_runs_and_says_what_it_answers(out: Path, name: str) -> None:
    assert len(named_queries()[name]) > 20
    with open_dataset(out) as data:
        answer = data.sql(f"@{name}")
        assert answer.columns
        answer.rows()


def test_named_queries_answer_rightly(out: Path) -> None:
    records = make_records(N)
    with open_dataset(out) as data:
        balance = {row["label"]: row["n"] for row in data.sql("@class-balance").dicts()}
        assert balance == {lab: sum(r.emotion.primary == lab for r in records) for lab in balance}
        assert sum(balance.values()) == N
        rejects = [(row["reason"], row["n"]) for row in data.sql("@rejects-by-reason").dicts()]
        assert rejects == [("too_short", 2), ("not_media", 1)]
        assert data.sql("@leakage").rows() == []
        assert data.sql("@duplicates").rows() == []
        assert data.sql("@slowest").dicts()[0]["stage"] == "speech"


def test_planted_leaks_and_duplicates_are_found(tmp_path: Path) -> None:
    one, two, three, *rest = make_records(12)
    leaked = two.model_copy(update={"split": "test" if two.split != "test" else "train"})
    twin = three.model_copy(update={"media": one.media})
    publish(tmp_path, [one, leaked, twin, *rest])
    with open_dataset(tmp_path) as data:
        assert {row["what"] for row in data.sql("@leakage").dicts()} == {"video", "group"}
        (group,) = [row for row in data.sql("@duplicates").dicts() if row["same"] == "media"]
        assert group["first_keys"] == sorted([one.key, three.key])


def test_answers_come_as_arrow_pandas_and_rows(out: Path) -> None:
    query = "SELECT key, valence FROM samples ORDER BY key"
    with open_dataset(out) as data:
        table, frame, rows = data.sql(query).arrow(), data.sql(query).pandas(), data.sql(query).rows()
        assert data.sql("SELECT ? + 1 AS n", [41]).rows() == [(42,)]
    assert table.column("key").to_pylist() == list(frame["key"]) == [row[0] for row in rows]


def test_polars_is_given_or_its_absence_is_named(out: Path) -> None:
    with open_dataset(out) as data:
        try:
            import polars
        except ImportError:
            with pytest.raises(VerError, match="polars"):
                data.sql("SELECT 1 AS a").polars()
        else:
            assert data.sql("SELECT 1 AS a").polars().equals(polars.DataFrame({"a": [1]}))


def test_every_format_holds_the_same_rows(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT key, label, labels_open, valence FROM samples ORDER BY key"
    for suffix in ("csv", "json", "parquet", "md", "txt"):
        assert main(["query", str(out), query, "--output", str(tmp_path / f"a.{suffix}")]) == 0
    with (tmp_path / "a.csv").open(newline="") as file:
        from_csv = [row["key"] for row in csv.DictReader(file)]
    from_json = [json.loads(line)["key"] for line in (tmp_path / "a.json").read_text().splitlines()]
    assert from_csv == from_json == pq.read_table(tmp_path / "a.parquet").column("key").to_pylist()
    assert (tmp_path / "a.md").read_text().count("\n") == N + 2
    assert (tmp_path / "a.txt").read_text().count("\n") == N + 2
    assert not list(tmp_path.glob("*.partial"))
    assert capsys.readouterr().out == ""


def test_a_table_fits_the_width_and_names_what_it_left_out(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(out), "SELECT * FROM samples", "--width", "90", "--limit", "3"]) == 0
    *lines, note = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert max(map(width_of, lines)) <= 90
    assert "columns more" in note and "description_zh" in note


def test_terminal_escapes_in_a_transcript_are_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = make_records(1)[0]
    nasty = record.model_copy(update={"speech": record.speech.model_copy(update={"text": "hi \x1b[2Jthere | <b>"})})
    publish(tmp_path, [nasty])
    for form in ("table", "markdown"):
        assert main(["query", str(tmp_path), "SELECT transcript FROM samples", "--format", form]) == 0
        text = capsys.readouterr().out
        assert "\x1b" not in text and "\\x1b" in text.replace("\\\\", "\\")


def test_a_refused_query_exits_with_one_line_and_one(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(out), "SELECT * FROM read_csv('/etc/passwd')"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "refused" in error


def test_wrong_use_is_said_and_exits_with_two(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(out), "@class-balanse"]) == 2
    assert "@class-balance" in capsys.readouterr().err
    assert main(["query", str(out), "SELECT 1", "--format", "parquet"]) == 2
    assert main(["query", str(tmp_path / "nothing"), "SELECT 1"]) == 1
    with pytest.raises(UsageError):
        load_query("nothing-like-this")


def test_the_listing_names_every_column_and_query(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(column in text for table in TABLES.values() for column in table.names)
    assert all(f"@{name}" in text for name in named_queries())


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address(out: Path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_data_set_answers_the_same_from_a_folder_over_http_and_by_file_url(out: Path, address: str) -> None:
    answers = []
    for place in (out, address + "/", address + "/manifest.json", out.as_uri()):
        with open_dataset(place) as data:
            answers.append(data.sql("SELECT * FROM samples ORDER BY key").rows())
            scratch = Path(data._scratch.name)
        assert not scratch.exists()
    assert all(answer == answers[0] for answer in answers) and len(answers[0]) == N


def test_a_flipped_byte_on_the_way_is_found(tmp_path: Path) -> None:
    publish(tmp_path)
    clips = next(tmp_path.glob("catalog/clips-*.parquet"))
    data = bytearray(clips.read_bytes())
    data[len(data) // 2] ^= 1
    clips.write_bytes(data)
    with pytest.raises(CorruptDataError, match="clips"):
        open_dataset(tmp_path.as_uri())


def test_a_catalog_from_before_a_column_was_added_still_answers(tmp_path: Path) -> None:
    manifest = publish(tmp_path)
    clips = next(tmp_path.glob("catalog/clips-*.parquet"))
    pq.write_table(pq.read_table(clips).drop_columns(["labels_canon", "sensitive"]), clips)
    reseal(tmp_path)
    with open_dataset(tmp_path) as data:
        rows = data.sql("SELECT labels_canon, sensitive, label FROM clips").rows()
        assert len(data.sql("SELECT * FROM samples").rows()) == manifest["counts"]["samples"]
    assert {row[:2] for row in rows} == {(None, None)} and all(row[2] for row in rows)


def test_only_what_the_manifest_names_is_read(tmp_path: Path) -> None:
    manifest = publish(tmp_path)
    (tmp_path / "catalog" / "clips-00000000.parquet").write_bytes(b"half a file")
    with open_dataset(tmp_path) as data:
        assert data.sql("SELECT count(*) FROM clips").rows() == [(manifest["counts"]["samples"],)]
    next(tmp_path.glob("catalog/words-*.parquet")).unlink()
    with pytest.raises(CorruptDataError, match="words"):
        open_dataset(tmp_path)


def test_the_first_row_needs_neither_pandas_nor_pyarrow_nor_pydantic(out: Path) -> None:
    code = (
        "import sys; from ver_pipeline.cli import main; code = main(sys.argv[1:]);"
        "heavy = {'pandas', 'pyarrow', 'pydantic', 'numpy', 'torch', 'ray', 'rich'} & set(sys.modules);"
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "query", str(out), "SELECT count(*) AS n FROM samples"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(N)


class _Bucket(http.server.BaseHTTPRequestHandler):
    """Just enough of the S3 protocol to read objects: HEAD and ranged GET of /bucket/name."""

    root: Path

    def _send(self, *, body: bool) -> None:
        path = self.root / self.path.split("?")[0].removeprefix("/bucket/")
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = path.read_bytes()
        first, last = 0, len(data) - 1
        wanted = self.headers.get("Range")
        if wanted:
            low, _, high = wanted.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if body:
            self.wfile.write(data[first : last + 1])

    def do_HEAD(self) -> None:
        self._send(body=False)

    def do_GET(self) -> None:
        self._send(body=True)

    def log_message(self, *_: object) -> None: ...


def test_a_data_set_on_s3_answers(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    handler = type("Bucket", (_Bucket,), {"root": out, "protocol_version": "HTTP/1.1"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = f"scheme=http&endpoint_override=127.0.0.1%3A{server.server_port}&region=us-east-1"
    try:
        with open_dataset(f"s3://bucket?{options}") as data:
            assert data.sql("SELECT count(*) FROM samples").rows() == [(N,)]
        with pytest.raises(VerError, match="cannot read"):
            open_dataset(f"s3://bucket/nothing?{options}")
    finally:
        server.shutdown()


def test_the_manual_explains_every_named_query() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "query.md").read_text("utf-8")
    for name, meaning in named_queries().items():
        assert f"| `@{name}` | {meaning} |" in manual
