"""One question to a model and its answer, without any notion of how the model is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ver_pipeline.schemas.reasons import Reason

MAX_SAID = 400


@dataclass(frozen=True, slots=True)
class Chat:
    """A question.  ``media_path`` is set only where the prompt shows the frames.

    ``turns`` are further (role, text) pairs after the user text: the model's own bad answer and what
    was wrong with it.  ``sampling`` holds temperature, top_p, max_new_tokens and seed.  Where ``keep`` is False the
    answer is neither kept nor taken from what was kept.  ``narrow`` is what a server is asked to keep to where that is
    less than what is read.
    """

    prompt: str
    system: str
    user: str
    schema: Mapping[str, Any]
    sampling: Mapping[str, Any]
    media_path: str | None = None
    duration_s: float = 0.0
    turns: tuple[tuple[str, str], ...] = ()
    keep: bool = True
    narrow: Mapping[str, Any] | None = None

    @property
    def sent_schema(self) -> Mapping[str, Any]:
        """What the model is held to while it writes."""
        return self.schema if self.narrow is None else self.narrow

    def after_error(self, answer: str, error: str) -> Chat:
        """The same question with a bad answer and its error shown; older tries are forgotten."""
        shown = answer[:2000].encode("utf-8", "replace").decode()  # half a character cannot travel
        return replace(self, turns=(("assistant", shown), ("user", error)))


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: text, or the reason why nothing did.

    ``finish`` is the server's own word (``stop``, ``length``); ``cached`` means that nobody was asked.  ``reasoning``
    is what a server sent beside the answer.  ``set_aside``, if any, takes the stored answer out of use: the next run
    asks again.
    """

    text: str | None = None
    finish: str = "stop"
    refusal: bool = False
    reason: Reason | None = None
    message: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 1
    cached: bool = False
    seconds: float = 0.0
    reasoning: str = ""
    set_aside: Callable[[], None] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reasoned(self) -> bool:
        """Reasoning came with it, which is no part of the answer."""
        return bool(self.reasoning.strip())

    @property
    def said(self) -> str:
        """The beginning of what came, for whoever must find out what is wrong with the server."""
        return (self.text or self.reasoning or f"nothing (finish: {self.finish})")[:MAX_SAID]
