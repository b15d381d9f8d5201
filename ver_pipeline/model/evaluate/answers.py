"""A checkpoint's answers about the clips of a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ver_pipeline.model.data.chat import Encoded, Turn, encode_chat
from ver_pipeline.model.data.collate import collate
from ver_pipeline.model.data.conversations import load_tasks, told_of_sound
from ver_pipeline.model.data.shards import ShardSet
from ver_pipeline.model.data.visual import load_visual
from ver_pipeline.model.data.webfolder import WebFolder
from ver_pipeline.model.vision import Sampling, UndecodableError
from ver_pipeline.schemas.labels import TextLanguage
from ver_pipeline.schemas.migrate import record_of

MAX_NEW_TOKENS = {"label": 16, "sentiment": 16, "open": 64}
LONG_ANSWER = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply; ``record`` is the clip's record."""

    key: str
    task: str
    language: TextLanguage
    reply: str
    record: dict[str, Any]


def generate(model: Any, tokenizer: Any, prompts: Sequence[Encoded], max_new_tokens: int) -> list[str]:
    """Greedy replies to prompts, batched; the same as one at a time."""
    batch = collate(prompts, tokenizer.pad_token_id, model.config, left=True)
    batch.pop("labels")
    batch = {name: value.to(model.device) for name, value in batch.items()}
    with torch.no_grad():
        out = model.generate(
            **batch, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
        )
    return [r.strip() for r in tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)]


def answers(
    model: Any, tokenizer: Any, data: ShardSet, tasks: Sequence[str], languages: Sequence[TextLanguage],
    *, sampling: Sampling | None = None, with_speech: bool = False, blind: bool = False, batch_size: int = 8,
) -> Iterator[Answer]:  # fmt: skip
    """Ask every task in every language about every clip (the first question of each template).

    Args:
        model: an Emotion-Qwen in evaluation mode.
        tokenizer: its tokenizer.
        data: the clips.
        tasks: task names.
        languages: languages.
        sampling: frames and pixels.
        with_speech: put the transcript, and what was measured of the sound, before the question, as in training.
        blind: replace all pixels by zeros: what is then still right was not seen.
        batch_size: prompts a forward pass.

    Raises:
        UndecodableError: a clip has no media, or it does not decode.
        CorruptDataError: a record is not what the index says.
    """
    forms = load_tasks()
    waiting: list[tuple[str, str, TextLanguage, Encoded, dict[str, Any]]] = []

    def flush() -> Iterator[Answer]:
        by_task = MAX_NEW_TOKENS.get(waiting[0][1], LONG_ANSWER)
        replies = generate(model, tokenizer, [w[3] for w in waiting], by_task)
        for (key, task, language, _, record), reply in zip(waiting, replies, strict=True):
            yield Answer(key, task, language, reply, record)
        waiting.clear()

    for task in tasks:
        for row, key in enumerate(data.keys):
            record = record_of(data.read(row, "json") or b"", key, data.shards[row])
            media = data.read(row, "mp4")
            if media is None:
                raise UndecodableError(f"{key} has no media member")
            visual = load_visual("video", media, sampling or Sampling())
            if blind:
                visual.patches.zero_()
            for language in languages:
                question = forms[task][language].questions[0]
                if with_speech:
                    question = told_of_sound(record, language) + question
                prompt = encode_chat(tokenizer, [Turn("user", question)], visual, prompt_only=True, name=key)
                waiting.append((key, task, language, prompt, record))
                if len(waiting) == batch_size:
                    yield from flush()
        if waiting:
            yield from flush()


@dataclass(frozen=True, slots=True)
class GeneralScore:
    """Loss a target token and exact match on a general set."""

    n: int
    loss: float
    exact: float


def general_score(
    model: Any, tokenizer: Any, data: WebFolder, *, sampling: Sampling | None = None, batch_size: int = 8
) -> GeneralScore:
    """How well a model does on third-party conversations: loss on all answers, exact match on the first."""
    from ver_pipeline.model.train.step import token_loss_sum

    loss, targets, hits = 0.0, 0, 0
    for start in range(0, len(data), batch_size):
        full, prompts, wanted = [], [], []
        for row in range(start, min(start + batch_size, len(data))):
            turns, media = data.turns(row), data.media(row)
            visual = None
            if media is not None:
                visual = load_visual(*media, sampling or Sampling(), is_image=media[0] == "image")
            full.append(encode_chat(tokenizer, turns, visual))
            prompts.append(encode_chat(tokenizer, turns[:1], visual, prompt_only=True))
            wanted.append(turns[1].text)
        batch = collate(full, tokenizer.pad_token_id, model.config)
        with torch.no_grad():
            on_device = {name: value.to(model.device) for name, value in batch.items()}
            loss += float(token_loss_sum(model, model, on_device, packed=False))
        targets += sum(sample.n_targets for sample in full)
        longest = max(len(tokenizer(text).input_ids) for text in wanted)
        hits += sum(r == w for r, w in zip(generate(model, tokenizer, prompts, longest + 2), wanted, strict=True))
    return GeneralScore(len(data), loss / targets, hits / len(data))


def save_answers(path: Path, given: Sequence[Answer]) -> None:
    """Replies as JSON lines."""
    rows = ({"key": a.key, "task": a.task, "language": a.language, "reply": a.reply} for a in given)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
