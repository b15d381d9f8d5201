"""One question to a model and its answer, without any notion of how the model is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ver_pipeline.schemas.reasons import Reason


@dataclass(frozen=True, slots=True)
class Chat:
    """A question.  ``media_path`` is set only where the prompt shows the frames.

    ``turns`` are further (role, text) pairs after the user text: the model's own bad answer and what
    was wrong with it.  ``sampling`` holds temperature, top_p, max_new_tokens and seed.
    """

    prompt: str
    system: str
    user: str
    schema: Mapping[str, Any]
    sampling: Mapping[str, Any]
    media_path: str | None = None
    duration_s: float = 0.0
    turns: tuple[tuple[str, str], ...] = ()

    def after_error(self, answer: str, error: str) -> Chat:
        """The same question with a bad answer and its error shown; older tries are forgotten."""
        return replace(self, turns=(("assistant", answer[:2000]), ("user", error)))


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: text, or the reason why nothing did.

    ``finish`` is the server's own word (``stop``, ``length``); ``cached`` means that nobody was asked.
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
    extra: Mapping[str, Any] = field(default_factory=dict)
