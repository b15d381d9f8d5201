"""Conversations as token ids, with the loss on the assistant's words only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

IGNORED = -100
"""The label that carries no loss (torch's cross entropy default)."""
SYSTEM = "You are a helpful assistant."
"""Qwen2.5-VL's default system message."""
PLACEHOLDER = {"image": "<|image_pad|>", "video": "<|video_pad|>"}
TOKENS_PER_GRID_CELL = 4
"""2 x 2 patches merge into one token of the language model."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn; ``role`` is ``user`` or ``assistant``."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Visual:
    """One image or video as the vision tower takes it.

    Attributes:
        kind: ``image`` or ``video``.
        patches: float32 [patches, 3 * 2 * 14 * 14], normalised.
        grid: int64 [3], patches in time, height and width.
        seconds_per_grid: the time that one patch spans.
    """

    kind: str
    patches: torch.Tensor
    grid: torch.Tensor
    seconds_per_grid: float = 1.0

    @property
    def n_tokens(self) -> int:
        """Tokens it takes in the language model."""
        return int(self.grid.prod()) // TOKENS_PER_GRID_CELL


@dataclass(frozen=True, slots=True)
class Encoded:
    """One training sample; ``labels`` has the length of ``ids``."""

    ids: list[int]
    labels: list[int]
    visual: Visual | None
    name: str = ""

    @property
    def n_targets(self) -> int:
        """Tokens that carry loss (the first token of a row has no prediction)."""
        return sum(label != IGNORED for label in self.labels[1:])


def encode_chat(
    tokenizer: Any,
    turns: Sequence[Turn],
    visual: Visual | None,
    *,
    system: str | None = None,
    prompt_only: bool = False,
    name: str = "",
) -> Encoded:
    """Write turns in Qwen's chat form; the visual stands at the start of the first user turn.

    Text never becomes a control token: ``<|`` inside it is broken apart first, so a transcript cannot
    end a turn or open another.

    Args:
        tokenizer: a Qwen-style tokenizer.
        turns: user and assistant turns in order.
        visual: the video or frame, or None for text alone.
        system: the system message; Qwen's default when None.
        prompt_only: end with an open assistant turn, for generation.
        name: what to call the sample in messages.
    """
    ids, labels = _turn(tokenizer, "system", SYSTEM if system is None else system, [])
    waiting = _visual_ids(tokenizer, visual)
    for turn in turns:
        before = waiting if turn.role == "user" else []
        waiting = [] if turn.role == "user" else waiting
        more_ids, more_labels = _turn(tokenizer, turn.role, turn.text, before)
        ids += more_ids
        labels += more_labels
    if prompt_only:
        opening = _ids(tokenizer, "<|im_start|>assistant\n")
        ids += opening
        labels += [IGNORED] * len(opening)
    return Encoded(ids, labels, visual, name)


def _turn(tokenizer: Any, role: str, text: str, before: list[int]) -> tuple[list[int], list[int]]:
    head = _ids(tokenizer, f"<|im_start|>{role}\n") + before
    body = _ids(tokenizer, text.replace("<|", "< |")) + _ids(tokenizer, "<|im_end|>")
    newline = _ids(tokenizer, "\n")
    labels = [IGNORED] * len(head) + (body if role == "assistant" else [IGNORED] * len(body))
    return head + body + newline, labels + [IGNORED] * len(newline)


def _visual_ids(tokenizer: Any, visual: Visual | None) -> list[int]:
    if visual is None:
        return []
    start, pad, end = tokenizer.convert_tokens_to_ids(["<|vision_start|>", PLACEHOLDER[visual.kind], "<|vision_end|>"])
    return [start] + [pad] * visual.n_tokens + [end]


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids)
