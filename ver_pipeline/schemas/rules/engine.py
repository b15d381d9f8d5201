"""Runs the rules over one record and says what came out: the verdict that the record carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.canonical import canonical_json, digest
from ver_pipeline.schemas.config import ValidateConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.nearest import did_you_mean
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Finding, Record, Verdict
from ver_pipeline.schemas.rules.base import SEVERITIES, Context, NotRun, Rule
from ver_pipeline.schemas.rules.consistency import CONSISTENCY
from ver_pipeline.schemas.rules.form import FORM
from ver_pipeline.schemas.rules.grounding import GROUNDING
from ver_pipeline.schemas.rules.language import LANGUAGE
from ver_pipeline.schemas.rules.ready_text import READY_TEXT
from ver_pipeline.schemas.rules.safety import SAFETY

ALL_RULES: tuple[Rule, ...] = (*FORM, *READY_TEXT, *LANGUAGE, *GROUNDING, *CONSISTENCY, *SAFETY)
"""Every record rule, in the order in which they run and are reported."""

BY_ID: dict[str, Rule] = {rule.id: rule for rule in ALL_RULES}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules in force under one configuration; ``version`` changes when any of it changes."""

    rules: tuple[Rule, ...]
    version: str


def rule_set(config: ValidateConfig | None = None, extra: tuple[str, ...] = ()) -> RuleSet:
    """The rules after the configuration's changes: severity, thresholds, ``off``.

    Args:
        extra: names of plugins whose rules run after ours.

    Raises:
        ConfigError: an unknown rule, threshold or plugin, with the nearest known name.
    """
    config = config or ValidateConfig()
    return _rule_set(canonical_json(config.rules), extra)


@lru_cache(maxsize=64)
def _rule_set(overrides_json: bytes, extra: tuple[str, ...]) -> RuleSet:
    import json

    overrides: dict[str, Mapping[str, object]] = json.loads(overrides_json)
    known = (*ALL_RULES, *_rules_of(extra))
    by_id = {rule.id: rule for rule in known}
    for rule_id in overrides:
        if rule_id not in by_id:
            raise ConfigError(f"there is no rule {rule_id!r}", did_you_mean(rule_id, by_id))
    chosen = tuple(_changed(rule, overrides.get(rule.id, {})) for rule in known)
    in_force = tuple(rule for rule in chosen if rule is not None)
    content = [[rule.id, rule.version, rule.severity, dict(rule.limits)] for rule in in_force]
    return RuleSet(in_force, f"rules/1-{digest(content)[:12]}")


def _rules_of(extra: tuple[str, ...]) -> list[Rule]:
    """The rules of plugins.  Each plugin is a sequence of rules whose ids no other rule has."""
    rules: list[Rule] = []
    for name in extra:
        plugin = plugins.load("rules", name)
        for rule in plugin.value:
            if rule.id in BY_ID or rule.id in {other.id for other in rules}:
                raise ConfigError(f"the rule {rule.id} of {plugin.release} is already there", "give it another id")
            rules.append(rule)
    return rules


def run_rules(
    record: Record,
    config: ValidateConfig | None = None,
    *,
    takedown: frozenset[str] | None = None,
    rules: Iterable[Rule] | None = None,
    extra: tuple[str, ...] = (),
) -> Verdict:
    """Judge one record.

    Args:
        config: severities, thresholds and rules that are off.
        takedown: sha256 of sources or media, or clip keys, that must not be in the set; None: no list.
        rules: run only these (already configured) rules.
        extra: names of plugins whose rules run after ours.

    Returns:
        The verdict: ``reject`` when a rule of that severity found something, ``review`` when a flag
        was raised, ``accept`` otherwise.  Every rule in force is in exactly one of ``passed``,
        ``not_run`` and the findings.  ``not_run`` entries read ``"ID: why"``.
    """
    chosen = rule_set(config, extra)
    passed: list[str] = []
    not_run: list[str] = []
    findings: list[Finding] = []
    for rule in chosen.rules if rules is None else rules:
        answer = rule.check(record, Context(rule.limits, takedown))
        if isinstance(answer, NotRun):
            not_run.append(f"{rule.id}: {answer.why}")
        elif answer:
            findings += [
                Finding(code=rule.id, severity=f.severity or rule.severity, message=f.message, pointer=f.pointer)
                for f in answer
            ]
        else:
            passed.append(rule.id)
    return Verdict(
        status=_status(findings),
        rules_version=chosen.version,
        passed=tuple(passed),
        not_run=tuple(not_run),
        findings=tuple(findings),
    )


def reject_reason(verdict: Verdict) -> Reason | None:
    """The finest reject code of a verdict: that of the first rejecting rule which has its own, if any does."""
    codes = [f.code for f in verdict.findings if f.severity == "reject"]
    reasons = [BY_ID[code].reason if code in BY_ID else Reason.RULE_FAILED for code in codes]
    if not reasons:
        return None
    return next((reason for reason in reasons if reason is not Reason.RULE_FAILED), Reason.RULE_FAILED)


def _status(findings: list[Finding]) -> Literal["accept", "review", "reject"]:
    severities = {f.severity for f in findings}
    if "reject" in severities:
        return "reject"
    return "review" if "flag" in severities else "accept"


def _changed(rule: Rule, override: Mapping[str, object]) -> Rule | None:
    """The rule under its override, or None when it is off."""
    limits = dict(rule.limits)
    severity = rule.severity
    for name, value in override.items():
        if name == "severity":
            if value == "off":
                return None
            if value not in SEVERITIES:
                raise ConfigError(f"rule {rule.id}: severity {value!r}", f"one of {', '.join(SEVERITIES)}, off")
            severity = value
        elif name not in limits:
            raise ConfigError(f"rule {rule.id} has no threshold {name!r}", did_you_mean(name, [*limits, "severity"]))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"rule {rule.id}: {name} must be a number, not {value!r}")
        else:
            limits[name] = float(value)
    return replace(rule, severity=severity, limits=limits)
