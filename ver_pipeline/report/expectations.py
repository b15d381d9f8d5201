"""Expectation results as the page shows them: the failed first, the passed folded away."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ver_pipeline.report.charts import Markup, figure_of, number, table
from ver_pipeline.report.words import both, say
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.untrusted import read_plain

RESULTS_NAME = "expectations.json"
OUTCOMES = ("failed", "not_run", "passed")

Row = dict[str, Any]


def read_results(out_dir: Path, manifest: Mapping[str, Any]) -> list[Row]:
    """Every check with its ``outcome`` and its ``suite`` (name, en, zh); empty when none were run.

    Raises:
        CorruptDataError: the file is not what ``ver validate`` writes.
    """
    listed = (file["path"] for file in manifest["files"] if file["kind"] == "expectations")
    path = out_dir / next(listed, RESULTS_NAME)
    if not path.exists():
        return []
    try:
        suites = parse_json(read_plain(path))["suites"]
        checks = [{**check, "suite": (suite["en"], suite["zh"])} for suite in suites for check in suite["checks"]]
        unknown = {check["outcome"] for check in checks} - set(OUTCOMES)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptDataError(f"{path} is not a list of results: {error}", "run: ver validate") from error
    if unknown:
        raise CorruptDataError(f"{path} holds the unknown outcome {unknown.pop()!r}", "run: ver validate")
    return checks


def section(results: list[Row]) -> str:
    """Counts of each outcome, what failed, then each suite; single checks can be folded out."""
    if not results:
        return f'<p class="none">{say("expectations_absent")}</p>'
    tags = " ".join(_tag(outcome, _count(results, outcome), "expectations." + outcome) for outcome in OUTCOMES)
    failed = [r for r in results if r["outcome"] == "failed"]
    shown = _checks(failed) if failed else ""
    folded = "".join(
        f"<details><summary>{_count(results, outcome)} {say(outcome)}</summary>"
        f"{_checks([r for r in results if r['outcome'] == outcome])}</details>"
        for outcome in ("not_run", "passed")
        if _count(results, outcome)
    )
    return f"<p>{tags}</p>{shown}{_suites(results)}{folded}"


def _count(results: list[Row], outcome: str) -> int:
    return sum(result["outcome"] == outcome for result in results)


def _tag(outcome: str, n: int, figure: str) -> str:
    return f'<span class="tag {outcome}" {figure_of(figure, n)}>{number(n)} {say(outcome)}</span>'


def _suites(results: list[Row]) -> str:
    """A line a suite: what it promises, and how its checks came out."""
    lines = []
    for suite in dict.fromkeys(result["suite"] for result in results):
        own = [result for result in results if result["suite"] == suite]
        counts = ((outcome, _count(own, outcome)) for outcome in OUTCOMES)
        marks = " ".join(_tag(outcome, n, "suite." + outcome) for outcome, n in counts if n)
        lines.append((Markup(both(*suite)), Markup(marks)))
    return table(["check", "outcome"], lines)


def _checks(results: list[Row]) -> str:
    rows = [(Markup(both(r["en"], r["zh"])), Markup(f"<code>{escape(r['id'])}</code>"), _detail(r)) for r in results]
    return table(["check", "rule", "example"], rows)


def _detail(result: Row) -> str:
    """Why it did not run, or what was found where it failed."""
    if result["outcome"] == "not_run":
        return str(result.get("why") or "")
    return ", ".join(map(str, result.get("examples") or ())) if result["outcome"] == "failed" else ""
