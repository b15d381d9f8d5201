"""All parts of a teacher's answer: from one prompt, or from a family of prompts one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.teacher.asking import Talk, UsageTotals, ask
from ver_pipeline.annotators.teacher.facts import data_block, evidence_block, has_neighbours, measured_audio
from ver_pipeline.annotators.teacher.families import CLOSED_PROMPTS, combine
from ver_pipeline.annotators.teacher.parsing import Problem
from ver_pipeline.annotators.teacher.teacher import Teacher, question


def collect(request: Request, teacher: Teacher, draw: int, stats: UsageTotals) -> Talk:
    """The whole answer; a Problem where one part could not be had."""
    if teacher.options.flow == "single":
        return (yield from ask(question(request, teacher, "annotate", draw), request, teacher, stats))
    seen: list[dict[str, Any]] = []
    for name in clues(request, teacher):
        part = yield from ask(question(request, teacher, name, draw), request, teacher, stats)
        if isinstance(part, Problem):
            return part
        seen += part["observations"]
    audio = measured_audio(request)
    answer: dict[str, Any] = {"observations": distinct(seen, {audio["eid"]} if audio and teacher.hears else set())}
    evidence = evidence_block([*answer["observations"], *([audio] if audio else [])])
    weigh = _weigh_in_steps if teacher.options.flow == "families" else _weigh_at_once
    judged = yield from weigh(request, teacher, draw, evidence, stats)
    if isinstance(judged, Problem):
        return judged
    fill = {"evidence": evidence, "judgement": data_block(judged)}
    written = yield from ask(question(request, teacher, "describe", draw, **fill), request, teacher, stats)
    return written if isinstance(written, Problem) else {**answer, **judged, **written}


def clues(request: Request, teacher: Teacher) -> list[str]:
    """The steps that collect evidence, without those that have nothing to look at in this clip."""
    spoken = bool(request.speech.get("present")) and bool(str(request.speech.get("text") or "").strip())
    fillings = {
        "clue_visual": True,
        "clue_acoustic": bool(request.clip.get("has_audio")) and request.media_path is not None,
        "clue_lexical": spoken,
        "clue_context": has_neighbours(request),
    }
    return [name for name in teacher.steps() if fillings.get(name, False)]


def distinct(seen: Sequence[dict[str, Any]], taken: set[str]) -> list[dict[str, Any]]:
    """Observations with distinct names: a name used twice, or ``taken``, gets the next free number."""
    observations: list[dict[str, Any]] = []
    names = set(taken)
    for observation in seen:
        name, n = observation["eid"], 1
        while name in names:
            n += 1
            name = f"{observation['eid'][:1]}{n}"
        names.add(name)
        observations.append({**observation, "eid": name})
    return observations


def _weigh_at_once(request: Request, teacher: Teacher, draw: int, evidence: str, stats: UsageTotals) -> Talk:
    """The judgement from one question."""
    asked = question(request, teacher, "merge_label", draw, evidence=evidence)
    return (yield from ask(asked, request, teacher, stats))


def _weigh_in_steps(request: Request, teacher: Teacher, draw: int, evidence: str, stats: UsageTotals) -> Talk:
    """Hypotheses first, then each label prompt by itself; what carries no hypothesis is asked no further."""
    merged = yield from ask(question(request, teacher, "merge", draw, evidence=evidence), request, teacher, stats)
    if isinstance(merged, Problem):
        return merged
    answers: dict[str, dict[str, Any]] = {}
    for name in teacher.label_prompts() if merged["hypotheses"] else ():
        # A closed set is asked without the hypotheses: agreement with them would otherwise mean nothing.
        fill = (
            {"evidence": evidence}
            if name in CLOSED_PROMPTS
            else {"evidence": evidence, "hypotheses": data_block(merged)}
        )
        part = yield from ask(question(request, teacher, name, draw, **fill), request, teacher, stats)
        if isinstance(part, Problem):
            return part
        answers[name] = part
    return combine(merged, answers)
