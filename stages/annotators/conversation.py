"""What every model annotator does with a clip: ask, parse, check, retry, repair, verify.

The work on one clip is a generator that yields questions and is sent answers.  A backend only decides
how questions travel: many clips in one batch (``run_batched``), or many at once over a network (``lead``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ver_pipeline.annotation_prompts import load_examples
from ver_pipeline.schemas.answer import answer_schema, fields_schema, schema_sha256
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Sampling

from .assemble import assemble, check_rules
from .base import Request, Result, Usage
from .chat import Chat, Completion
from .facts import data_block, evidence_block, has_neighbours, measured_sound
from .parsing import Parsed, Problem, parse
from .teacher import Teacher, languages, question
from .verify import contradicted, verify_question

Talk = Generator[Chat, Completion, Any]
TRANSLATIONS = {
    "description_en": ("zh2en", "description_zh"),
    "description_zh": ("en2zh", "description_en"),
}
"""What can be translated: the failing field to the mode and the field that it is made from."""
TRY_AGAIN = {
    "en": "That answer cannot be used: {error}. Answer again, as one complete JSON object that fits the schema.",
    "zh": "上面的回答无法使用：{error}。请重新回答，给出一个完整且符合格式的 JSON 对象。",
}


@dataclass(slots=True)
class _Tally:
    """What one clip has cost so far, and which prompts were shown."""

    usage: Usage
    prompts: dict[str, str]
    attempts: int = 0
    repaired: bool = False


def talk(request: Request, teacher: Teacher) -> Talk:
    """The conversation about one clip; returns its :class:`Result`.  Draws come one after the other."""
    drawn: list[Result] = []
    for i in range(teacher.options.samples):
        result = yield from _one_draw(request, teacher, i)
        drawn.append(result)
    kept = next((result for result in drawn if result.annotation is not None), drawn[0])
    usage = sum((result.usage for result in drawn), Usage())
    others = tuple(r.annotation for r in drawn if r.annotation is not None and r is not kept)
    return replace(kept, usage=usage, samples=others)


def run_batched(
    requests: Sequence[Request], teacher: Teacher, complete: Callable[[list[Chat]], list[Completion]]
) -> list[Result]:
    """Lead all conversations in step: each round asks everything that is open as one batch."""
    talks = [talk(request, teacher) for request in requests]
    results: list[Result | None] = [None] * len(talks)
    waiting: list[tuple[int, Chat]] = []
    for i, conversation in enumerate(talks):
        _advance(conversation, None, i, results, waiting)
    while waiting:
        asked, waiting = waiting, []
        for (i, _), completion in zip(asked, complete([chat for _, chat in asked]), strict=True):
            _advance(talks[i], completion, i, results, waiting)
    return [result for result in results if result is not None]


def lead(request: Request, teacher: Teacher, complete: Callable[[Chat], Completion]) -> Result:
    """Lead one conversation to its end."""
    conversation = talk(request, teacher)
    answer: Completion | None = None
    while True:
        try:
            chat = conversation.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            result: Result = end.value
            return result
        answer = complete(chat)


def _one_draw(request: Request, teacher: Teacher, draw: int) -> Talk:
    tally = _Tally(Usage(), {})
    answer = yield from _collect(request, teacher, draw, tally)
    if isinstance(answer, Problem):
        return Result(request.key, reason=answer.reason, message=answer.message, usage=tally.usage)
    outcome = yield from _settle(request, teacher, draw, answer, tally)
    if isinstance(outcome, Problem):
        return Result(request.key, reason=outcome.reason, message=outcome.message, usage=tally.usage)
    return Result(request.key, annotation=outcome, usage=tally.usage)


def _collect(request: Request, teacher: Teacher, draw: int, tally: _Tally) -> Talk:
    """All parts of the answer, from one prompt or from several; a Problem where one could not be had."""
    if teacher.options.flow == "single":
        return (yield from _ask(question(request, teacher, "annotate", draw), request, teacher, tally))
    seen: list[dict[str, Any]] = []
    for name in _clues(request, teacher):
        part = yield from _ask(question(request, teacher, name, draw), request, teacher, tally)
        if isinstance(part, Problem):
            return part
        seen += part["observations"]
    sound = measured_sound(request)
    answer: dict[str, Any] = {"observations": _distinct(seen, {sound["eid"]} if sound and teacher.hears else set())}
    evidence = evidence_block([*answer["observations"], *([sound] if sound else [])])
    judged = yield from _ask(question(request, teacher, "judge", draw, evidence=evidence), request, teacher, tally)
    if isinstance(judged, Problem):
        return judged
    fill = {"evidence": evidence, "judgement": data_block(judged)}
    written = yield from _ask(question(request, teacher, "describe", draw, **fill), request, teacher, tally)
    return written if isinstance(written, Problem) else {**answer, **judged, **written}


def _clues(request: Request, teacher: Teacher) -> list[str]:
    """The steps that collect evidence, without those that have nothing to look at in this clip."""
    spoken = bool(request.speech.get("present")) and bool(str(request.speech.get("text") or "").strip())
    given = {
        "clue_visual": True,
        "clue_acoustic": bool(request.clip.get("has_audio")) and request.media_path is not None,
        "clue_lexical": spoken,
        "clue_context": has_neighbours(request),
    }
    return [name for name in teacher.steps() if given.get(name, False)]


def _ask(chat: Chat, request: Request, teacher: Teacher, tally: _Tally) -> Talk:
    """One question until its answer fits the schema, with the error shown, a bounded number of times."""
    language = languages(request, teacher.options)[0]
    asked, left = chat, teacher.options.retries
    while True:
        completion = yield asked
        _count(tally, chat, completion, teacher)
        parsed = parse(completion, chat.schema)
        if isinstance(parsed, Parsed):
            tally.repaired |= parsed.repaired
            return parsed.value
        if completion.reason is not None or not left:
            return parsed
        asked, left = (
            chat.after_error(completion.text or "", TRY_AGAIN[language].format(error=parsed.message)),
            left - 1,
        )


def _settle(request: Request, teacher: Teacher, draw: int, answer: dict[str, Any], tally: _Tally) -> Talk:
    """The annotation after checks and at most ``repairs`` repairs, or the problem that stayed."""
    sound = measured_sound(request)
    problems: list[Problem] = []
    for attempt in range(teacher.options.repairs + 1):
        annotation = assemble(answer, request, sound, _provenance(request, teacher, draw, tally), teacher.hears)
        problems = [annotation] if isinstance(annotation, Problem) else check_rules(annotation, request)
        if not problems and teacher.options.verify:
            problems = yield from _verify(request, teacher, answer, tally)
        if not problems:
            return annotation
        if attempt == teacher.options.repairs:
            break
        fixed = yield from _repair(request, teacher, draw, answer, problems, tally)
        if isinstance(fixed, Problem):
            return fixed if fixed.reason is Reason.TEACHER_UNAVAILABLE else problems[0]
        answer, tally.repaired = {**answer, **fixed}, True
    if teacher.options.translate:
        rescued = yield from _translate(request, teacher, draw, answer, problems, tally)
        if rescued is not None:
            return rescued
    return replace(problems[0], message=f"after {teacher.options.repairs} repairs: {problems[0].message}")


def _repair(
    request: Request, teacher: Teacher, draw: int, answer: Mapping[str, Any], problems: Sequence[Problem], tally: _Tally
) -> Talk:
    """Only the failing fields, asked for once."""
    fields = tuple(name for name in answer if any(name in problem.fields for problem in problems)) or tuple(answer)
    fill = {
        "answer": data_block(dict(answer)),
        "errors": "\n".join(f"- {problem.message}" for problem in problems[:8]),
        "fields": ", ".join(fields),
    }
    order = languages(request, teacher.options)[1]
    chat = replace(question(request, teacher, "repair", draw, **fill), schema=fields_schema(fields, order))
    completion = yield chat
    _count(tally, chat, completion, teacher)
    parsed = parse(completion, chat.schema)
    return parsed.value if isinstance(parsed, Parsed) else parsed


def _translate(
    request: Request, teacher: Teacher, draw: int, answer: Mapping[str, Any], problems: Sequence[Problem], tally: _Tally
) -> Talk:
    """The annotation with its one bad description translated from the good one; None where that does not help.

    Only where everything that is wrong concerns the descriptions; the first finding says which is bad, since
    findings about both (such as their lengths) follow from it and are judged anew.  The record's mode tells.
    """
    if not all(p.fields and set(p.fields) <= set(TRANSLATIONS) for p in problems):
        return None
    target = problems[0].fields[0]
    mode, source = TRANSLATIONS[target]
    chat = question(request, teacher, f"translate_{mode}", draw, description=data_block(answer[source]))
    chat = replace(chat, schema=fields_schema((target,)))
    completion = yield chat
    _count(tally, chat, completion, teacher)
    parsed = parse(completion, chat.schema)
    if isinstance(parsed, Problem):
        return None
    tally.repaired = True
    told = _provenance(request, teacher, draw, tally)
    annotation = assemble({**answer, **parsed.value}, request, measured_sound(request), told, teacher.hears, mode)
    return None if isinstance(annotation, Problem) or check_rules(annotation, request) else annotation


def _verify(request: Request, teacher: Teacher, answer: Mapping[str, Any], tally: _Tally) -> Talk:
    """Problems found by the yes-no pass; none where the model also believed the foil."""
    asked = verify_question(request, answer["observations"])
    if asked is None:
        return []
    language = languages(request, teacher.options)[0]
    chat = question(request, teacher, "verify", claims=asked.text(language))
    chat = replace(chat, schema=asked.schema)
    completion = yield chat
    _count(tally, chat, completion, teacher)
    parsed = parse(completion, chat.schema)
    if isinstance(parsed, Problem):
        return []
    return [
        Problem(Reason.UNGROUNDED, f"observation {eid} is contradicted by the pictures", ("observations", "labels",
                "description_en", "description_zh", "cited_eids"))
        for eid in contradicted(asked, parsed.value)
    ]  # fmt: skip


def _distinct(seen: Sequence[dict[str, Any]], taken: set[str]) -> list[dict[str, Any]]:
    """Observations with distinct names: a name used twice, or ``taken``, gets the next free number."""
    found: list[dict[str, Any]] = []
    names = set(taken)
    for one in seen:
        name, n = one["eid"], 1
        while name in names:
            n += 1
            name = f"{one['eid'][:1]}{n}"
        names.add(name)
        found.append({**one, "eid": name})
    return found


def _count(tally: _Tally, chat: Chat, completion: Completion, teacher: Teacher) -> None:
    tally.usage += Usage(
        completion.tokens_in,
        completion.tokens_out,
        0 if completion.cached else completion.calls,
        1 if completion.cached else 0,
        completion.seconds,
    )
    tally.attempts += 1
    name, _, language = chat.prompt.rpartition(".")
    tally.prompts[chat.prompt] = teacher.prompt(name.split("/")[0], language).sha256


def _provenance(request: Request, teacher: Teacher, draw: int, tally: _Tally) -> dict[str, Any]:
    options = teacher.options
    sampling = Sampling(
        temperature=max(options.temperature, 0.5) if draw else options.temperature,
        top_p=options.top_p,
        max_new_tokens=options.max_new_tokens,
        seed=options.seed + draw,
        n_frames=options.n_frames if teacher.sees else 0,
        max_pixels=options.max_side * options.max_side,
    )
    order = languages(request, options)[1]
    examples = load_examples(teacher.prompt_folder)[1] if options.few_shot else ""
    return {
        "tier": "teacher",
        "annotator": teacher.name,
        "model": teacher.model,
        "revision": teacher.revision,
        "prompt_ids": sorted(tally.prompts),
        "prompt_sha256": digest({"prompts": tally.prompts, "examples": examples}),
        "schema_sha256": schema_sha256(answer_schema(order=order, scale=teacher.scale)),
        "sampling": sampling.model_dump(mode="json"),
        "audio_given": teacher.hears,
        "subtitle_given": bool(request.speech.get("present")),
        "tokens_in": tally.usage.tokens_in,
        "tokens_out": tally.usage.tokens_out,
        "attempts": max(1, tally.attempts),
        "parse": "repaired" if tally.repaired else "ok",
    }


def _advance(
    conversation: Talk,
    answer: Completion | None,
    i: int,
    results: list[Result | None],
    waiting: list[tuple[int, Chat]],
) -> None:
    """Send one answer; put down the next question or the result."""
    try:
        waiting.append((i, conversation.send(answer)))  # type: ignore[arg-type]
    except StopIteration as end:
        results[i] = end.value
