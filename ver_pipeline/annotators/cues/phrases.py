"""Choosing and filling the wording of the cues annotator (``phrases.yaml``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import yaml

PHRASES = Path(__file__).with_name("phrases.yaml")


@dataclass(frozen=True, slots=True)
class Pair:
    """One piece of text in both languages."""

    en: str
    zh: str

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.en + other.en, self.zh + other.zh)


EMPTY = Pair("", "")


def number(value: float) -> str:
    """A time as people write it: one decimal, none when it is zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


@dataclass(frozen=True, slots=True)
class Wording:
    """Picks among equivalent phrasings by a hash of the seed and the slot."""

    seed: str

    def say(self, slot: str, **fill: Pair | str) -> Pair:
        """The chosen phrasing of ``slot`` with its {names} filled in, each language with its own."""
        ways = _table()[slot]
        choice = int(hashlib.sha256(f"{self.seed}/{slot}".encode()).hexdigest()[:8], 16) % len(ways)
        way = ways[choice]
        both = {name: value if isinstance(value, Pair) else Pair(value, value) for name, value in fill.items()}
        return Pair(
            way.en.format(**{name: pair.en for name, pair in both.items()}),
            way.zh.format(**{name: pair.zh for name, pair in both.items()}),
        )


def sentence_case(text: str) -> str:
    """First letter upper case; the rest as it is."""
    return text[:1].upper() + text[1:]


def join_names(names: list[Pair]) -> Pair:
    """A list of things as prose: "a, b and c", 甲、乙和丙."""
    if len(names) == 1:
        return names[0]
    en = ", ".join(n.en for n in names[:-1]) + " and " + names[-1].en
    return Pair(en, "、".join(n.zh for n in names[:-1]) + "和" + names[-1].zh)


@cache
def _table() -> dict[str, tuple[Pair, ...]]:
    raw = cast("dict[str, list[dict[str, str]]]", yaml.safe_load(PHRASES.read_text(encoding="utf-8")))
    return {slot: tuple(Pair(way["en"], way["zh"]) for way in ways) for slot, ways in raw.items() if slot != "version"}
