"""Conversation layouts: LLaVA, Emotion-Qwen, LLaMA-Factory and ms-swift.

Questions and answers are those that training uses (``model/data/tasks.yaml``).  A sample that has no
answer for a task is left out of that task and counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ver_pipeline.schemas.untrusted import inside

if TYPE_CHECKING:
    from ver_pipeline.schemas.labels import TextLanguage

VIDEO = "<video>\n"

Row = dict[str, Any]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One training item: a video and its (question, answer) pairs.  ``id`` is unique in the export."""

    id: str
    split: str
    video: str
    pairs: tuple[Pair, ...]


def dialogues(record: Row, video: str, tasks: Sequence[str], languages: Sequence[str]) -> Iterator[Dialogue]:
    """One dialogue a task and language, as far as the record has an answer."""
    from ver_pipeline.model.data.conversations import NoTaskError, converse
    from ver_pipeline.model.data.perceived import Given

    for task in tasks:
        for language in languages:
            try:
                draw = (record["key"], task, language)
                turns = converse(record, [task], [cast("TextLanguage", language)], draw, given=Given(told=True))
            except NoTaskError:
                continue
            texts = [turn.text for turn in turns]
            pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
            yield Dialogue(f"{record['key']}-{task}-{language}", record["split"], video, pairs)


def llava(item: Dialogue) -> Row:
    """LLaVA: ``from``/``value`` turns, the video's place before the first question."""
    turns: list[Row] = []
    for i, (question, answer) in enumerate(item.pairs):
        turns += [{"from": "human", "value": (VIDEO if i == 0 else "") + question}, {"from": "gpt", "value": answer}]
    return {"id": item.id, "video": item.video, "conversations": turns}


def emotion_qwen(item: Dialogue) -> Row:
    """Emotion-Qwen's training file: ``role``/``content`` turns under ``conversations``."""
    return {"id": item.id, "video": item.video, "conversations": _messages(item)}


def messages(item: Dialogue) -> Row:
    """LLaMA-Factory (sharegpt form) and ms-swift: ``messages`` and ``videos``."""
    return {"messages": _messages(item), "videos": [item.video]}


def _messages(item: Dialogue) -> list[Row]:
    turns: list[Row] = []
    for i, (question, answer) in enumerate(item.pairs):
        turns.append({"role": "user", "content": (VIDEO if i == 0 else "") + question})
        turns.append({"role": "assistant", "content": answer})
    return turns


class JsonFiles:
    """One file a split, written as items come: a JSON list, or a JSON object a line."""

    def __init__(self, folder: Path, shape: Callable[[Dialogue], Row], *, lines: bool) -> None:
        self._folder, self._shape, self._lines = folder, shape, lines
        self._files: dict[str, Any] = {}
        self.counts: dict[str, int] = {}

    def name(self, split: str) -> str:
        """The file's name."""
        return f"{split}.jsonl" if self._lines else f"{split}.json"

    def add(self, items: Iterable[Dialogue]) -> None:
        """Write items to the files of their splits."""
        for item in items:
            first = item.split not in self._files
            if first:
                self._files[item.split] = inside(self._folder, self.name(item.split)).open("w", encoding="utf-8")
            file = self._files[item.split]
            if not self._lines:
                file.write("[\n" if first else ",\n")
            file.write(json.dumps(self._shape(item), ensure_ascii=False) + ("\n" if self._lines else ""))
            self.counts[item.split] = self.counts.get(item.split, 0) + 1

    def close(self) -> None:
        """End and close all files."""
        for file in self._files.values():
            if not self._lines:
                file.write("\n]\n")
            file.close()
        self._files.clear()


def dataset_info(splits: Iterable[str]) -> Row:
    """LLaMA-Factory's ``dataset_info.json``: one data set a split."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    return {
        f"ver_{split}": {
            "file_name": f"{split}.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "videos": "videos"},
            "tags": tags,
        }
        for split in sorted(splits)
    }
