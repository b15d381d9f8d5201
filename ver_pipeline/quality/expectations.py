"""Set expectations: Great Expectations run on the catalog's tables, without a clock, a network or a file of its own.

DuckDB reads the tables, pandas carries them, an ephemeral GX context judges them (GX over a DuckDB
engine fails on every SQL metric).  The suites are JSON under ``schemas/expectations/``: people read and
change them there.  An outcome is ``passed``, ``failed`` or ``not_run`` with the reason; a check that
raises has failed.
"""

from __future__ import annotations

import difflib
import json
import logging
import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.quality.set_checks import CHECKS
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import ConfigError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    import pandas as pd

RESULTS_SCHEMA = "ver-expectations/1"
RESULTS_NAME = "expectations.json"
SUITES_DIR = Path(__file__).parents[1] / "schemas" / "expectations"
EXAMPLES = 5
"""How many offending rows or values a result shows."""

SUITE_ORDER = (
    "completeness", "uniqueness", "ranges", "split-leakage", "agreement", "class-balance", "language-balance",
    "duplication", "rejects", "drift",
)  # fmt: skip


def suite_names() -> tuple[str, ...]:
    """Every suite there is, in the order in which they are reported."""
    found = {path.stem for path in SUITES_DIR.glob("*.json")}
    return (*(name for name in SUITE_ORDER if name in found), *sorted(found - set(SUITE_ORDER)))


