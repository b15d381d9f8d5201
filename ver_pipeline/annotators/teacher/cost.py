"""What an annotation run will cost, from a sample of clips, and what it did cost.

Before: every prompt of a pass is rendered for the sample and measured.  Tokens are estimated, because
the server's tokenizer is not here: a Chinese character counts as one, four other characters as one
(Qwen2.5's tokenizer is near both), a frame as its area over 28 x 28.  Retries and repairs are left out.
After: the numbers that the servers reported.  An answer that was kept from an earlier run is not spent again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ver_pipeline.annotators.base import Annotator, Request, Usage
from ver_pipeline.annotators.options import TeacherOptions
from ver_pipeline.annotators.teacher.chat import Chat
from ver_pipeline.annotators.teacher.prices import gpu_hours, is_local, money, money_spent, teacher_of
from ver_pipeline.annotators.teacher.teacher import languages, question

ANSWER_TOKENS = {
    "observations": 450, "judgement": 160, "description": 480, "hypotheses": 260, "label_open": 120, "label_mer6": 30,
    "label_dfew7": 30, "label_mafw11": 30, "label_dim": 50, "assessment": 400,
}  # fmt: skip
"""A full answer of each part, in tokens: of the first three from the good answers of the tests, rounded up; of the
steps and the assessment from their schemas, by hand."""
EARLIER = {"evidence": "observations", "judgement": "judgement", "hypotheses": "hypotheses"}
"""What later prompts are shown of earlier answers, and which part of an answer that is."""
ESTIMATE_CLIPS = 16
"""Clips that an estimate looks at."""
PATCH_PIXELS = 28 * 28
_HAN = re.compile(r"[\u3400-\u9fff\uff00-\uffef\u3000-\u303f]")


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens, calls and money.

    ``gpu_hours`` is None where nothing says how fast the model is, or where it works elsewhere.  ``money`` is in
    the currency of the options' prices; None where no price was set, or where one is by the hour and the hours
    are unknown.
    """

    clips: int
    calls: int
    tokens_in: int
    tokens_out: int
    gpu_hours: float | None
    money: float | None

    def lines(self, title: str) -> str:
        """The cost as text for a terminal."""
        hours = "unknown" if self.gpu_hours is None else f"{self.gpu_hours:.3f}"
        price = "unknown (no prices set, or hours unknown)" if self.money is None else f"{self.money:.2f}"
        return (
            f"{title}: {self.clips} clips, {self.calls} calls, {self.tokens_in} tokens in, {self.tokens_out} out, "
            f"model hours {hours}, money {price}\n"
        )


def estimate(annotator: Annotator, sample: Sequence[Request], n_clips: int) -> Cost:
    """The expected cost of ``n_clips``, from a sample of them.  The embedded annotators cost nothing."""
    teacher = teacher_of(annotator)
    if teacher is None or not sample:
        return Cost(n_clips, 0, 0, 0, 0.0, 0.0)
    tokens_in = tokens_out = calls = 0
    for request in sample:
        for name in teacher.steps():
            prompt = teacher.prompt(name, languages(request, teacher.options)[0])
            chat = question(request, teacher, name, 0, **dict.fromkeys(EARLIER, ""))
            tokens_in += chat_tokens(chat, teacher.options)
            tokens_in += sum(ANSWER_TOKENS[EARLIER[what]] for what in prompt.sees if what in EARLIER)
            tokens_out += sum(ANSWER_TOKENS[part] for part in prompt.parts)
            calls += 1
    scale = n_clips / len(sample) * teacher.options.samples
    counts = (round(calls * scale), round(tokens_in * scale), round(tokens_out * scale))
    speed, hours = teacher.options.tokens_per_s, None
    if is_local(teacher) and speed:
        hours = counts[2] / speed / 3600
    paid_hours = hours if is_local(teacher) else 0.0
    return Cost(n_clips, *counts, hours, money(teacher.options, counts[1], counts[2], paid_hours))


def actual(annotator: Annotator, spent: Usage, n_clips: int) -> Cost:
    """What a run cost.  ``gpu_hours`` is the time the model worked, for a model in this process."""
    if teacher_of(annotator) is None:
        return Cost(n_clips, 0, 0, 0, 0.0, 0.0)
    hours, paid = gpu_hours(annotator, spent), money_spent(annotator, spent)
    return Cost(n_clips, spent.calls, spent.tokens_in, spent.tokens_out, hours, paid)


def together(costs: Sequence[Cost]) -> Cost:
    """The costs of several annotators over the same clips; unknown where one of them is unknown."""
    hours = [cost.gpu_hours for cost in costs]
    paid = [cost.money for cost in costs]
    return Cost(
        clips=max(cost.clips for cost in costs),
        calls=sum(cost.calls for cost in costs),
        tokens_in=sum(cost.tokens_in for cost in costs),
        tokens_out=sum(cost.tokens_out for cost in costs),
        gpu_hours=None if None in hours else sum(h for h in hours if h is not None),
        money=None if None in paid else sum(p for p in paid if p is not None),
    )


def chat_tokens(chat: Chat, options: TeacherOptions) -> int:
    """Estimated tokens of one question, frames included."""
    frames = options.n_frames if chat.media_path else 0
    return text_tokens(chat.system + chat.user) + frames * (options.max_side * options.max_side // PATCH_PIXELS)


def text_tokens(text: str) -> int:
    """Estimated tokens of a text."""
    n_han = len(_HAN.findall(text))
    return n_han + (len(text) - n_han + 3) // 4


def estimate_row(run_id: str, started_utc: str, expected: Cost) -> dict[str, Any]:
    """The row ``annotate-estimate`` of the ``runs`` table."""
    amounts = {"cost_estimate": expected.money, "gpu_hours_estimate": expected.gpu_hours}
    return _run_row(run_id, "annotate-estimate", started_utc, expected, **amounts)


def run_rows(
    run_id: str, started_utc: str, expected: Cost | None, spent: Cost | None, **numbers: Any
) -> list[dict[str, Any]]:
    """The rows of the ``runs`` table: ``annotate-estimate`` and, with ``numbers``, ``annotate``.

    Each amount of money stands in one row only, so that a column may be summed over runs.
    """
    rows = [] if expected is None else [estimate_row(run_id, started_utc, expected)]
    if spent is not None:
        rows.append(
            _run_row(run_id, "annotate", started_utc, spent, cost=spent.money, gpu_hours=spent.gpu_hours, **numbers)
        )
    return rows


def _run_row(run_id: str, stage: str, started_utc: str, count: Cost, **numbers: Any) -> dict[str, Any]:
    run = {"run_id": run_id, "stage": stage, "started_utc": started_utc}
    return {**run, "tokens_in": count.tokens_in, "tokens_out": count.tokens_out, "rows_in": count.clips, **numbers}
