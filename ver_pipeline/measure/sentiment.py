"""What the words themselves feel like: English by VADER, Chinese by an own lexicon (``lexicon.yaml``).

A lexicon knows words, not meaning: irony, quotation and context escape it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from ver_pipeline.timeline.transcript import is_wide

VADER_SCALE = 4.0
"""VADER's word valences run from -4 to 4."""
VADER_MIN = 0.5
NEGATION_WORDS = 3
"""How many words before a sentiment word a negation reaches, in VADER and here."""
NEGATED = -0.74
"""VADER's factor for a negated word."""
INTENSIFIED, DIMINISHED = 1.3, 0.6
REACH = 4
"""How many Chinese characters before a word a negation or an adverb of degree reaches."""
ALPHA = 1.5
"""Like VADER's normalisation s / sqrt(s*s + 15), on words in -1..1 instead of -4..4 (15 / 16, rounded up)."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The lexicon in the form it is used in."""

    version: str
    zh: Mapping[str, tuple[float, str | None]]
    zh_not: frozenset[str]
    negations: tuple[str, ...]
    intensifiers: tuple[str, ...]
    diminishers: tuple[str, ...]
    en_emotion: Mapping[str, str]
    longest: int


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon of ``lexicon.yaml``."""
    import yaml

    data = yaml.safe_load(resources.files(__package__).joinpath("lexicon.yaml").read_text("utf-8"))
    zh: dict[str, tuple[float, str | None]] = {}
    for emotion, by_polarity in data["zh"].items():
        for polarity, words in by_polarity.items():
            for word in words:
                zh.setdefault(word, (float(polarity), None if emotion == "none" else emotion))
    return Lexicon(
        version=data["version"],
        zh=zh,
        zh_not=frozenset(data["zh_not"]) - zh.keys(),
        negations=tuple(data["zh_negations"]),
        intensifiers=tuple(data["zh_intensifiers"]),
        diminishers=tuple(data["zh_diminishers"]),
        en_emotion={word: emotion for emotion, words in data["en"].items() for word in words},
        longest=max(map(len, [*zh, *data["zh_not"]])),
    )


def tool() -> str:
    """What ``Sentiment.tool`` says."""
    return f"vader {version('vaderSentiment')} + {lexicon().version}"


class SentimentMeter:
    """Loads VADER once; ``measure`` is a pure function of the speech."""

    def __init__(self) -> None:
        self.vader: Any = None

    def open(self) -> None:
        """Load VADER's lexicon and ours; both come with their packages."""
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self.vader = SentimentIntensityAnalyzer()
        lexicon()

    def measure(self, speech: Mapping[str, Any]) -> dict[str, Any]:
        """``record.Sentiment`` of a ``record.Speech`` dict.

        Hits stand as in the transcript, with the times of the words that hold them.  In mixed speech the
        two polarities are weighed by their hits.  Polarity is None for speech in another language and for
        none at all, 0 for speech without a sentiment word.
        """
        languages = _languages(speech)
        parts: list[tuple[float, list[dict[str, Any]]]] = []
        if "en" in languages:
            parts.append(self._english(speech))
        if "zh" in languages:
            parts.append(_chinese(speech["words"]) if speech["words"] else _chinese_text(speech["text"]))
        hits = sorted((h for _, found in parts for h in found), key=lambda h: (h["start_s"] or 0.0, h["word"]))
        weight = sum(len(found) for _, found in parts)
        polarity = sum(p * len(found) for p, found in parts) / weight if weight else 0.0
        return {"polarity": round(polarity, 3) if parts else None, "hits": hits, "tool": tool()}

    def _english(self, speech: Mapping[str, Any]) -> tuple[float, list[dict[str, Any]]]:
        words = [w for w in speech["words"] if not any(is_wide(c) for c in w["word"])]
        if not words:  # segments without word times
            words = [{"word": w, "start_s": None, "end_s": None} for w in speech["text"].split() if w.isascii()]
        from vaderSentiment.vaderSentiment import negated

        bare = [w["word"].strip(".,!?;:\"'()").lower() for w in words]
        hits = []
        for number, (word, plain) in enumerate(zip(words, bare, strict=True)):
            valence = self.vader.lexicon.get(plain, 0.0)
            emotion = lexicon().en_emotion.get(plain)
            if abs(valence) < VADER_MIN and not emotion:
                continue
            is_negated = negated(bare[max(0, number - NEGATION_WORDS) : number])
            polarity = valence / VADER_SCALE * (NEGATED if is_negated else 1.0)
            hits.append(_hit(word["word"], word, word, polarity, None if is_negated else emotion))
        compound = self.vader.polarity_scores(" ".join(w["word"] for w in words))["compound"]
        return float(compound), hits


def _chinese(words: Sequence[Mapping[str, Any]]) -> tuple[float, list[dict[str, Any]]]:
    """Longest match over the running characters; every character knows the word it came from."""
    known = lexicon()
    listed = known.zh_not | known.zh.keys()
    letters = [(char, word) for word in words for char in word["word"]]
    text = "".join(char for char, _ in letters)
    hits, place = [], 0
    while place < len(text):
        reach = range(min(known.longest, len(text) - place), 0, -1)
        listed_word = next((text[place : place + n] for n in reach if text[place : place + n] in listed), "")
        if listed_word in known.zh:
            polarity, emotion = known.zh[listed_word]
            factor, is_negated = _modifiers(text[max(0, place - REACH) : place])
            first, last = letters[place][1], letters[place + len(listed_word) - 1][1]
            hits.append(_hit(listed_word, first, last, polarity * factor, None if is_negated else emotion))
        place += max(1, len(listed_word))
    total = sum(hit["polarity"] for hit in hits)
    return total / (total * total + ALPHA) ** 0.5, hits


def _chinese_text(text: str) -> tuple[float, list[dict[str, Any]]]:
    return _chinese([{"word": text, "start_s": None, "end_s": None}])


def _modifiers(before: str) -> tuple[float, bool]:
    """The factor of the words right before a sentiment word, and whether they deny it; a sign ends their reach."""
    known = lexicon()
    for sign in "，。！？；、,.!?;":
        before = before.rpartition(sign)[2]
    factor = 1.0
    if any(word in before for word in known.intensifiers):
        factor *= INTENSIFIED
    if any(word in before for word in known.diminishers):
        factor *= DIMINISHED
    for word in (*known.intensifiers, *known.diminishers, *known.zh_not):
        before = before.replace(word, "")  # 非常 and 特别 hold 非 and 别
    is_negated = sum(before.count(word) for word in ("不", "没", "别", "无", "非", "未", "莫")) % 2 == 1
    return factor * (NEGATED if is_negated else 1.0), is_negated


def _hit(
    text: str, first: Mapping[str, Any], last: Mapping[str, Any], polarity: float, emotion: str | None
) -> dict[str, Any]:
    return {
        "word": text,
        "start_s": first["start_s"],
        "end_s": last["end_s"],
        "polarity": round(max(-1.0, min(1.0, polarity)), 3),
        "emotion": emotion,
    }


def _languages(speech: Mapping[str, Any]) -> set[str]:
    if speech["language"] == "mixed":
        return {segment["language"] for segment in speech["segments"]} & {"en", "zh"}
    return {speech["language"]} & {"en", "zh"}
