"""The reference pages, written from the code that they describe.

``python -m ver_pipeline.reference`` writes them into ``docs/reference/``; a test fails when they drift.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
_TABLE_OF = {
    "Record": "clips", "Source": "sources", "Rights": "sources", "Clip": "clips", "Media": "clips", "Speech": "clips",
    "Word": "words", "Segment": "segments", "Turn": "turns", "FaceTrack": "faces", "Voice": "clips", "Picture": "clips",
    "Observation": "evidence", "Emotion": "clips", "ClosedLabels": "clips", "Provenance": "annotations",
    "Senses": "annotations", "Agreement": "clips", "Finding": "findings", "Safety": "clips", "Person": "people",
    "PersonEmotion": "person_emotions", "Vote": "labels", "Transition": "labels", "Description": "clips",
    "Verdict": "clips", "Human": "clips",
}  # fmt: skip
"""The table whose columns say what a part's fields mean, where the part itself does not."""
_IN_THE_CLIP = {"start_s": "start in the clip", "end_s": "end in the clip"}
_MADE = "<!-- Made by `python -m ver_pipeline.reference`; change the code, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Name of each page to its text."""
    texts = {
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "record.md": _record(),
        "tables.md": _tables(),
        "columns.md": _columns(),
        "reject-reasons.md": _reasons(),
    }
    return {name: _MADE + text for name, text in texts.items()}


def _commands() -> str:
    from ver_pipeline.cli import COMMANDS

    text = "# Commands\n\nExit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.\n"
    for name, summary in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"ver {name}", formatter_class=_Wide)
        parser.add_argument("-v", "--verbose", action="count", default=0, help="say more (twice: everything)")
        importlib.import_module(f"ver_pipeline.cli.{name}").configure(parser)
        text += f"\n## ver {name}\n\n{summary[0].upper()}{summary[1:]}.\n\n```text\n{parser.format_help()}```\n"
    return text


class _Wide(argparse.HelpFormatter):
    """The same text whatever the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=110, max_help_position=30)


def _configuration() -> str:
    from ver_pipeline.annotators import options
    from ver_pipeline.schemas.config import BuildConfig

    text = (
        "# Configuration\n\nEvery setting of a build, in `ver.yaml` or as `--set section.name=value`. "
        "`ver config show` prints the\n"
        "settings in force with these descriptions. A changed value reruns only the stages that read it.\n"
    )
    for name, field in BuildConfig.model_fields.items():
        section: Any = field.annotation
        text += f"\n## {field.alias or name}\n\n{_first(section)}\n\n" + _settings(section)
    text += "\n# Options of annotators\n\nTables under `annotate.options`, one per annotator"
    text += " ([annotators](../annotators.md)).\n"
    for kind, model in (("openai", options.OpenAIOptions), ("transformers", options.TransformersOptions),
                        ("vllm", options.VllmOptions), ("replay", options.ReplayOptions)):  # fmt: skip
        text += f"\n## annotate.options.{kind}\n\n{_first(model)}\n\n" + _settings(model)
    return text


def _settings(model: type[BaseModel]) -> str:
    rows = [
        (
            f"`{field.alias or name}`",
            f"`{_value(field.get_default(call_default_factory=True))}`",
            _plain(field.description),
        )
        for name, field in model.model_fields.items()
    ]
    return _table(("setting", "default", "meaning"), rows)


def _record() -> str:
    from ver_pipeline.schemas.catalog_tables import TABLES
    from ver_pipeline.schemas.record import SCHEMA_VERSION, Record

    text = f"# The record\n\n`{SCHEMA_VERSION}`: the JSON member of every sample. Times are in seconds (`_s`).\n"
    for model in _models(Record):
        about, told = _docstring(model)
        table = TABLES[_TABLE_OF[model.__name__]] if model.__name__ in _TABLE_OF else None
        columns = _IN_THE_CLIP | ({} if table is None else {column.name: column.meaning for column in table.columns})
        rows = [
            (f"`{name}`", f"`{_type(field.annotation)}`",
             _plain(field.description) or told.get(name, "") or columns.get(name, ""))
            for name, field in model.model_fields.items()
        ]  # fmt: skip
        text += f"\n## {model.__name__}\n\n{about}\n\n" + _table(("field", "type", "meaning"), rows)
    return text


def _docstring(model: type) -> tuple[str, dict[str, str]]:
    """All that a docstring says of a class, and what its ``Attributes`` say, by name."""
    about, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")
    named = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.M)
    return "\n\n".join(map(_plain, about.split("\n\n"))), {name: _plain(text) for name, text in named}


def _models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model inside it, each once, from the outside in."""
    seen, waiting = set(), [root]
    while waiting:
        model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        yield model
        waiting += [inner for field in model.model_fields.values() for inner in _inside(field.annotation)]


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _inside(argument)


def _type(annotation: Any) -> str:
    """A type as people write it, without bounds and patterns: the schema has those."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin in (Union, UnionType):
        return " | ".join(map(_type, arguments))
    if origin is not None:
        return f"{origin.__name__}[{', '.join('...' if one is ... else _type(one) for one in arguments)}]"
    return "None" if annotation is NoneType else str(getattr(annotation, "__name__", annotation))


def _tables() -> str:
    from ver_pipeline.schemas.catalog_tables import TABLES
    from ver_pipeline.schemas.tables import INDEX, SAMPLES

    text = "# Tables\n\nWhat `ver query` sees. `samples` is the flat join; `key` joins all that have it.\n"
    for table in (SAMPLES, *TABLES.values(), INDEX):
        rows = [(f"`{column.name}`", column.type, column.meaning) for column in table.columns]
        text += f"\n## {table.name}\n\n{table.meaning}\n\n" + _table(("column", "type", "meaning"), rows)
    return text


def _columns() -> str:
    from ver_pipeline.stages import columns

    text = "# Columns\n\nWhat rows hold between stages. `ver plan` shows who reads and writes each column.\n\n"
    rows = [(f"`{name}`", f"`{column.type}`", column.meaning) for name, column in columns.COLUMNS.items()]
    text += _table(("column", "type", "meaning"), rows)
    for name, value in vars(columns).items():
        if hasattr(value, "__required_keys__"):
            fields = [(f"`{field}`", f"`{kind.__forward_arg__}`") for field, kind in value.__annotations__.items()]
            text += f"\n## {name}\n\n{_first(value)}\n\n" + _table(("field", "type"), fields)
    return text


def _reasons() -> str:
    from ver_pipeline.schemas.reasons import CURE, MEANING, RETRYABLE, Reason

    rows = [(f"`{r}`", MEANING[r], CURE[r], "yes" if r in RETRYABLE else "") for r in Reason]
    return (
        "# Reject reasons\n\nThe column `reason` of the table `rejects`; `ver query OUT @rejects-by-reason` counts.\n\n"
        + _table(("reason", "meaning", "what to do", "a rerun tries again"), rows)
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _first(model: type) -> str:
    return _plain((model.__doc__ or "").split("\n\n")[0])


def _plain(text: str | None) -> str:
    """Text of a docstring as Markdown on one line."""
    return " ".join((text or "").replace("``", "`").split())


def _value(value: Any) -> str:
    import json

    return json.dumps(value if not isinstance(value, BaseModel) else value.model_dump(mode="json"), default=list)


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    main()
