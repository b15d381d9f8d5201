"""A query takes no more time and memory than it may: one line, status 1, and the next query works."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.limits import MEMORY_BYTES, TIMEOUT_S, QueryLimitError, limits_of, parse_size
from ver_pipeline.catalog.where import keys_where
from ver_pipeline.cli import main
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.schemas.errors import UsageError

ENDLESS = [
    "SELECT sum(a.range * b.range) FROM range(1000000000) a, range(1000000000) b",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM words a, words b, words c, words d, words e",
    "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000000000)",
]
LARGE = [
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(range::VARCHAR) FROM range(1000000000)",
    "SELECT list_sum(range(3000000000))",
    "SELECT len(repeat('x', 4000000000))",
    "SELECT * FROM range(200000000) ORDER BY hash(range)",
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limits")
    publish(folder)
    return folder


@pytest.mark.parametrize("query", ENDLESS)
def test_a_query_without_end_is_ended(out: Path, query: str) -> None:
    with open_dataset(out, timeout_s=0.3) as data:
        with pytest.raises(QueryLimitError, match=r"longer than 0\.3 s") as caught:
            data.sql(query).rows()
        assert "--timeout" in str(caught.value) and "\n" not in str(caught.value)
        assert data.sql("SELECT count(*) FROM samples").rows() == [(24,)]


def test_an_answer_without_end_is_ended_in_whatever_form_it_is_taken(out: Path) -> None:
    query = "SELECT range FROM range(1000000000000)"
    with open_dataset(out, timeout_s=0.3) as data:
        for take in ("dicts", "arrow", "pandas"):
            with pytest.raises(QueryLimitError):
                getattr(data.sql(query), take)()
        with pytest.raises(QueryLimitError):
            sum(1 for _ in data.sql(query))


@pytest.mark.skipif(sys.platform != "linux", reason="memory that DuckDB does not count is bounded on Linux alone")
@pytest.mark.parametrize("query", LARGE)
def test_a_query_that_needs_more_memory_than_it_may_is_ended(out: Path, query: str) -> None:
    with open_dataset(out, memory="50MB") as data:
        with pytest.raises(QueryLimitError, match=r"more memory than 0\.05 GB") as caught:
            data.sql(query).rows()
        assert "--memory" in str(caught.value) and "\n" not in str(caught.value)
        assert data.sql("SELECT count(*) FROM samples").rows() == [(24,)]


def test_every_where_is_bounded_too(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VER_QUERY_TIMEOUT", "0.3")
    endless = "key = (SELECT max(a.key || b.range) FROM words a, range(100000000000) b)"
    with open_dataset(out) as data, pytest.raises(QueryLimitError):
        keys_where(data, endless)
    with pytest.raises(QueryLimitError):
        open_shards(out, "all", endless)


def test_the_command_says_one_line_and_ends_with_1(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(out), ENDLESS[0], "--timeout", "0.3"]) == 1
    assert main(["query", str(out), LARGE[0], "--memory", "200MB"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["ver query", "ver query"]
    assert main(["query", str(out), "SELECT 1", "--timeout", "-1"]) == 2
    assert main(["query", str(out), "SELECT 1", "--memory", "much"]) == 2


def test_a_function_that_cannot_be_interrupted_ends_the_command(out: Path) -> None:
    code = (
        "import sys; from ver_pipeline.catalog import limits; limits.GRACE_S = 0.2;"
        "from ver_pipeline.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    stuck = "SELECT levenshtein(repeat('a', 3000000), repeat('b', 3000000))"
    done = subprocess.run(
        [sys.executable, "-c", code, "query", str(out), stuck, "--timeout", "0.2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "takes longer than 0.2 s" in done.stderr and done.stderr.count("\n") == 1


def test_limits_are_on_by_default_and_can_be_raised_or_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits_of().timeout_s == TIMEOUT_S
    assert 0 < limits_of().memory_bytes <= MEMORY_BYTES
    monkeypatch.setenv("VER_QUERY_TIMEOUT", "7")
    monkeypatch.setenv("VER_QUERY_MEMORY", "1.5GiB")
    assert (limits_of().timeout_s, limits_of().memory_bytes) == (7.0, 3 << 29)
    assert (limits_of(0.0, "0").timeout_s, limits_of(0.0, "0").memory_bytes) == (0.0, 0)
    assert [parse_size(text) for text in ("512MB", "1 k", "2TiB", "9")] == [512_000_000, 1000, 2 << 40, 9]
    for name, value in (("VER_QUERY_TIMEOUT", "soon"), ("VER_QUERY_TIMEOUT", "nan"), ("VER_QUERY_MEMORY", "-1")):
        with monkeypatch.context() as context, pytest.raises(UsageError):
            context.setenv(name, value)
            limits_of()


def test_no_limits_still_answer(out: Path) -> None:
    with open_dataset(out, timeout_s=0, memory="0") as data:
        assert data.sql("SELECT count(*) FROM samples").rows() == [(24,)]


def test_no_thread_that_watched_a_query_outlives_it(out):
    """One that did would drop the last reference to a cursor while Python ends: DuckDB then aborts the process."""
    with open_dataset(out) as data:
        before = threading.enumerate()
        for _ in range(50):
            data.sql("SELECT 1 AS one").arrow()
            assert threading.enumerate() == before
