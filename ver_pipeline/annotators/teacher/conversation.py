"""What every model annotator does with a clip: ask, read, judge the answer, keep it or give up.

The work on one clip is a generator that yields questions and is sent answers.  A backend only decides how questions
travel: many clips in one batch (``run_batched``), or many at once over a network (``lead``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ver_pipeline.annotators.base import Request, Result, Usage
from ver_pipeline.annotators.teacher.asking import Talk, UsageTotals, collect
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.judge_answer import judge_answer
from ver_pipeline.annotators.teacher.parsing import Problem
from ver_pipeline.annotators.teacher.teacher import Teacher


def talk(request: Request, teacher: Teacher) -> Talk:
    """The conversation about one clip; returns its :class:`Result`.  Draws come one after the other."""
    drawn: list[Result] = []
    for i in range(teacher.options.samples):
        result = yield from _one_draw(request, teacher, i)
        drawn.append(result)
    chosen = next((result for result in drawn if result.annotation is not None), drawn[0])
    usage = sum((result.usage for result in drawn), Usage())
    others = tuple(r.annotation for r in drawn if r.annotation is not None and r is not chosen)
    return replace(chosen, usage=usage, samples=others)


def run_batched(talks: Sequence[Talk], complete: Callable[[list[Chat]], list[Completion]]) -> list[Any]:
    """Lead all conversations in step: each round asks everything that is open as one batch.

    Returns what each conversation returns, in order.
    """
    results: list[Any] = [None] * len(talks)
    waiting: list[tuple[int, Chat]] = []
    for i, conversation in enumerate(talks):
        _advance(conversation, None, i, results, waiting)
    while waiting:
        asked, waiting = waiting, []
        for (i, _), completion in zip(asked, complete([chat for _, chat in asked]), strict=True):
            _advance(talks[i], completion, i, results, waiting)
    return results


def lead(
    conversation: Talk, complete: Callable[[Chat], Completion], computing: AbstractContextManager[Any] | None = None
) -> Any:
    """Lead one conversation to its end; returns what it returns.

    Args:
        computing: held while questions are made and answers judged, not while ``complete`` runs.
    """
    answer: Completion | None = None
    while True:
        try:
            with computing or nullcontext():
                chat = conversation.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        answer = complete(chat)


def _one_draw(request: Request, teacher: Teacher, draw: int) -> Talk:
    stats = UsageTotals()
    answer = yield from collect(request, teacher, draw, stats)
    if isinstance(answer, Problem):
        return Result(request.key, reason=answer.reason, message=answer.message, usage=stats.usage, said=answer.said)
    outcome = yield from judge_answer(request, teacher, draw, answer, stats)
    if isinstance(outcome, Problem):
        return Result(request.key, reason=outcome.reason, message=outcome.message, usage=stats.usage)
    return Result(request.key, annotation=outcome, usage=stats.usage)


def _advance(
    conversation: Talk,
    answer: Completion | None,
    i: int,
    results: list[Any],
    waiting: list[tuple[int, Chat]],
) -> None:
    """Send one answer; put down the next question or the result."""
    try:
        waiting.append((i, conversation.send(answer)))  # type: ignore[arg-type]
    except StopIteration as end:
        results[i] = end.value
