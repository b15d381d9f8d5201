"""The emotion vocabulary: thirteen canonical labels, their names in English and Chinese, and the
way to and from every closed taxonomy and the open words.

The tables are data (``emotion_labels.yaml``, ``emotion_words.yaml``, ``wheel.yaml``) so that a person
who does not program can read and correct them.  A word that no table holds is ``None``, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml

from ver_pipeline.schemas.denial import is_denied, reported_spans
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.record_types import LabelId
from ver_pipeline.schemas.segment import stands

Taxonomy = Literal["mer6", "dfew7", "mafw11", "meld7", "sentiment3"]
TextLanguage = Literal["en", "zh"]

LABEL_IDS: tuple[LabelId, ...] = get_args(LabelId)
TAXONOMIES: tuple[Taxonomy, ...] = get_args(Taxonomy)
CLASSED: tuple[Taxonomy, ...] = ("mer6", "dfew7", "mafw11", "meld7")
SENTIMENT_DEAD_ZONE = 0.1
"""A valence nearer to zero than this is neutral in ``sentiment3``."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Label:
    """One canonical label.

    ``classes`` maps a taxonomy to its class, ``lossy`` names the taxonomies where that class is only
    the nearest one.  ``valence_range`` and ``typical`` (valence, arousal) are on [-1, 1].
    """

    id: LabelId
    en: str
    en_adjective: str
    zh: str
    classes: dict[str, str]
    lossy: tuple[str, ...]
    sentiment: Literal["positive", "neutral", "negative", "any"] | None
    valence_range: tuple[float, float]
    typical: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class OpenWord:
    """One meaning among the open words: its forms in both languages and its label (None: no label)."""

    en: tuple[str, ...]
    zh: tuple[str, ...]
    canon: LabelId | None


@dataclass(frozen=True, slots=True)
class WordHit:
    """One emotion word found in a text at ``[start, end)``; ``negated`` as in "not happy" or 不高兴, ``quoted`` also
    where it is reported speech."""

    word: str
    start: int
    end: int
    canon: LabelId | None
    negated: bool
    quoted: bool


@cache
def labels() -> dict[LabelId, Label]:
    """All canonical labels by id, in the order of the record schema.

    Raises:
        ConfigError: ``emotion_labels.yaml`` and the schema name different labels.
    """
    table = _load("emotion_labels.yaml")["labels"]
    if set(table) != set(LABEL_IDS):
        raise ConfigError(f"emotion_labels.yaml and the record disagree on {sorted(set(table) ^ set(LABEL_IDS))}")
    return {name: _label(name, table[name]) for name in LABEL_IDS}


@cache
def open_words() -> tuple[OpenWord, ...]:
    """Every meaning of ``emotion_words.yaml``."""
    words: list[OpenWord] = []
    for canon, rows in _load("emotion_words.yaml")["words"].items():
        label = None if canon == "none" else cast(LabelId, canon)
        words += [OpenWord(_forms(row["en"]), _forms(row["zh"]), label) for row in rows]
    return tuple(words)


def canonical(word: str | int | None) -> LabelId | None:
    """The canonical label of a word in either language, or of a label id; None where it is unknown.

    Case, surrounding punctuation and spaces do not matter.
    """
    meaning = open_word(word)
    if meaning is not None:
        return meaning.canon
    return _names().get(fold(word))


def open_word(word: str | int | None) -> OpenWord | None:
    """The meaning that a surface word belongs to, or None."""
    return _by_form().get(fold(word))


def counterpart(word: str) -> str | None:
    """The word of the other language that is shown beside ``word``; None for an unknown word."""
    meaning = open_word(word)
    if meaning is None:
        return None
    return meaning.en[0] if fold(word) in meaning.zh else meaning.zh[0]


def display(label: LabelId, language: TextLanguage) -> str:
    """The label's name as people read it."""
    return labels()[label].zh if language == "zh" else labels()[label].en


