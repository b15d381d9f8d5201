"""A teacher's answer, judged: checked by the rules, repaired, verified, translated, or given up with its problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ver_pipeline.annotators.base import Request, Usage
from ver_pipeline.annotators.teacher.asking import Talk, UsageTotals, ask_once, provenance
from ver_pipeline.annotators.teacher.assemble import assemble, check_rules
from ver_pipeline.annotators.teacher.facts import data_block, measured_audio
from ver_pipeline.annotators.teacher.parsing import Problem
from ver_pipeline.annotators.teacher.repairs import told_bans, without_banned
from ver_pipeline.annotators.teacher.teacher import Teacher, languages, question
from ver_pipeline.annotators.teacher.verify import contradicted, verify_question
from ver_pipeline.schemas.answer import SEEN, fields_schema, without_sight
from ver_pipeline.schemas.reasons import Reason

TRANSLATIONS = {
    "description_en": ("zh2en", "description_zh"),
    "description_zh": ("en2zh", "description_en"),
}
"""What can be translated: the failing field to the mode and the field that it is made from."""


def judge_answer(request: Request, teacher: Teacher, draw: int, answer: dict[str, Any], stats: UsageTotals) -> Talk:
    """The annotation after checks and at most ``repairs`` repairs, or the problem that stayed."""
    answer = without_unseen(answer, teacher, stats)
    problems: list[Problem] = []
    for attempt in range(teacher.options.repairs + 1):
        annotation = _assembled(answer, request, teacher, draw, stats)
        problems = [annotation] if isinstance(annotation, Problem) else check_rules(annotation, request)
        if not problems and teacher.options.verify and teacher.sees:
            problems = yield from _verify(request, teacher, answer, stats)
            annotation = _assembled(answer, request, teacher, draw, stats)
        if not problems:
            return annotation
        if attempt == teacher.options.repairs:
            break
        fixed = yield from _repair(request, teacher, draw, answer, problems, stats, attempt)
        if isinstance(fixed, Problem):
            return fixed if fixed.reason is Reason.TEACHER_UNAVAILABLE else problems[0]
        answer, stats.repaired = without_unseen({**answer, **fixed}, teacher, stats), True
    if teacher.options.translate:
        rescued = yield from _translate(request, teacher, draw, answer, problems, stats)
        if rescued is not None:
            return rescued
    return replace(problems[0], message=f"after {teacher.options.repairs} repairs: {problems[0].message}")


def _assembled(
    answer: Mapping[str, Any],
    request: Request,
    teacher: Teacher,
    draw: int,
    stats: UsageTotals,
    mode: str = "native-both",
) -> dict[str, Any] | Problem:
    lineage = provenance(request, teacher, draw, stats)
    return assemble(answer, request, measured_audio(request), lineage, teacher.hears, mode, teacher.sees)


def without_unseen(answer: dict[str, Any], teacher: Teacher, stats: UsageTotals) -> dict[str, Any]:
    """The answer without observations that only who sees can make, where a canary showed that the teacher does not;
    counted in ``stats``.

    What is cited of them is cited no more; a label that rests on nothing else fails the rules, as any would.
    """
    unseen = {seen["eid"] for seen in answer["observations"] if seen["modality"] in SEEN}
    if not teacher.is_blind or not unseen:
        return answer
    stats.usage += Usage(unseen=sum(seen["modality"] in SEEN for seen in answer["observations"]))
    rest = [seen for seen in answer["observations"] if seen["modality"] not in SEEN]
    kept_eids = {seen["eid"] for seen in rest}
    gone = unseen - kept_eids
    labels = [{**label, "eids": [eid for eid in label["eids"] if eid not in gone]} for label in answer["labels"]]
    changes = [
        {**change, "eids": [eid for eid in change["eids"] if eid not in gone]} for change in answer["transitions"]
    ]
    cited = [eid for eid in answer["cited_eids"] if eid not in gone]
    return {**answer, "observations": rest, "labels": labels, "transitions": changes, "cited_eids": cited}


def _repair(
    request: Request,
    teacher: Teacher,
    draw: int,
    answer: Mapping[str, Any],
    problems: Sequence[Problem],
    stats: UsageTotals,
    attempt: int,
) -> Talk:
    """Only the failing fields, asked for once; what failed may not come again."""
    fields = tuple(name for name in answer if any(name in problem.fields for problem in problems)) or tuple(answer)
    banned = {name: answer[name] for name in fields if _can_be_banned(name, problems)}
    order = languages(request, teacher.options)[1]
    schema = without_banned(fields_schema(fields, order), answer, fields)
    narrow = without_sight(schema) if teacher.is_blind else None
    fill = {
        "answer": data_block(dict(answer)),
        "errors": "\n".join(f"- {line}" for line in [*(p.message for p in problems[:8]), *told_bans(banned, attempt)]),
        "fields": ", ".join(schema["required"]),
    }
    asked = question(request, teacher, "repair", draw, **fill)
    return (yield from ask_once(replace(asked, schema=schema, narrow=narrow), teacher, stats))


def _can_be_banned(name: str, problems: Sequence[Problem]) -> bool:
    """The field failed by itself: a finding about several fields may be mended in any of them."""
    return any(problem.fields == (name,) for problem in problems)


def _translate(
    request: Request,
    teacher: Teacher,
    draw: int,
    answer: Mapping[str, Any],
    problems: Sequence[Problem],
    stats: UsageTotals,
) -> Talk:
    """The annotation with its one bad description translated from the good one; None where that does not help.

    Only where everything that is wrong concerns the descriptions; the first finding says which is bad, since
    findings about both (such as their lengths) follow from it and are judged anew.  The record's mode tells.
    """
    if not all(p.fields and set(p.fields) <= set(TRANSLATIONS) for p in problems):
        return None
    target = problems[0].fields[0]
    mode, source = TRANSLATIONS[target]
    asked = question(request, teacher, f"translate_{mode}", draw, description=data_block(answer[source]))
    translated = yield from ask_once(replace(asked, schema=fields_schema((target,)), narrow=None), teacher, stats)
    if isinstance(translated, Problem):
        return None
    stats.repaired = True
    annotation = _assembled({**answer, **translated}, request, teacher, draw, stats, mode)
    return None if isinstance(annotation, Problem) or check_rules(annotation, request) else annotation


def _verify(request: Request, teacher: Teacher, answer: Mapping[str, Any], stats: UsageTotals) -> Talk:
    """Problems found by the yes-no pass; none where the model also believed the foil."""
    asked = verify_question(request, answer["observations"])
    if asked is None:
        return []
    language = languages(request, teacher.options)[0]
    chat = question(request, teacher, "verify", claims=asked.text(language))
    said = yield from ask_once(replace(chat, schema=asked.schema), teacher, stats)
    if isinstance(said, Problem):
        return []
    concerned = ("observations", "labels", "description_en", "description_zh", "cited_eids")
    return [
        Problem(Reason.UNGROUNDED, f"observation {eid} is contradicted by the frames", concerned)
        for eid in contradicted(asked, said)
    ]
