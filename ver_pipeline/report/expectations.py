"""Expectation results as the page shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ver_pipeline.report.charts import Markup, figure_of, number, table
from ver_pipeline.report.words import both, say
from ver_pipeline.schemas.errors import CorruptDataError

RESULTS_NAME = "expectations.json"
OUTCOMES = ("failed", "not_run", "passed")


def read_results(out_dir: Path) -> list[dict[str, Any]]:
    """Every expectation with its ``outcome`` (passed, failed, not_run); empty when none were run.

    Raises:
        CorruptDataError: the file is not what ``ver validate`` writes.
    """
    path = out_dir / RESULTS_NAME
    if not path.exists():
        return []
    try:
        suites = json.loads(path.read_bytes())["suites"]
        found = [{**check, "suite": suite["name"]} for suite in suites for check in suite["checks"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError(f"{path} is not a list of results: {error}", "run: ver validate") from error
    return sorted(found, key=lambda r: OUTCOMES.index(r["outcome"]) if r["outcome"] in OUTCOMES else -1)


def section(results: list[dict[str, Any]]) -> str:
    """Counts of each outcome, and a line a check, the failed ones first."""
    if not results:
        return f'<p class="none">{say("expectations_absent")}</p>'
    counts = {outcome: sum(r["outcome"] == outcome for r in results) for outcome in OUTCOMES}
    tags = " ".join(
        f'<span class="tag {outcome}" {figure_of(f"expectations.{outcome}", n)}>{number(n)} {say(outcome)}</span>'
        for outcome, n in counts.items()
    )
    rows = [(_name(r), _outcome(r["outcome"]), _detail(r)) for r in results]
    return f"<p>{tags}</p>" + table(["check", "outcome", "example"], rows)


def _name(result: dict[str, Any]) -> Markup:
    return Markup(both(f"{result['suite']}: {result['en']}", f"{result['suite']}：{result['zh']}"))


def _detail(result: dict[str, Any]) -> str:
    """Why it did not run, or what was found where it failed."""
    if result["outcome"] == "not_run":
        return str(result.get("why") or "")
    return ", ".join(map(str, result.get("examples") or ())) if result["outcome"] == "failed" else ""


def _outcome(outcome: str) -> Markup:
    known = outcome if outcome in OUTCOMES else "not_run"
    return Markup(f'<span class="tag {known}">{say(known)}</span>')