def adjective(label: LabelId, language: TextLanguage) -> str:
    """The label as a description of somebody ("angry", 愤怒)."""
    return labels()[label].zh if language == "zh" else labels()[label].en_adjective


def closed_labels(label: LabelId, valence: float | None = None) -> dict[str, Any]:
    """The same judgement in every closed taxonomy, as a ``ClosedLabels`` dict.

    ``sentiment3`` of a label whose sentiment is free (surprise) follows ``valence``, and is None
    without one.  ``lossy`` lists the taxonomies whose class is only approximate.
    """
    entry = labels()[label]
    sentiment: str | None = entry.sentiment
    if sentiment == "any":
        sentiment = None if valence is None else sentiment_of(valence)
    classes: dict[str, Any] = {name: entry.classes.get(name) for name in CLASSED}
    return {**classes, "sentiment3": sentiment, "lossy": list(entry.lossy)}


def sentiment_of(valence: float) -> Literal["positive", "neutral", "negative"]:
    """The three-way sentiment of a valence on [-1, 1]."""
    if abs(valence) < SENTIMENT_DEAD_ZONE:
        return "neutral"
    return "positive" if valence > 0 else "negative"


def from_closed(taxonomy: Taxonomy, value: str | int) -> LabelId | None:
    """The canonical label of a class of ``taxonomy``: its name in English or Chinese, or DFEW's code 1-7.

    The label returned is the one that maps to the class exactly.  ``sentiment3`` has no exact label
    besides neutral, so positive and negative give None.
    """
    if taxonomy == "dfew7" and str(value).strip().isdigit():
        codes = _load("emotion_labels.yaml")["dfew_codes"]
        number = int(value)
        if not 1 <= number <= len(codes):
            return None
        value = codes[number - 1]
    return _exact(taxonomy).get(fold(value))


def dfew_code(label: LabelId) -> int | None:
    """DFEW's integer code of the label's class, or None."""
    name = labels()[label].classes.get("dfew7")
    return None if name is None else _load("emotion_labels.yaml")["dfew_codes"].index(name) + 1


def classes(taxonomy: Taxonomy) -> tuple[str, ...]:
    """The classes of a closed taxonomy, in their published order."""
    return tuple(_load("emotion_labels.yaml")["closed_zh"][taxonomy])


def closed_display(taxonomy: Taxonomy, value: str, language: TextLanguage) -> str | None:
    """A class of a closed taxonomy as people read it; None for a class it does not have."""
    names = _load("emotion_labels.yaml")["closed_zh"][taxonomy]
    if value not in names:
        return None
    return str(names[value]) if language == "zh" else value


def find_words(text: str, language: TextLanguage) -> tuple[WordHit, ...]:
    """Every emotion word in ``text``, left to right, longest match first, none overlapping.

    A piece of Chinese that straddles two words (同情 in 不同情绪) is none.
    """
    quoted = [*_quoted_spans(text), *reported_spans(text, language)]
    hits: list[WordHit] = []
    at = 0
    while match := _pattern(language).search(text, at):
        if language == "zh" and not stands(text, *match.span()):
            at = match.start() + 1
            continue
        at = match.end()
        meaning = _by_form()[fold(match.group())]
        inside = any(start <= match.start() < end for start, end in quoted)
        denied = is_denied(text, *match.span(), language)
        hits.append(WordHit(match.group(), match.start(), match.end(), meaning.canon, denied, inside))
    return tuple(hits)


def extract(text: str, language: TextLanguage) -> tuple[LabelId, ...]:
    """The labels that a text claims, in order of first mention.

    Words inside quotation marks or in reported speech belong to whoever says them and do not count; negated ones
    neither.
    """
    claimed = (hit.canon for hit in find_words(text, language) if not hit.quoted and not hit.negated)
    return tuple(dict.fromkeys(label for label in claimed if label is not None))


