"""Every ``--where`` goes through one door: it chooses samples by any column and can do nothing else."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.catalog.sandbox import QueryError, QueryRefusedError
from ver_pipeline.catalog.where import both, keys_where
from ver_pipeline.cli import main
from ver_pipeline.export.rights import check_public
from ver_pipeline.export.run import Export, export
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.reannotation.reannotate import expected_cost
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.tables import INDEX, SAMPLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doors") / "set"
    publish(folder)
    (folder / "secret.parquet").write_bytes(next(folder.glob("index-*.parquet")).read_bytes())
    return folder


def records(out: Path, where: str) -> int:
    with open_dataset(out) as data:
        return sum(1 for _ in read_records(data, where))


def chosen(out: Path, where: str) -> int:
    with open_dataset(out) as data:
        return len(keys_where(data, where))


def exported(out: Path, where: str) -> int:
    return _exported(out, Export("llava", media="none", where=where))


def emer(out: Path, where: str) -> int:
    return _exported(out, Export("emer", where=where))


def _exported(out: Path, wish: Export) -> int:
    target = out.parent / f"to-{hashlib.sha256(wish.where.encode()).hexdigest()[:8]}-{wish.format}"
    return export(out, target, wish).n_samples


def public(out: Path, where: str) -> int:
    with open_dataset(out) as data:
        check_public(data, where, ["LicenseRef-test", *{r for (r,) in data.sql("SELECT license FROM samples")}])
    return 24


def costed(out: Path, where: str) -> int:
    with open_dataset(out) as data:
        expected_cost(data, BuildConfig(), where)
        return len(keys_where(data, where))


def loaded(out: Path, where: str) -> int:
    return len(open_shards(out, "all", where))


def combined(out: Path, where: str) -> int:
    return len(open_shards(out, "all", both("key IS NOT NULL", where)))


def dry(out: Path, where: str) -> int:
    """Status 0 of ``ver drop --dry-run`` as all samples, as nothing is counted."""
    return 24 if main(["drop", str(out), "--where", where, "--dry-run"]) == 0 else 0


DOORS: dict[str, Callable[[Path, str], int]] = {
    "read_records": records, "keys_where": chosen, "export": exported, "export emer": emer, "export public": public,
    "annotate": costed, "train and eval": loaded, "a recipe's and train's": combined,
}  # fmt: skip
"""Whatever takes a condition: how many samples it chose."""

HOSTILE = [
    "key IN (SELECT content FROM read_text('/etc/passwd'))",
    "key IN (SELECT key FROM read_parquet('{out}/secret.parquet'))",
    "key IN (SELECT key FROM '{out}/secret.parquet')",
    "key IN (SELECT column0 FROM read_csv('{out}/secret.csv'))",
    "(SELECT count(*) FROM glob('/etc/*')) > 0",
    "key IN (WITH x AS (COPY (SELECT 1) TO '{out}/stolen.csv') SELECT key FROM samples)",
    "(SELECT count(*) FROM duckdb_secrets()) = 0",
    "(SELECT count(*) FROM duckdb_settings()) > 0",
    "getenv('HOME') IS NOT NULL",
    "current_setting('temp_directory') <> ''",
    "key IN (SELECT key FROM query('SELECT key FROM samples'))",
    "key IN (SELECT 1 FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1')))",
    "COPY samples TO '{out}/stolen.csv'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH '{out}/new.db'",
    "SET enable_external_access = true",
    "PRAGMA database_list",
    "EXPORT DATABASE '{out}/dump'",
    "true; COPY samples TO '{out}/stolen.csv'",
    "true; DROP VIEW samples",
    "true) UNION SELECT key FROM samples WHERE (true",
    "false) OR (true",
    "true) --",
    "true) GROUP BY key HAVING (true",
    "true GROUP BY key",
    "true LIMIT 1",
    "true ORDER BY key",
    "true USING SAMPLE 3",
    "true QUALIFY true",
    "true UNION SELECT 'x'",
    "SELECT key FROM read_parquet('{out}/secret.parquet')",
    "SELECT key FROM samples; DROP VIEW samples",
    "WITH x AS (COPY (SELECT 1) TO '{out}/stolen.csv') SELECT key FROM samples",
    "FROM '{out}/secret.parquet'",
]


@pytest.mark.parametrize("door", DOORS)
def test_a_hostile_condition_is_refused_at_every_door_and_changes_nothing(out: Path, door: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*"))}
    for where in HOSTILE:
        with pytest.raises((QueryRefusedError, QueryError, UsageError)) as caught:
            DOORS[door](out, where.replace("{out}", str(out)))
        assert "\n" not in str(caught.value)
        assert "no sample" not in str(caught.value), where
    assert {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*"))} == before


def test_drop_refuses_them_too_and_says_one_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for where in HOSTILE:
        assert dry(out, where.replace("{out}", str(out))) == 0, where
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("door", DOORS)
def test_every_column_of_the_listing_works_at_every_door(out: Path, door: str) -> None:
    conditions = [" OR ".join(f'"{name}" IS NULL OR "{name}" IS NOT NULL' for name in SAMPLES.names)]
    for table in (*TABLES.values(), INDEX):
        known = " OR ".join(f'"{name}" IS NULL OR "{name}" IS NOT NULL' for name in table.names)
        joined = "key" if "key" in table.names else None
        own = f'key IN (SELECT key FROM "{table.name}" WHERE {known}) OR true'
        conditions.append(own if joined else f'(SELECT count(*) FROM "{table.name}" WHERE {known}) >= 0')
    for where in conditions:
        assert DOORS[door](out, where) == 24


CHOOSING = {
    "label = (SELECT min(label) FROM samples)": None,
    "true": 24,
    "true -- a comment": 24,
    "/* a */ true /* b */": 24,
    "key IN (SELECT key FROM words) OR NOT has_audio OR true": 24,
    "SELECT key FROM samples": 24,
    "FROM samples": 24,
    "WITH a AS (SELECT key FROM samples) SELECT key FROM a;": 24,
    "SELECT key FROM samples ORDER BY key LIMIT 3": 3,
    "SELECT key, 1 AS n FROM samples UNION ALL SELECT key, 2 FROM samples": 24,
    "SELECT unnest(['no such key', NULL]) AS key UNION ALL SELECT min(key) FROM samples": 1,
    "key = ')' OR true": 24,
    "label = 'a;b' OR true": 24,
}


@pytest.mark.parametrize("where", CHOOSING)
def test_a_condition_or_a_whole_query_chooses_the_same_samples_at_every_door(out: Path, where: str) -> None:
    counts = {name: door(out, where) for name, door in DOORS.items() if name != "export public"}
    assert len(set(counts.values())) == 1, counts
    assert CHOOSING[where] in (None, counts["keys_where"])


@pytest.mark.parametrize("where", ["", " ", "labl = 1", "label ==== 'a'", "SELECT label FROM samples", "?", "-- none"])
def test_a_condition_that_is_not_understood_chooses_nothing_and_says_so(out: Path, where: str) -> None:
    with open_dataset(out) as data, pytest.raises((QueryError, QueryRefusedError)) as caught:
        keys_where(data, where)
    assert "\n" not in str(caught.value)


def test_of_a_split_the_condition_sees_that_split_alone(out: Path) -> None:
    with open_dataset(out) as data:
        of_split = dict(data.sql("SELECT split, count(*) FROM samples GROUP BY split").rows())
        assert len(of_split) > 1
        for split, n in of_split.items():
            assert len(keys_where(data, "true", split)) == n
            assert len(keys_where(data, f"(SELECT count(*) FROM samples) = {n}", split)) == n
            assert len(keys_where(data, "SELECT key FROM samples LIMIT 1", split)) == 1
    assert len(open_shards(out, "train", "SELECT key FROM samples LIMIT 2")) == 2


def test_two_conditions_hold_together_whatever_comments_they_end_in(out: Path) -> None:
    one, other = "label <> 'x' -- a", "SELECT key FROM samples ORDER BY key LIMIT 5 -- b"
    with open_dataset(out) as data:
        assert len(keys_where(data, both(one, other))) == 5
        assert keys_where(data, both("false", "true OR true")) == []
    for bad in ("true) OR (true", "true; SELECT 1", ""):
        with pytest.raises((QueryError, QueryRefusedError)):
            both("true", bad)


def test_duckdb_is_opened_in_one_place() -> None:
    """Anywhere else, a query could be run that nobody has looked at.  ``where.py`` only parses."""
    allowed = {"ver_pipeline/catalog/connection.py", "ver_pipeline/catalog/where.py"}
    opening = {"duckdb.connect", "duckdb.sql", "duckdb.query", "duckdb.execute"}
    seen = {
        path.relative_to(ROOT).as_posix()
        for folder in ("schemas", "stages", "model", "ver_pipeline")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in opening
    }
    assert seen == allowed
