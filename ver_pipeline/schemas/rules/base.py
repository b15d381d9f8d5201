"""What a rule is: a pure function over one record, with an id, a severity and three outcomes.

A rule returns the defects it found (an empty list is *passed*) or :class:`NotRun` with the reason
why it could not judge.  Not run is never a pass: it is listed as such in the record's verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record

Severity = Literal["reject", "flag", "info"]
SEVERITIES: tuple[Severity, ...] = ("reject", "flag", "info")


@dataclass(frozen=True, slots=True)
class Found:
    """One defect: what is wrong (no transcript text, at most a few words) and a JSON pointer to the place.

    ``severity`` is set only where the rule grades this defect below its own severity.
    """

    message: str
    pointer: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class NotRun:
    """The rule could not judge this record, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at besides the record: its thresholds, and the takedown list if there is one."""

    limits: Mapping[str, float] = field(default_factory=dict)
    takedown: frozenset[str] | None = None


Answer = Sequence[Found] | NotRun
Check = Callable[[Record, Context], Answer]


@dataclass(frozen=True, slots=True)
class Rule:
    """One check.

    Attributes:
        id: stable, as in ``docs/rules.md``; never reused.
        severity: ``reject`` keeps the record out, ``flag`` asks for review, ``info`` only counts.
        en, zh: what must hold, in one line.
        check: the pure function.
        reason: the reject code when the rule keeps a record out.
        limits: thresholds and their defaults; the configuration may change each.
        text_only: reads nothing but texts, labels and transcript, so it also judges records of other projects.
        version: bumped when the same record may get another answer.
    """

    id: str
    severity: Severity
    en: str
    zh: str
    check: Check
    reason: Reason = Reason.RULE_FAILED
    limits: Mapping[str, float] = field(default_factory=dict)
    text_only: bool = False
    version: int = 1
