"""Expectations of a whole data set: which rows each check looks at, and what came of it.

DuckDB gives the rows, ``evaluators.py`` looks at them.  The suites are JSON under ``schemas/expectations/``:
people read and change them there.  An outcome is ``passed``, ``failed`` or ``not_run`` with the reason; a check that
raises has failed.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.quality.evaluators import EXAMPLES, KINDS, ArrowEvaluator, Evaluator
from ver_pipeline.quality.set_checks import CHECKS
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import ConfigError, UsageError
from ver_pipeline.schemas.nearest import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

RESULTS_SCHEMA = "ver-expectations/1"
RESULTS_NAME = "expectations.json"
SUITES_DIR = Path(__file__).parents[1] / "schemas" / "expectations"
SUITE_ORDER = (
    "completeness", "uniqueness", "ranges", "split-leakage", "agreement", "class-balance", "language-balance",
    "duplication", "rejects", "drift",
)  # fmt: skip


def suite_names() -> tuple[str, ...]:
    """Every suite there is, in the order in which they are reported."""
    present = {path.stem for path in SUITES_DIR.glob("*.json")}
    return (*(name for name in SUITE_ORDER if name in present), *sorted(present - set(SUITE_ORDER)))


def load_suite(name: str) -> dict[str, Any]:
    """One suite: ``name``, ``en``, ``zh`` and its ``checks``.

    Raises:
        UsageError: there is no such suite.
        ConfigError: its file is not a suite.
    """
    if name not in suite_names():
        raise UsageError(f"there is no suite {name!r}", did_you_mean(name, suite_names()))
    path = SUITES_DIR / f"{name}.json"
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
        for check in suite["checks"]:
            _source_of(check)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{path} is not a suite of expectations: {error}") from error
    return dict(suite)


def run_expectations(
    location: str | Path,
    suites: Sequence[str] | None = None,
    against: str | Path | None = None,
    quick: bool = False,
) -> dict[str, Any]:
    """Evaluate a published data set.

    Args:
        location: folder or address of the data set.
        suites: names; None runs all.
        against: an earlier data set, for the suite ``drift``.
        quick: without Great Expectations, where our own evaluator knows all that is asked; the results are the same.

    Returns:
        ``{"schema", "engine", "summary", "suites": [{"name", "en", "zh", "passed", "failed", "not_run",
        "checks": [{"id", "outcome", "severity", "en", "zh", "type", "observed", "examples", "why"}]}]}``.
        The same data set gives the same result, byte for byte.

    Raises:
        UsageError: an unknown suite.
    """
    chosen = [load_suite(name) for name in suites or suite_names()]
    with ExitStack() as stack:
        data = stack.enter_context(open_dataset(location))
        earlier = None if against is None else stack.enter_context(open_dataset(against))
        for opened in filter(None, (data, earlier)):
            opened.check_texts()
        kinds = {check["expect"]["type"] for suite in chosen for check in suite["checks"]}
        evaluator = stack.enter_context(evaluator_for(kinds, quick))
        judged = [_run_suite(suite, evaluator, data, earlier) for suite in chosen]
    outcomes = Counter(check["outcome"] for suite in judged for check in suite["checks"])
    errors = sum(c["outcome"] == "failed" and c["severity"] == "error" for s in judged for c in s["checks"])
    return {
        "schema": RESULTS_SCHEMA,
        "engine": evaluator.engine,
        "summary": {
            **{name: outcomes.get(name, 0) for name in ("passed", "failed", "not_run")},
            "failed_errors": errors,
        },
        "suites": judged,
    }


@contextmanager
def evaluator_for(kinds: Collection[str], quick: bool) -> Iterator[Evaluator]:
    """Great Expectations where it is installed, else pyarrow.

    Args:
        kinds: of the expectations that will be asked for.
        quick: rather pyarrow, if that knows them all.
    """
    known = quick and all(kind in KINDS for kind in kinds)
    if known or importlib.util.find_spec("great_expectations") is None:
        yield ArrowEvaluator()
        return
    from ver_pipeline.quality.gx import GxEvaluator, quiet

    with quiet():
        yield GxEvaluator()


def write_expectations(out_dir: Path, against: str | Path | None = None) -> dict[str, Any]:
    """Run every suite on the (staged) data set in ``out_dir`` and write ``expectations.json`` beside it."""
    results = run_expectations(out_dir, against=against, quick=True)
    (out_dir / RESULTS_NAME).write_bytes(canonical_json(results) + b"\n")
    return results


def _rows(check: dict[str, Any], data: Dataset, earlier: Dataset | None) -> pa.Table | str:
    """The rows that a check looks at, or why there are none to look at."""
    import pyarrow as pa

    kind, value = _source_of(check)
    if kind == "computed":
        rows = CHECKS[value](data, earlier)
        return rows if isinstance(rows, str) else pa.Table.from_pylist(rows)
    if kind == "sql":
        return data.sql(value).arrow()
    kwargs = check["expect"]["kwargs"]
    columns = kwargs.get("column_list") or [kwargs["column"]]
    return data.sql(f'SELECT {", ".join(columns)} FROM "{value}"').arrow()


def _run_suite(suite: dict[str, Any], evaluator: Evaluator, data: Dataset, earlier: Dataset | None) -> dict[str, Any]:
    checks = [_run_check(check, evaluator, data, earlier) for check in suite["checks"]]
    outcomes = Counter(check["outcome"] for check in checks)
    return {
        **{name: suite[name] for name in ("name", "en", "zh")},
        **{name: outcomes.get(name, 0) for name in ("passed", "failed", "not_run")},
        "checks": checks,
    }


def _run_check(check: dict[str, Any], evaluator: Evaluator, data: Dataset, earlier: Dataset | None) -> dict[str, Any]:
    expect = check["expect"]
    about = {**{name: check[name] for name in ("id", "severity", "en", "zh")}, "type": expect["type"]}
    why = _missing_need(check, data)
    rows = why if why is not None else _rows(check, data, earlier)
    if isinstance(rows, str):
        return {**about, "outcome": "not_run", "why": rows}
    counted = expect["type"] == "expect_table_row_count_to_equal"
    if not rows.num_rows and not counted:
        return {**about, "outcome": "not_run", "why": "there are no rows to judge"}
    result = evaluator.evaluate(rows, expect)
    if result.error is not None:
        return {**about, "outcome": "failed", "observed": None, "why": result.error}
    examples = rows.slice(0, EXAMPLES).to_pylist() if counted else result.examples
    return {
        **about,
        "outcome": "passed" if result.success else "failed",
        "observed": _plain(result.observed),
        "examples": [] if result.success else [_plain(value) for value in examples],
    }


def _missing_need(check: dict[str, Any], data: Dataset) -> str | None:
    """Why the check's precondition does not hold, or None."""
    need = check.get("needs")
    if need is not None and not data.sql(need["sql"]).rows()[0][0]:
        return str(need["why"])
    if not check["id"].startswith(("reject.", "complete.funnel")) and not data.manifest["counts"]["samples"]:
        return "the data set has no samples"
    return None


def _source_of(check: dict[str, Any]) -> tuple[str, str]:
    """Where a check's rows come from: ``table``, ``sql`` or ``computed``, exactly one."""
    row_sources = [(kind, check[kind]) for kind in ("table", "sql", "computed") if kind in check]
    if len(row_sources) != 1:
        raise ConfigError(f"check {check.get('id')!r} needs one of table, sql, computed")
    if row_sources[0][0] == "computed" and row_sources[0][1] not in CHECKS:
        raise ConfigError(f"check {check.get('id')!r}: nothing computes {row_sources[0][1]!r}")
    return row_sources[0]


def _plain(value: Any) -> Any:
    """A JSON value without NaN; floats to six decimals, so that sums in another order give the same text."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)
