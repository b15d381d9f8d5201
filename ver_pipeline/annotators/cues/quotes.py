"""Choosing what to quote from a transcript, which is text of unknown origin.

A quote is an exact span of the transcript, short, in one script, without anything that could be taken
for mark-up, an instruction tag or personal data.  Where no such span exists nothing is quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ver_pipeline.annotators.cues.labeling_sources import MAX_TEXT, WordFeature

MAX_WORDS_EN, MAX_CHARS_ZH = 16, 26
_BREAKS = re.compile(r"[.!?;。！？；…\n\r\t\"“”「」『』‘’<>{}\[\]|`\\*#=~^@]+|(?<=\s)'|'(?=\s|$)|\b\w+:|：|-{2,}")
_PRIVATE = re.compile(r"\d{4,}|(?:\d[ -]?){7,}|www\.|https?")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_FOREIGN = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
CLAUSE_BREAK = re.compile(r"[,，、]")


@dataclass(frozen=True, slots=True)
class Quote:
    """An exact span of the transcript.  ``language`` is the script it is in: ``en`` or ``zh``."""

    text: str
    start: int
    end: int
    language: str


def choose_quote(speech: Mapping[str, Any], features: Sequence[WordFeature]) -> Quote | None:
    """The span that carries most of the telling words, else the first fit to quote; None if none fits."""
    text = str(speech.get("text") or "")[:MAX_TEXT]
    spans = [span for raw in _spans(text) for span in [_quote(text, *raw)] if span is not None]
    if not spans:
        return None

    def merit(quote: Quote) -> tuple[float, int, int]:
        weight = sum(sign.weight for sign in features if quote.start <= sign.start and sign.end <= quote.end)
        return (weight, 1 if len(quote.text) >= 6 else 0, -quote.start)

    return max(spans[:400], key=merit)


def spoken_at(quote: Quote, speech: Mapping[str, Any]) -> tuple[float, float] | None:
    """When the quote is said, seconds in the clip: from its first word to its last, where words carry times;
    else the segment that holds it; None where neither is known."""
    wanted, said, at = _letters(quote.text), "", []
    begins = []
    for word in speech.get("words", ()):
        begins.append(len(said))
        letters = _letters(str(word["word"]))
        at += [(float(word["start_s"]), float(word["end_s"]))] * len(letters)
        said += letters
    begin = next((n for n in begins if wanted and said.startswith(wanted, n)), None)  # "no" is not in "know"
    if begin is not None:
        return at[begin][0], at[begin + len(wanted) - 1][1]
    held = [s for s in speech.get("segments", ()) if quote.text in s["text"]]
    return (float(held[0]["start_s"]), float(held[0]["end_s"])) if held else None


def _letters(text: str) -> str:
    """Words and text space and punctuate alike nowhere: what they share is letters and figures."""
    return "".join(c for c in text if c.isalnum())


def script_of(text: str) -> str | None:
    """``zh`` where at least nine letters in ten are Chinese, ``en`` where none is; else None."""
    letters = [c for c in text if unicodedata.category(c).startswith("L")]
    if not letters or _FOREIGN.search(text):
        return None
    share = len(_CJK.findall(text)) / len(letters)
    if share >= 0.9:
        return "zh"
    return "en" if share == 0 and any(c.isascii() and c.isalpha() for c in text) else None


def count_units(text: str) -> tuple[int, int]:
    """How many Chinese characters and how many words of other scripts a text has."""
    return len(_CJK.findall(text)), len(re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", _CJK.sub(" ", text)))


def _spans(text: str) -> list[tuple[int, int]]:
    """Stretches between sentence ends and anything unfit to quote."""
    found, start = [], 0
    for match in _BREAKS.finditer(text):
        found.append((start, match.start()))
        start = match.end()
    return [*found, (start, len(text))]


def _quote(text: str, start: int, end: int) -> Quote | None:
    """The span trimmed and shortened to whole words, or None where it cannot be quoted."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    language = script_of(text[start:end])
    if language is None or _PRIVATE.search(text[start:end]):
        return None
    end = _shorten(text, start, end, language)
    span = text[start:end]
    if not _printable(span) or len(span) < 2:
        return None
    return Quote(span, start, end, language)


def _shorten(text: str, start: int, end: int, language: str) -> int:
    if language == "zh":
        if end - start <= MAX_CHARS_ZH:
            return end
        cuts = [m.start() + start for m in CLAUSE_BREAK.finditer(text[start : start + MAX_CHARS_ZH])]
        return cuts[-1] if cuts and cuts[-1] - start >= 4 else start + MAX_CHARS_ZH
    words = list(re.finditer(r"\S+", text[start:end]))
    stop = start + words[min(len(words), MAX_WORDS_EN) - 1].end()
    stop = min(stop, start + 10 * MAX_WORDS_EN)
    while stop > start and not text[stop - 1].isalnum():
        stop -= 1
    return stop


def _printable(span: str) -> bool:
    return all(c.isprintable() and c != "\ufffd" for c in span)
