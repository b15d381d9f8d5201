"""A canary sent through a teacher, the way clips are sent, and what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Usage
from ver_pipeline.annotators.canaries import questions, verdict
from ver_pipeline.annotators.canaries.cards import Deck, deal
from ver_pipeline.annotators.canaries.draw import write_deck
from ver_pipeline.annotators.canaries.verdict import Sense
from ver_pipeline.annotators.options import OpenAIOptions, TeacherOptions
from ver_pipeline.annotators.teacher.asking import Model, Talk
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.parsing import Parsed, Problem, parse
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record_annotation import Senses

FINE_FROM_SIDE = 160
"""Longest side in pixels from which small digits can be asked for; of smaller frames only the large digit is."""
MOST_IN_A_VIDEO = 8
"""Cards where the model's side chooses the frames."""
UNTESTED, NOTHING = Sense(), Usage()
Writer = Callable[[Path, Deck, int, bool], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What one canary proved.  ``reached`` is False where nobody answered, which proves nothing either way."""

    sight: Sense = UNTESTED
    hearing: Sense = UNTESTED
    reached: bool = True
    message: str = ""
    usage: Usage = NOTHING

    @property
    def refused(self) -> tuple[str, ...]:
        """The names of the senses that failed."""
        return tuple(name for name in ("sight", "hearing") if getattr(self, name).state == "refused")

    @property
    def hit_rate(self) -> float | None:
        """The lowest hit rate of the senses that were tested."""
        rates = [sense.hit_rate for sense in (self.sight, self.hearing) if sense.hit_rate is not None]
        return min(rates, default=None)

    def line(self, name: str) -> str:
        """The report in one line for a terminal."""
        if not self.reached:
            return f"{name}: senses not tested, nobody answered: {self.message}"
        return f"{name}: " + "; ".join(_told(sense, getattr(self, sense)) for sense in ("sight", "hearing"))


def check(model: Model, run: int = 0, write: Writer = write_deck) -> Report:
    """Send canary number ``run`` and judge what comes back.

    The film is rendered, reduced, encoded and asked about by the model's own ``converse``, as clips are; answers are
    neither kept nor taken from what was kept.
    """
    teacher = model.teacher.with_senses(Senses())
    if not (teacher.sees or teacher.hears):
        return Report()
    deck = deal(questions.seed_of(teacher, run), n_cards(teacher.options))
    with tempfile.TemporaryDirectory(prefix="ver-canary-") as folder:
        video_path = Path(folder) / "canary.mp4"
        write(video_path, deck, teacher.options.max_side, teacher.hears)
        chats = {"read": questions.read(teacher, deck)}
        if teacher.sees:
            chats["see"] = questions.see(teacher, str(video_path), len(deck.cards))
            chats["unseen"] = questions.see(teacher, None, len(deck.cards))
        if teacher.hears:
            chats["hear"] = questions.hear(teacher, str(video_path), deck)
            chats["unheard"] = questions.hear(teacher, None, deck)
        completions = dict(zip(chats, model.converse([_once(chat) for chat in chats.values()]), strict=True))
    return _judged(teacher, deck, chats, completions)


def n_cards(options: TeacherOptions) -> int:
    """One card a frame where we choose the frames; else as many as any server keeps of so many seconds."""
    if isinstance(options, OpenAIOptions) and options.send == "video":
        return MOST_IN_A_VIDEO
    if hasattr(options, "fps"):  # two frames a second, up to a most, and pairs of frames are seen as one
        return max(1, min(MOST_IN_A_VIDEO, options.n_frames // 2))
    return max(1, options.n_frames)


def _once(chat: Chat) -> Talk:
    completion = yield chat
    return completion


def _judged(teacher: Teacher, deck: Deck, chats: dict[str, Chat], completions: dict[str, Completion]) -> Report:
    usage = sum((Usage(c.tokens_in, c.tokens_out, c.calls, 0, c.seconds) for c in completions.values()), Usage())
    answers = {name: parse(completions[name], chat.schema) for name, chat in chats.items()}
    gone = [
        answer
        for answer in answers.values()
        if isinstance(answer, Problem) and answer.reason is Reason.TEACHER_UNAVAILABLE
    ]
    if len(gone) == len(answers):
        return Report(reached=False, message=gone[0].message, usage=usage)
    reads = _value(answers["read"])
    silent = () if reads == {"word": deck.word, "number": deck.number} else (verdict.NOT_ANSWERING,)
    sight = _sight(teacher, deck, answers) if teacher.sees else Sense()
    hearing = _hearing(deck, answers) if teacher.hears else Sense()
    sight, hearing = (_with(sense, silent) for sense in (sight, hearing))
    return Report(sight, hearing, usage=usage)


def _sight(teacher: Teacher, deck: Deck, answers: dict[str, Parsed | Problem]) -> Sense:
    seen, unseen = answers["see"], _value(answers["unseen"])
    if isinstance(seen, Problem):
        return Sense("refused", 0.0, (f"no usable answer ({seen.reason})",))
    sense = verdict.judge_sight(deck, seen.value["cards"], teacher.options.max_side >= FINE_FROM_SIDE)
    if unseen is not None and verdict.guessed(deck, unseen["cards"]):
        return Sense("refused", sense.hit_rate, (verdict.GUESSED,))
    return sense


def _hearing(deck: Deck, answers: dict[str, Parsed | Problem]) -> Sense:
    heard, unheard = answers["hear"], _value(answers["unheard"])
    if isinstance(heard, Problem):
        return Sense("refused", 0.0, (f"no usable answer ({heard.reason})",))
    sense = verdict.judge_hearing(deck, heard.value)
    if sense.state == "proven" and unheard is not None and unheard["beeps"] == heard.value["beeps"]:
        return Sense("refused", sense.hit_rate, (verdict.GUESSED,))
    return sense


def _with(sense: Sense, further: tuple[str, ...]) -> Sense:
    """A sense that failed, with what may explain it; one that is proven needs no explanation."""
    return replace(sense, failed=(*sense.failed, *further)) if sense.state == "refused" else sense


def _value(answer: Parsed | Problem) -> dict[str, Any] | None:
    return answer.value if isinstance(answer, Parsed) else None


def _told(name: str, sense: Sense) -> str:
    rate = "" if sense.hit_rate is None else f" (read back {sense.hit_rate:.0%})"
    why = f": {', '.join(sense.failed)}" if sense.failed else ""
    return f"{name} {sense.state}{rate}{why}"
