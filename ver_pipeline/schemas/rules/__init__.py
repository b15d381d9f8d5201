"""The record rules: small pure functions that say why a record is in or out of the data set."""

from __future__ import annotations

from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.engine import ALL_RULES, BY_ID, RuleSet, reject_reason, rule_set, run_rules

__all__ = [
    "ALL_RULES",
    "BY_ID",
    "Context",
    "Found",
    "NotRun",
    "Rule",
    "RuleSet",
    "reject_reason",
    "rule_set",
    "run_rules",
]
