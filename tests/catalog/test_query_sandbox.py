"""A query reads the data set and nothing else."""

from __future__ import annotations

import hashlib
import os
import tempfile
from io import StringIO
from pathlib import Path

import pytest
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.dataset import Dataset
from ver_pipeline.catalog.render import show
from ver_pipeline.catalog.sandbox import QueryError, QueryRefusedError
from ver_pipeline.schemas.errors import CorruptDataError


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    publish(folder)
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.fixture(scope="module")
def data(out: Path):
    with open_dataset(out) as opened:
        yield opened


def _sums(out: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*")) if p.is_file()}


SERIALISED = "SELECT * FROM json_execute_serialized_sql(json_serialize_sql($${}$$))"

HOSTILE = [
    "COPY samples TO '{out}/stolen.csv'",
    "COPY (SELECT 1 AS key) TO '{clips}' (FORMAT parquet, USE_TMP_FILE false)",
    "WITH x AS (COPY (SELECT 1) TO '{clips}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{clips}' (FORMAT parquet, USE_TMP_FILE false)",
    SERIALISED.format("WITH x AS (COPY (SELECT 1) TO '{clips}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1"),
    "SELECT * FROM query('SELECT * FROM json_execute_' || 'serialized_sql(1)')",
    "EXPORT DATABASE '{out}/dump'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "{out}/secret.csv"',
    "SELECT * FROM read_csv('{out}/secret.csv')",
    "SELECT (SELECT count(*) FROM glob('/etc/*'))",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH '{out}/new.db'",
    "SET enable_external_access = true",
    "RESET allowed_paths",
    "PRAGMA database_list",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW samples AS SELECT 1",
    "DROP VIEW samples",
    "CREATE SECRET (TYPE s3)",
    "CALL pragma_version()",
    "SELECT 1; SELECT 2",
    "BEGIN TRANSACTION",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pandas_scan(1::BIGINT)",
    "SELECT * FROM duckdb_settings",
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT current_setting('temp_directory')",
    "SHOW temp_directory",
    "SELECT * FROM (SHOW allowed_paths)",
    "SHOW DATABASES",
    "SELECT json_serialize_plan('SELECT * FROM clips')",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_external_file_cache()",
    "SELECT * FROM parquet_metadata('{clips}')",
    "FROM histogram_values('pg_settings', setting)",
    "FROM histogram('sqlite_master', sql)",
    "SELECT write_log('x')",
    "SELECT sleep_ms(1)",
    "SELECT " + "+".join(["1"] * 900),
    "UPDATE EXTENSIONS",
    "SELECT CAST(repeat('[', 50000) || repeat(']', 50000) AS json)::VARIANT",
    "SELECT TRY_CAST('a' AS STRUCT(b VARIANT[]))",
    "SELECT variant_normalize(key) FROM clips",
    "SELECT json_contains(x, x) FROM (SELECT repeat('[', 100000) || repeat(']', 100000) AS x)",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_query_is_refused_and_changes_nothing(data: Dataset, out: Path, query: str) -> None:
    clips = next(out.glob("catalog/clips-*.parquet"))
    before = _sums(out)
    with pytest.raises(QueryRefusedError) as caught:
        data.sql(query.replace("{out}", str(out)).replace("{clips}", str(clips)))
    assert "\n" not in str(caught.value)
    assert _sums(out) == before
    assert data.sql("SELECT count(*) FROM samples").rows() == [(24,)]


def test_the_engine_itself_is_locked_behind_the_syntax_check(data: Dataset, out: Path) -> None:
    import duckdb

    cursor = data._connection.cursor()
    for statement in (
        "SELECT * FROM read_csv('/etc/passwd')",
        f"COPY samples TO '{out}/stolen.csv'",
        "SET enable_external_access = true",
        f"ATTACH '{out}/new.db'",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            cursor.execute(statement)
    assert not (out / "stolen.csv").exists()


@pytest.mark.parametrize(
    "query",
    ["SELECT CAST(repeat('[', 1000000) AS json)", "SELECT strptime(repeat('1', 100000), '%Y')",
     "SELECT CAST('\x1b]0;title\x07\x9b2J' AS INTEGER)", "SELECT error(E'two\nlines')"],
)  # fmt: skip
def test_an_error_is_one_short_line_that_a_terminal_can_be_sent(data: Dataset, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        data.sql(query).rows()
    assert len(str(caught.value)) < 800 and str(caught.value).isprintable()


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_no_name_of_a_column_and_no_nested_text_sends_the_terminal_a_command(data: Dataset, form: str) -> None:
    sql = """SELECT 1 AS "a\x1b[2J", {'b': E'\x9b2J\x1b[2J'} AS c, [{'d': E'\x9b2J'}] AS e"""
    out = StringIO()
    show(out, data.sql(sql), form, 0, None)
    assert all(line.isprintable() for line in out.getvalue().splitlines()), out.getvalue()


def test_a_python_variable_is_no_table(data: Dataset) -> None:
    secret = [1, 2, 3]
    with pytest.raises(QueryError):
        data.sql("SELECT * FROM secret")
    assert secret


TELLING = [
    "SELECT sql FROM duckdb_views()",
    "SELECT * FROM duckdb_views",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_columns()",
    "SELECT view_definition FROM information_schema.views",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_views",
    "SELECT pg_get_viewdef(view_oid) FROM duckdb_views()",
    "SELECT pg_catalog.pg_get_viewdef(view_oid) FROM duckdb_views()",
    "SELECT json_serialize_sql('SELECT * FROM clips')",
    "SELECT json_deserialize_sql(json_serialize_sql('SELECT * FROM clips'))",
    "SELECT filename FROM clips",
    "SELECT file_row_number, file_index, rowid FROM clips",
    "SELECT clips.filename FROM clips",
    "SELECT COLUMNS('.*name.*') FROM clips",
    "EXPLAIN SELECT * FROM samples",
    "EXPLAIN ANALYZE SELECT * FROM samples",
    "EXPLAIN ANALYZE SELECT count(*) FROM words WHERE word > 'a'",
    "EXPLAIN (FORMAT json) SELECT * FROM samples",
    "SHOW ALL TABLES",
    "SELECT * FROM (SHOW ALL TABLES)",
    "SELECT * FROM duckdb_functions()",
    "SELECT current_database(), current_catalog, current_schemas(true), current_query(), version()",
    "SELECT stats(key) FROM clips",
    "SELECT * FROM clips WHERE error(key) IS NULL",
    "SELECT CAST(key AS INTEGER) FROM clips",
    "SELECT * FROM clips AT (VERSION => 1)",
    "SELECT nothing FROM clips",
    "SELECT * FROM clip",
    "SELECT * FROM main.clips.x",
    "FROM read_parquet('x')",
]


@pytest.mark.parametrize("query", TELLING)
def test_no_answer_and_no_error_tells_where_the_data_set_or_the_temporary_folder_lies(out: Path, query: str) -> None:
    with open_dataset(out) as data:
        try:
            told = str(data.sql(query).rows())
        except (QueryError, QueryRefusedError) as error:
            told = str(error)
        places = (out, out.resolve(), data._scratch.name, Path(tempfile.gettempdir()), Path.home(), Path.cwd())
    assert [place for place in map(str, places) if place in told] == []


def test_a_damaged_file_is_told_by_its_name_alone(tmp_path: Path) -> None:
    publish(tmp_path)
    clips = next(tmp_path.glob("catalog/clips-*.parquet"))
    data = bytearray(clips.read_bytes())
    data[200:-400] = bytes(len(data) - 600)
    clips.write_bytes(data)
    with pytest.raises(QueryError) as caught, open_dataset(tmp_path) as opened:
        opened.sql("SELECT * FROM clips").rows()
    assert str(tmp_path) not in str(caught.value)


def test_a_data_set_that_was_replaced_says_so(tmp_path: Path) -> None:
    publish(tmp_path)
    with open_dataset(tmp_path) as data:
        next(tmp_path.glob("catalog/words-*.parquet")).unlink()
        with pytest.raises(QueryError, match=r"words-.*is gone"):
            data.sql("SELECT count(*) FROM words").rows()


def test_a_closed_data_set_holds_no_file(out: Path) -> None:
    before = set(os.listdir("/dev/fd"))
    for _ in range(3):
        with open_dataset(out) as data:
            data.sql("SELECT count(*) FROM samples").rows()
    with pytest.raises(CorruptDataError):
        open_dataset(out / "catalog")
    assert len(os.listdir("/dev/fd")) == len(before)


HARMLESS = [
    "FROM samples LIMIT 1",
    "DESCRIBE samples",
    "SUMMARIZE clips",
    "SHOW TABLES",
    "SHOW samples",
    "DESCRIBE SELECT key FROM clips",
    "VALUES (1), (2)",
    "WITH a AS (SELECT key FROM samples) SELECT count(*) FROM a",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "SELECT * FROM range(3), unnest([1, 2])",
    "SELECT key, unnest(labels_open) FROM samples",
    "PIVOT clips ON split IN ('train', 'val') USING count(*)",
    "EXPLAIN SELECT count(*) FROM words",
    "EXPLAIN ANALYZE SELECT count(*) FROM words",
    "SELECT 'COPY x TO y; DROP TABLE z' AS text -- a comment",
    "SELECT media_mode FROM clips WHERE media_mode <> 'copy' ORDER BY key;",
    "(SELECT 1) UNION ALL (SELECT 2)",
    'SELECT count(*) FROM "index"',
    "SELECT count(*) FROM index",
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'samples'",
    "SELECT column_name FROM duckdb_columns WHERE table_name = 'samples'",
]


@pytest.mark.parametrize("query", HARMLESS)
def test_a_reading_query_is_answered(data: Dataset, query: str) -> None:
    assert data.sql(query).rows()


@pytest.mark.parametrize(
    "query", ["", "-- nothing", "SELEKT 1", "SELECT nothing FROM samples", "SELECT * FROM nowhere"]
)
def test_a_query_that_is_not_understood_says_so_in_one_line(data: Dataset, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        data.sql(query)
    assert "\n" not in str(caught.value)
