"""Asking a model: one question until its answer can be used, and all parts of an answer one after the other.

One prompt asks for everything, or a family of prompts asks part by part.  What the questions cost, and what the record
will say of them, is kept beside the answers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ver_pipeline.annotators.base import Request, Usage
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.facts import data_block, evidence_block, has_neighbours, measured_audio
from ver_pipeline.annotators.teacher.families import CLOSED_PROMPTS, combine
from ver_pipeline.annotators.teacher.parsing import Parsed, Problem, parse
from ver_pipeline.annotators.teacher.teacher import Teacher, drawn, languages, question
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.record_annotation import Sampling

Talk = Generator[Chat, Completion, Any]
"""A conversation: yields questions, is sent answers, returns what it came to."""
TRY_AGAIN = {
    "en": "That answer cannot be used: {error}. Answer again, as one complete JSON object that fits the schema.",
    "zh": "上面的回答无法使用：{error}。请重新回答，给出一个完整且符合格式的 JSON 对象。",
}


@runtime_checkable
class Model(Protocol):
    """An annotator behind which a model can be led through any conversation."""

    name: str
    batch_size: int
    teacher: Teacher

    def open(self) -> None:
        """Load the weights, or find the server; called once, before ``converse``.

        Raises:
            ConfigError: the options name no address.
            MissingModelError, MissingDependencyError: what is needed is not here; says how to get it.
        """
        ...

    def converse(self, talks: Sequence[Talk]) -> list[Any]:
        """What each conversation returns, in order."""
        ...


NOTHING_SAID = "{}"
"""Stands for an empty answer where it is shown back: some servers refuse an empty turn."""


@dataclass(slots=True)
class UsageTotals:
    """What one draw has cost so far, and how it came about.

    ``usage`` is what was spent now; ``tokens_in`` and ``tokens_out`` are those of all answers, also of kept
    ones, because a record must not depend on what was kept.  The hash and the sampling are by prompt.
    """

    usage: Usage = field(default_factory=Usage)
    prompts: dict[str, str] = field(default_factory=dict)
    sampling: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    attempts: int = 0
    repaired: bool = False

    def read(self, chat: Chat, completion: Completion, teacher: Teacher) -> Parsed | Problem:
        """Note one answer and read it."""
        self._count(chat, completion, teacher)
        parsed = parse(completion, chat.schema)
        if isinstance(parsed, Parsed):
            self.repaired |= parsed.repaired
            self.usage += Usage(reasoned=int(parsed.reasoned))
        return parsed

    def _count(self, chat: Chat, completion: Completion, teacher: Teacher) -> None:
        spent = Usage(completion.tokens_in, completion.tokens_out, completion.calls, 0, completion.seconds)
        self.usage += Usage(cached_calls=1) if completion.cached else spent
        self.tokens_in += completion.tokens_in
        self.tokens_out += completion.tokens_out
        self.attempts += 1
        name, _, language = chat.prompt.rpartition(".")
        self.prompts[chat.prompt] = teacher.prompt(name.split("/")[0], language).sha256
        self.sampling[chat.prompt] = dict(chat.sampling)


def ask(chat: Chat, request: Request, teacher: Teacher, stats: UsageTotals) -> Talk:
    """One question until its answer fits the schema, with the error shown, a bounded number of times.

    Returns the answer, or the Problem that stayed.
    """
    language = languages(request, teacher.options)[0]
    asked, left = chat, teacher.options.retries
    unread: list[Completion] = []
    while True:
        completion = yield asked
        parsed = stats.read(asked, completion, teacher)
        if isinstance(parsed, Parsed):
            return parsed.value
        unread.append(completion)
        if completion.reason is not None or not left:
            _set_aside(unread)
            return parsed
        asked = chat.after_error(completion.text or NOTHING_SAID, TRY_AGAIN[language].format(error=parsed.message))
        left -= 1


def ask_once(chat: Chat, teacher: Teacher, stats: UsageTotals) -> Talk:
    """One question, once; returns its answer or the Problem with it."""
    completion = yield chat
    parsed = stats.read(chat, completion, teacher)
    if isinstance(parsed, Parsed):
        return parsed.value
    _set_aside([completion])
    return parsed


def _set_aside(unread: Sequence[Completion]) -> None:
    """Nothing could be made of these answers: the next run asks again, unless it can read them."""
    for completion in unread:
        if completion.set_aside is not None:
            completion.set_aside()


def provenance(request: Request, teacher: Teacher, draw: int, stats: UsageTotals) -> dict[str, Any]:
    """What the record says of how the annotation came about, up to now."""
    options = teacher.options
    base = drawn(options, {}, draw)
    sampling = Sampling(
        **base,
        n_frames=options.n_frames if teacher.sees else 0,
        max_pixels=options.max_side * options.max_side,
        by_prompt=_own_sampling(stats, base) or None,
    )
    order = languages(request, options)[1]
    shown = teacher.examples(request.key, base["seed"])
    return {
        "tier": "teacher",
        "annotator": teacher.name,
        "model": teacher.model,
        "revision": teacher.revision,
        "prompt_ids": sorted([*stats.prompts, *(example.id for example in shown)]),
        "prompt_sha256": digest(
            {"prompts": stats.prompts, "examples": {example.id: example.sha256 for example in shown}}
        ),
        "schema_sha256": teacher.schema_sha256(order),
        "sampling": sampling.model_dump(mode="json"),
        "audio_given": teacher.hears,
        "subtitle_given": bool(request.speech.get("present")),
        "tokens_in": stats.tokens_in,
        "tokens_out": stats.tokens_out,
        "attempts": max(1, stats.attempts),
        "parse": "repaired" if stats.repaired else "ok",
        "senses": teacher.senses.model_dump(mode="json"),
    }


def _own_sampling(stats: UsageTotals, base: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The prompts that were not asked as the options say, each with the values that differ."""
    hashes = {}
    for prompt, sent in sorted(stats.sampling.items()):
        own = {name: float(value) for name, value in sorted(sent.items()) if value != base[name]}
        if own:
            hashes[prompt] = own
    return hashes


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
