"""From a record to a conversation: task templates, two languages, the answer's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ver_pipeline.model.data.chat import Turn
from ver_pipeline.model.data.order import choose
from ver_pipeline.model.data.perceived import Given, sound_facts
from ver_pipeline.schemas import labels
from ver_pipeline.schemas.errors import ConfigError

LANGUAGES: tuple[labels.TextLanguage, ...] = ("en", "zh")
VIDEO_ALONE = Given()
SENTIMENTS_ZH = {"positive": "积极", "neutral": "中性", "negative": "消极"}


class NoTaskError(ValueError):
    """The record answers none of the tasks asked for; becomes a named bad sample."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task in one language."""

    questions: tuple[str, ...]
    answer: str
    needs: tuple[str, ...]


@cache
def load_tasks(path: Path | None = None) -> dict[str, dict[str, Task]]:
    """Task templates by name and language; ours when ``path`` is None.

    Raises:
        ConfigError: the file is not understood.
    """
    path = path or Path(__file__).parent / "tasks.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            name: {
                language: Task(tuple(body[language]["questions"]), body[language]["answer"], tuple(body["needs"]))
                for language in LANGUAGES
            }
            for name, body in raw.items()
        }
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not a task file: {error!r}", "see model/data/tasks.yaml for the form") from error


def fields_of(record: Mapping[str, Any], language: labels.TextLanguage, given: Given) -> dict[str, str]:
    """What templates may use, in one language; empty where the record has nothing, or nothing that is perceived."""
    emotion = record["emotion"]
    shown = [o for o in record["observations"] if given.shows(o)]
    eids = {o["eid"] for o in shown}
    clues = [o[f"text_{language}"].strip() for o in shown]
    words = [o for o in emotion["labels_open"] if not o["eids"] or eids & set(o["eids"])]
    mark, join = (".", " ") if language == "en" else ("。", "")
    sentiment = (emotion["closed"] or {}).get("sentiment3") or ""
    return {
        "clues": join.join(c if c[-1:] in ".。！？!?" else c + mark for c in clues),
        "description": record["description"][language] if given.holds(record) else "",
        "label": labels.display(emotion["primary"], language),
        "open_words": (", " if language == "en" else "、").join(o[language] for o in words),
        "sentiment": SENTIMENTS_ZH.get(sentiment, "") if language == "zh" else sentiment,
    }


def converse(
    record: Mapping[str, Any],
    tasks: Sequence[str],
    languages: Sequence[labels.TextLanguage],
    draw: Sequence[Any],
    *,
    given: Given = VIDEO_ALONE,
    task_file: Path | None = None,
) -> list[Turn]:
    """Question and answer; with two languages, one turn pair in each (the paired form).

    Args:
        record: the record as its JSON says it.
        tasks: names of tasks to draw from; those whose needs the record does not meet are left out.
        languages: the languages, in order.
        draw: what the choice of task and question depends on, and on nothing else.
        given: what the item shows and tells; where it tells of the sound, that is put before the question as data.
        task_file: own templates.

    Raises:
        NoTaskError: no task fits the record.
        ConfigError: a task is unknown.
    """
    known = load_tasks(task_file)
    for name in tasks:
        if name not in known:
            raise ConfigError(f"unknown task {name!r}", f"known: {', '.join(known)}")
    fields = {language: fields_of(record, language, given) for language in languages}
    fitting = [n for n in tasks if all(fields[lang][need] for lang in languages for need in known[n][lang].needs)]
    if not fitting:
        what = f"{given.media}{', sound told as text' if given.told else ''}"
        raise NoTaskError(f"the record has no answer for {', '.join(tasks)} that can be perceived from: {what}")
    task = known[choose(fitting, "task", *draw)]
    turns: list[Turn] = []
    for language in languages:
        form = task[language]
        question = choose(form.questions, "question", language, *draw)
        if given.told and not turns:
            question = told_of_sound(record, language) + question
        turns += [Turn("user", question), Turn("assistant", form.answer.format(**fields[language]))]
    return turns


def told_of_sound(record: Mapping[str, Any], language: labels.TextLanguage) -> str:
    """The transcript, and what was measured of the sound, as data before the question; empty where there is neither."""
    said, measured = record["speech"]["text"].strip(), sound_facts(record, language)
    lines = []
    if said:
        lines.append(f'Spoken in the clip: "{said}"' if language == "en" else f"片段中的话语：“{said}”")
    if measured:
        head = "Measured of the sound: " if language == "en" else "声音的测量结果："
        lines.append(head + (" " if language == "en" else "").join(measured))
    return "".join(f"{line}\n" for line in lines)