def load_suite(name: str) -> dict[str, Any]:
    """One suite: ``name``, ``en``, ``zh`` and its ``checks``.

    Raises:
        UsageError: there is no such suite.
        ConfigError: its file is not a suite.
    """
    if name not in suite_names():
        close = difflib.get_close_matches(name, suite_names(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(suite_names())}"
        raise UsageError(f"there is no suite {name!r}", hint)
    path = SUITES_DIR / f"{name}.json"
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
        for check in suite["checks"]:
            _source_of(check)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{path} is not a suite of expectations: {error}") from error
    return dict(suite)


def run_expectations(
    location: str | Path, suites: Sequence[str] | None = None, against: str | Path | None = None
) -> dict[str, Any]:
    """Judge a published data set.

    Args:
        location: folder or address of the data set.
        suites: names; None runs all.
        against: an earlier data set, for the suite ``drift``.

    Returns:
        ``{"schema", "gx", "summary", "suites": [{"name", "en", "zh", "passed", "failed", "not_run",
        "checks": [{"id", "outcome", "severity", "en", "zh", "type", "observed", "examples", "why"}]}]}``.
        The same data set gives the same result, byte for byte.

    Raises:
        UsageError: an unknown suite.
        MissingDependencyError: Great Expectations is not installed.
    """
    chosen = [load_suite(name) for name in suites or suite_names()]
    with open_dataset(location) as data, _quiet():
        earlier = None if against is None else open_dataset(against)
        try:
            judge = _Judge(data, earlier)
            judged = [_run_suite(suite, judge) for suite in chosen]
        finally:
            if earlier is not None:
                earlier.close()
    outcomes = Counter(check["outcome"] for suite in judged for check in suite["checks"])
    errors = sum(c["outcome"] == "failed" and c["severity"] == "error" for s in judged for c in s["checks"])
    return {
        "schema": RESULTS_SCHEMA,
        "gx": judge.version,
        "summary": {
            **{name: outcomes.get(name, 0) for name in ("passed", "failed", "not_run")},
            "failed_errors": errors,
        },
        "suites": judged,
    }


def write_expectations(out_dir: Path, against: str | Path | None = None) -> dict[str, Any]:
    """Run every suite on the (staged) data set in ``out_dir`` and write ``expectations.json`` beside it."""
    results = run_expectations(out_dir, against=against)
    (out_dir / RESULTS_NAME).write_bytes(canonical_json(results) + b"\n")
    return results


class _Judge:
    """Great Expectations in an ephemeral context, fed from one data set."""

    def __init__(self, data: Dataset, earlier: Dataset | None) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        try:
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
        except ImportError as error:
            raise MissingDependencyError(
                "Great Expectations is not installed", "pip install 'great-expectations>=1.24,<2'"
            ) from error
        logging.getLogger("great_expectations").setLevel(logging.ERROR)  # its import sets a level of its own
        self.version = str(gx.__version__)
        self.data, self.earlier = data, earlier
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        self._pandas = context.data_sources.add_pandas("catalog")
        self._n_frames = 0

    def frame(self, check: dict[str, Any]) -> pd.DataFrame | str:
        """The rows that a check looks at, or why there are none to look at."""
        import pandas as pd

        kind, value = _source_of(check)
        if kind == "computed":
            rows = CHECKS[value](self.data, self.earlier)
            return rows if isinstance(rows, str) else pd.DataFrame(rows)
        if kind == "sql":
            return self.data.sql(value).pandas()
        kwargs = check["expect"]["kwargs"]
        columns = kwargs.get("column_list") or [kwargs["column"]]
        return self.data.sql(f'SELECT {", ".join(columns)} FROM "{value}"').pandas()

    def validate(self, frame: pd.DataFrame, expect: dict[str, Any]) -> Any:
        """GX's own result of one expectation."""
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        self._n_frames += 1
        asset = self._pandas.add_dataframe_asset(f"frame-{self._n_frames}")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        return batch.validate(ExpectationConfiguration(**expect).to_domain_obj())


def _run_suite(suite: dict[str, Any], judge: _Judge) -> dict[str, Any]:
    checks = [_run_check(check, judge) for check in suite["checks"]]
    outcomes = Counter(check["outcome"] for check in checks)
    return {
        **{name: suite[name] for name in ("name", "en", "zh")},
        **{name: outcomes.get(name, 0) for name in ("passed", "failed", "not_run")},
        "checks": checks,
    }


def _run_check(check: dict[str, Any], judge: _Judge) -> dict[str, Any]:
    expect = check["expect"]
    told = {**{name: check[name] for name in ("id", "severity", "en", "zh")}, "type": expect["type"]}
    why = _missing_need(check, judge.data)
    frame = why if why is not None else judge.frame(check)
    if isinstance(frame, str):
        return {**told, "outcome": "not_run", "why": frame}
    if frame.empty and expect["type"] != "expect_table_row_count_to_equal":
        return {**told, "outcome": "not_run", "why": "there are no rows to judge"}
    result = judge.validate(frame, expect)
    raised = [e for e in _exceptions(result.exception_info) if e.get("raised_exception")]
    if raised:
        return {**told, "outcome": "failed", "observed": None, "why": str(raised[0]["exception_message"])}
    return {
        **told,
        "outcome": "passed" if result.success else "failed",
        "observed": _observed(result.result),
        "examples": [] if result.success else _examples(frame, expect, result.result),
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
    given = [(kind, check[kind]) for kind in ("table", "sql", "computed") if kind in check]
    if len(given) != 1:
        raise ConfigError(f"check {check.get('id')!r} needs one of table, sql, computed")
    if given[0][0] == "computed" and given[0][1] not in CHECKS:
        raise ConfigError(f"check {check.get('id')!r}: nothing computes {given[0][1]!r}")
    return given[0]


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())


def _observed(result: dict[str, Any]) -> Any:
    """The figure behind an outcome: the observed value, or how many values were unexpected, of how many."""
    if "observed_value" in result:
        return _plain(result["observed_value"])
    return {name: _plain(result[name]) for name in ("unexpected_count", "element_count") if name in result}


def _examples(frame: pd.DataFrame, expect: dict[str, Any], result: dict[str, Any]) -> list[Any]:
    """The first offending rows (of a query for offenders) or values (of a column check)."""
    if expect["type"] == "expect_table_row_count_to_equal":
        return [{str(k): _plain(v) for k, v in row.items()} for row in frame.head(EXAMPLES).to_dict("records")]
    return [_plain(value) for value in result.get("partial_unexpected_list", [])[:EXAMPLES]]


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


@contextmanager
def _quiet() -> Iterator[None]:
    """GX logs its progress at levels of its own, and warns of its own regular expressions: neither is for the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
