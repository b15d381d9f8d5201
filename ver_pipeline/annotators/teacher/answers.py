"""Answers that cost money, kept as they arrive: one file a question, named by the question's hash."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.parsing import Parsed, parse
from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.hashing import hash_file

KEPT = ("text", "finish", "refusal", "tokens_in", "tokens_out")
"""What is kept of an answer of a model in this process; of a server its whole reply is (``body``)."""
ASIDE = ".aside"


class AnswerStore:
    """A folder of answers as they came, judged when they are read.  A file is whole or absent, whatever kills us.

    An answer that nothing could be made of is set aside: whoever reads better than we did finds it there, and otherwise
    the question is asked again, for the server may have been mended.

    Args:
        folder: created when the first answer arrives; None keeps nothing.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def get(self, question: str) -> dict[str, Any] | None:
        """The stored answer to the question with this sha256, or None."""
        return self._read(question, "")

    def aside(self, question: str) -> dict[str, Any] | None:
        """The answer to the question that was set aside, or None."""
        return self._read(question, ASIDE)

    def set_aside(self, question: str) -> None:
        """Take the stored answer out of use."""
        if self.folder is not None:
            with suppress(FileNotFoundError):
                _path(self.folder, question).replace(_path(self.folder, question, ASIDE))

    def _read(self, question: str, mark: str) -> dict[str, Any] | None:
        if self.folder is None:
            return None
        try:
            value = parse_json(_path(self.folder, question, mark).read_bytes())
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
        names = [_name(chat, model) if chat.keep else None for chat in chats]
        known = [None if name is None else _known(store, name, chat) for name, chat in zip(names, chats, strict=True)]
        open_ = [i for i, one in enumerate(known) if one is None]
        fresh = dict(zip(open_, complete([chats[i] for i in open_]) if open_ else [], strict=True))
        for i, completion in fresh.items():
            name = names[i]
            if completion.reason is None and name is not None:
                store.put(name, {field: getattr(completion, field) for field in KEPT})
                fresh[i] = replace(completion, set_aside=partial(store.set_aside, name))
        return [fresh[i] if one is None else one for i, one in enumerate(known)]

    return answer


def recall(
    store: AnswerStore, name: str, chat: Chat, completion: Callable[[Mapping[str, Any]], Completion]
) -> Completion | None:
    """The kept answer to a question; one that was set aside only where it can be read by now."""
    stored = store.get(name)
    if stored is not None:
        return replace(completion(stored), cached=True, calls=0, set_aside=partial(store.set_aside, name))
    aside = store.aside(name)
    known = None if aside is None else replace(completion(aside), cached=True, calls=0)
    return known if known is not None and isinstance(parse(known, chat.schema), Parsed) else None


def _known(store: AnswerStore, name: str, chat: Chat) -> Completion | None:
    return recall(store, name, chat, lambda kept: Completion(**{field: kept[field] for field in KEPT}))


def _name(chat: Chat, model: Mapping[str, Any]) -> str | None:
    """The question's hash; None where its video cannot be read."""
    asked = {name: getattr(chat, name) for name in ("system", "user", "turns", "duration_s")}
    try:
        video = None if chat.media_path is None else hash_file(Path(chat.media_path))[0]
    except OSError:
        return None
    shaping = {"schema": dict(chat.sent_schema), "sampling": dict(chat.sampling)}
    return digest({**asked, **shaping, "film": video, "model": dict(model)})


def _is_answer(value: Any) -> bool:
    """It has the fields of an answer and no others; a server tells a refusal in words, a model here by a flag."""
    if isinstance(value, dict) and set(value) == {"body"}:
        return isinstance(value["body"], str)
    if not isinstance(value, dict) or set(value) != set(KEPT):
        return False
    counts = (value["tokens_in"], value["tokens_out"])
    said = isinstance(value["text"], str | None) and isinstance(value["refusal"], str | bool | None)
    counted = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in counts)
    return said and counted and isinstance(value["finish"], str)


def _path(folder: Path, question: str, mark: str = "") -> Path:
    return folder / question[:2] / f"{question}{mark}.json"
