"""The annotation prompts: versioned text files that anybody can read and correct, and their loader.

A prompt is one file per language, ``<id>.<language>.md``: front matter between two ``---`` lines, then
the system text, then a line ``=== user ===``, then the user text.  ``{{name}}`` marks what is filled in.
Examples are files too (``example_*.yaml``), never taken from the clip.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ver_pipeline.schemas.errors import ConfigError

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
REQUIRED = ("id", "version", "language", "purpose", "parts", "sees", "sampling")
SLOTS = frozenset({"facts", "transcript", "evidence", "judgement", "examples", "order", "errors", "fields", "answer",
                   "claims", "labels", "neighbours", "description", "hypotheses", "annotation"})  # fmt: skip
_USER = "\n=== user ===\n"
_SLOT = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in one language.

    ``parts`` are the answer's parts it asks for; ``sees`` what the model is given of
    ``frames``, ``sound``, ``facts``, ``transcript``, ``neighbours``, ``evidence``, ``hypotheses``, ``description``,
    ``annotation``.
    ``sha256`` is over the file's bytes.
    """

    id: str
    version: str
    language: str
    purpose: str
    parts: tuple[str, ...]
    sees: tuple[str, ...]
    sampling: Mapping[str, Any]
    system: str
    user: str
    sha256: str

    @property
    def name(self) -> str:
        """As provenance names it: ``describe/1.en``."""
        return f"{self.id}/{self.version}.{self.language}"

    def render(self, fill: Mapping[str, str]) -> tuple[str, str]:
        """System and user text with every ``{{name}}`` filled in once; filled text is not read again.

        Raises:
            ConfigError: the prompt wants something that was not given.
        """
        return self._filled(self.system, fill), self._filled(self.user, fill)

    def _filled(self, text: str, fill: Mapping[str, str]) -> str:
        def one(match: re.Match[str]) -> str:
            if match.group(1) not in fill:
                raise ConfigError(f"prompt {self.name} wants {match.group()}", "remove it or correct its spelling")
            return fill[match.group(1)]

        return _SLOT.sub(one, text)


@cache
def load_prompts(folder: str | None = None) -> Mapping[tuple[str, str], Prompt]:
    """All prompts by (id, language).

    Raises:
        ConfigError: a file is malformed, or a prompt lacks one of the two languages.
    """
    root = HERE if folder is None else Path(folder)
    prompts = {(p.id, p.language): p for p in map(read_prompt, sorted(root.glob("*.md")))}
    for name, _ in prompts:
        for language in LANGUAGES:
            if (name, language) not in prompts:
                raise ConfigError(f"prompt {name} has no {language} version", f"add {name}.{language}.md")
    return prompts


def read_prompt(path: Path) -> Prompt:
    """One prompt file.

    Raises:
        ConfigError: naming the file and what is wrong with it.
    """
    raw = path.read_bytes()
    text = raw.decode("utf-8").replace("\r\n", "\n")
    pieces = text.split("---\n", 2)
    if len(pieces) != 3 or pieces[0] or _USER not in pieces[2]:
        raise ConfigError(f"{path.name}: not a prompt file", "front matter between --- lines, then '=== user ==='")
    head = yaml.safe_load(pieces[1])
    missing = [name for name in REQUIRED if name not in head]
    if missing or f"{head['id']}.{head['language']}" != path.stem:
        raise ConfigError(f"{path.name}: front matter lacks {missing or 'the name of its file'}", "see the other files")
    system, user = pieces[2].split(_USER, 1)
    unknown = sorted(set(_SLOT.findall(text)) - SLOTS)
    if unknown:
        raise ConfigError(f"{path.name}: nothing fills {unknown[0]!r}", f"known: {', '.join(sorted(SLOTS))}")
    return Prompt(
        id=head["id"],
        version=str(head["version"]),
        language=head["language"],
        purpose=head["purpose"],
        parts=tuple(head["parts"]),
        sees=tuple(head["sees"]),
        sampling=head["sampling"] or {},
        system=system.strip(),
        user=user.strip(),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: the name of its file and its text."""

    id: str
    text: str
    sha256: str


@cache
def load_examples(folder: str | None = None) -> tuple[Example, ...]:
    """The worked examples, sorted by name; none where there are no files."""
    root = HERE if folder is None else Path(folder)
    files = [(path.stem, path.read_bytes()) for path in sorted(root.glob("example_*.yaml"))]
    return tuple(Example(name, raw.decode("utf-8").strip(), hashlib.sha256(raw).hexdigest()) for name, raw in files)
