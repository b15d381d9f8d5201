"""A query reads the data set and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.sandbox import QueryError, QueryRefusedError
from ver_pipeline.dataset import Dataset


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


def test_a_python_variable_is_no_table(data: Dataset) -> None:
    secret = [1, 2, 3]
    with pytest.raises(QueryError):
        data.sql("SELECT * FROM secret")
    assert secret


HARMLESS = [
    "FROM samples LIMIT 1",
    "DESCRIBE samples",
    "SUMMARIZE clips",
    "SHOW TABLES",
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
