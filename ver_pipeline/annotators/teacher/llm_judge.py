"""The judge: a model of another family marks an annotation against its evidence.  For evaluation only.

What it says is never written into a record and decides nothing.  It sees what the annotation rests on and
says, but not who wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ver_pipeline.annotators.base import Request, Usage
from ver_pipeline.annotators.teacher.asking import Talk, UsageTotals, ask
from ver_pipeline.annotators.teacher.facts import data_block, evidence_block
from ver_pipeline.annotators.teacher.parsing import Problem
from ver_pipeline.annotators.teacher.teacher import Teacher, question
from ver_pipeline.schemas.reasons import Reason

FAMILIES = (
    "qwen", "llama", "gpt", "gemini", "gemma", "claude", "internvl", "deepseek", "mistral", "pixtral", "glm",
    "minicpm", "phi", "kimi", "ernie", "doubao", "hunyuan", "grok",
)  # fmt: skip
"""Names by which models of one house are known; a name that holds none of them has no known family."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A judge's marks, or why there are none; never both, never neither."""

    key: str
    marks: dict[str, Any] | None
    reason: Reason | None
    message: str
    usage: Usage


def family(model: str) -> str | None:
    """The family that a model's name tells of, None where it tells none."""
    words = re.findall(r"[a-z]+", model.lower())
    return next((name for name in FAMILIES for word in words if name in word), None)


def same_family(judge: str, annotator: str) -> bool:
    """The judge is the annotator's own model or one of its family, as far as their names tell."""
    if judge.lower().rstrip("/") == annotator.lower().rstrip("/"):
        return True
    return family(judge) is not None and family(judge) == family(annotator)


def assess(request: Request, annotation: Mapping[str, Any], teacher: Teacher) -> Talk:
    """The conversation with the judge about one annotation; returns its :class:`Assessment`."""
    stats = UsageTotals()
    fill = {"evidence": evidence_block(annotation["observations"]), "annotation": data_block(_shown(annotation))}
    marks = yield from ask(question(request, teacher, "judge", 0, **fill), request, teacher, stats)
    if not isinstance(marks, Problem):
        marks = _grounded(marks, {seen["eid"] for seen in annotation["observations"]})
    if isinstance(marks, Problem):
        return Assessment(request.key, None, marks.reason, marks.message, stats.usage)
    return Assessment(request.key, marks, None, "", stats.usage)


def _shown(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """What the annotation says, without who wrote it and how sure it was."""
    emotion, description = annotation["emotion"], annotation["description"]
    names = ("subject", "primary", "valence", "arousal", "intensity", "mixed", "ambiguity", "transitions")
    words = [{"en": label["en"], "zh": label["zh"], "eids": label["eids"]} for label in emotion["labels_open"]]
    texts = {"en": description["en"], "zh": description["zh"]}
    return {**{name: emotion[name] for name in names}, "labels": words, **texts}


def _grounded(marks: dict[str, Any], known: set[str]) -> dict[str, Any] | Problem:
    """The marks, if they rest on observations that exist; support without any observation is no support."""
    cited = {eid for claim in marks["claims"] for eid in claim["eids"]} | set(marks["missing_eids"])
    if cited - known:
        return Problem(Reason.UNGROUNDED, f"the judge cites {min(cited - known)}, which is no observation")
    if any(claim["verdict"] == "supported" and not claim["eids"] for claim in marks["claims"]):
        return Problem(Reason.UNGROUNDED, "the judge calls a claim supported and cites nothing for it")
    return marks