@cache
def wheel(path: str | None = None) -> dict[str, str]:
    """Surface word to group of the emotion wheel, all forms of both languages; ``path`` reads another.

    Raises:
        ConfigError: the file is not a wheel.
    """
    data = _load("wheel.yaml") if path is None else _read(Path(path))
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, dict):
        raise ConfigError(f"{path} is not an emotion wheel", "it needs a mapping 'groups' as in schemas/wheel.yaml")
    by_label: dict[str, str] = {}
    for group, members in groups.items():
        wanted = members.get("labels", [])
        for meaning in open_words():
            if meaning.canon in wanted:
                by_label |= {form: str(group) for form in (*meaning.en, *meaning.zh)}
        for word in members.get("words", []):
            known = open_word(word)
            forms = (fold(word),) if known is None else (*known.en, *known.zh)
            by_label |= {form: str(group) for form in forms}
    return by_label


def fold(word: str | int | None) -> str:
    """The form under which words are compared: lower case, one space, no surrounding punctuation."""
    text = re.sub(r"\s+", " ", str("" if word is None else word)).lower()
    return text.strip(" \t.,;:!?\"'()[]。，；：！？“”‘’《》、_-").replace("_", " ")


def _label(name: LabelId, row: dict[str, Any]) -> Label:
    raw = {taxonomy: str(row[taxonomy]) for taxonomy in CLASSED if taxonomy in row}
    typical = row.get("typical")
    return Label(
        id=name,
        en=row["en"],
        en_adjective=row["en_adjective"],
        zh=row["zh"],
        classes={taxonomy: value.lstrip("~") for taxonomy, value in raw.items()},
        lossy=tuple(taxonomy for taxonomy, value in raw.items() if value.startswith("~")),
        sentiment=row.get("sentiment3"),
        valence_range=(float(row["valence_range"][0]), float(row["valence_range"][1])),
        typical=None if typical is None else (float(typical[0]), float(typical[1])),
    )


@cache
def _exact(taxonomy: Taxonomy) -> dict[str, LabelId]:
    """Class name (either language) to the label that maps to it without loss."""
    label_by_name: dict[str, LabelId] = {}
    for label in labels().values():
        name = label.classes.get(taxonomy)
        if name is not None and taxonomy not in label.lossy:
            label_by_name[name] = label.id
    if taxonomy == "sentiment3":
        label_by_name = {"neutral": "neutral"}
    for name, zh in _load("emotion_labels.yaml")["closed_zh"][taxonomy].items():
        if name in label_by_name:
            label_by_name[zh] = label_by_name[name]
    return label_by_name


@cache
def _names() -> dict[str, LabelId]:
    """Names that stand for a label when given as a label, but are no emotion word in running text."""
    table = _load("emotion_labels.yaml")["labels"]
    return {fold(name): label for label in LABEL_IDS for name in (label, *table[label].get("also", []))}


@cache
def _by_form() -> dict[str, OpenWord]:
    words_by_form: dict[str, OpenWord] = {}
    for meaning in open_words():
        for form in (*meaning.en, *meaning.zh):
            if form in words_by_form:
                raise ConfigError(f"emotion_words.yaml lists {form!r} twice", "keep it under one label")
            words_by_form[form] = meaning
    return words_by_form


@cache
def _pattern(language: TextLanguage) -> re.Pattern[str]:
    """What an emotion word looks like."""
    forms = sorted((f for m in open_words() for f in (m.zh if language == "zh" else m.en)), key=lambda f: (-len(f), f))
    body = "|".join(re.escape(form) for form in forms)
    return re.compile(body) if language == "zh" else re.compile(rf"\b(?:{body})\b", re.IGNORECASE)


def _quoted_spans(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in re.finditer(r"“[^”]*”|「[^」]*」|\"[^\"]*\"|‘[^’]*’", text)]


def _forms(cell: str) -> tuple[str, ...]:
    return tuple(fold(form) for form in cell.split(","))


@cache
def _load(name: str) -> Any:
    return _read(_HERE / name)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {error}", "the file must be YAML in UTF-8") from error
