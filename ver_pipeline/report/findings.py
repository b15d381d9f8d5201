"""What the record rules said, with each rule explained in both languages."""

from __future__ import annotations

from functools import cache
from html import escape

from ver_pipeline.report.charts import Markup, table
from ver_pipeline.report.figures import Figures, Row
from ver_pipeline.report.words import both, say


@cache
def _explanations() -> dict[str, tuple[str, str]]:
    from ver_pipeline.schemas.rules import rule_set

    return {rule.id: (rule.en, rule.zh) for rule in rule_set(None).rules}


def section(figures: Figures) -> str:
    """Findings by rule, then the rules that could not run and why."""
    return _findings(figures["findings"]) + _not_run(figures["not_run"])


def _findings(rows: list[Row]) -> str:
    if not rows:
        return f'<p class="none">{say("no_findings")}</p>'
    lines = [(_rule(row["code"]), row["severity"], row["n"], row["example"]) for row in rows]
    return table(["rule", "severity", "count", "example"], lines, right=(2,))


def _not_run(rows: list[Row]) -> str:
    """A rule that did not run is stored as ``ID: why``."""
    if not rows:
        return ""
    lines = []
    for row in rows:
        code, _, why = row["rule"].partition(": ")
        lines.append((_rule(code), why, row["n"]))
    return f"<h3 class='next'>{say('rules_not_run')}</h3>" + table(["rule", "why", "count"], lines, right=(2,))


def _rule(code: str) -> Markup:
    known = _explanations().get(code)
    explained = f"<br>{both(*known)}" if known else ""
    return Markup(f"<code>{escape(code)}</code>{explained}")
