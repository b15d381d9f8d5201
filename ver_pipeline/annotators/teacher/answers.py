"""Answers that cost money, kept as they arrive: one file a question, named by the question's hash."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.hashing import hash_file

KEPT = ("text", "finish", "refusal", "tokens_in", "tokens_out")


class AnswerStore:
    """A folder of answers.  A file is whole or absent, whatever kills the process.

    Args:
        folder: created when the first answer arrives; None keeps nothing.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def get(self, question: str) -> dict[str, Any] | None:
        """The stored answer to the question with this sha256, or None."""
        if self.folder is None:
            return None
        try:
            value = parse_json(_path(self.folder, question).read_bytes())
        except (OSError, ValueError):
            return None
        return value if _is_answer(value) else None

    def put(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer: written aside, synced, renamed."""
        if self.folder is None:
            return
        path = _path(self.folder, question)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        with aside.open("wb") as file:
            file.write(canonical_json(dict(answer)))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)


def keeping(
    store: AnswerStore, model: Mapping[str, Any], complete: Callable[[list[Chat]], list[Completion]]
) -> Callable[[list[Chat]], list[Completion]]:
    """``complete`` for a model in this process, asked only what it was not asked before.

    A question is known by ``model`` (what shapes its answers besides the question) and by all of the
    question, the video by its content.  Failures are not kept.
    """

    def answer(chats: list[Chat]) -> list[Completion]:
        names = [_name(chat, model) for chat in chats]
        stored = [None if name is None else store.get(name) for name in names]
        open_ = [i for i, one in enumerate(stored) if one is None]
        fresh = dict(zip(open_, complete([chats[i] for i in open_]) if open_ else [], strict=True))
        for i, completion in fresh.items():
            name = names[i]
            if completion.reason is None and name is not None:
                store.put(name, {field: getattr(completion, field) for field in KEPT})
        return [fresh[i] if one is None else Completion(**one, cached=True) for i, one in enumerate(stored)]

    return answer


def _name(chat: Chat, model: Mapping[str, Any]) -> str | None:
    """The question's hash; None where its video cannot be read."""
    asked = {name: getattr(chat, name) for name in ("system", "user", "turns", "duration_s")}
    try:
        video = None if chat.media_path is None else hash_file(Path(chat.media_path))[0]
    except OSError:
        return None
    shaping = {"schema": dict(chat.schema), "sampling": dict(chat.sampling)}
    return digest({**asked, **shaping, "film": video, "model": dict(model)})


def _is_answer(value: Any) -> bool:
    """It has the fields of an answer and no others; a server tells a refusal in words, a model here by a flag."""
    if not isinstance(value, dict) or set(value) != set(KEPT):
        return False
    counts = (value["tokens_in"], value["tokens_out"])
    said = isinstance(value["text"], str | None) and isinstance(value["refusal"], str | bool | None)
    counted = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in counts)
    return said and counted and isinstance(value["finish"], str)


def _path(folder: Path, question: str) -> Path:
    return folder / question[:2] / f"{question}.json"
