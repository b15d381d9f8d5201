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
MAX_CHARS_EN = 7 * MAX_WORDS_EN
WORDS_BEFORE, CHARS_BEFORE = 5, 8
"""How much is quoted before a telling word that stands far from the start of its clause."""
MAX_WINDOWS = 64
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


def choose_quote(
    speech: Mapping[str, Any], features: Sequence[WordFeature], hits: Sequence[Mapping[str, Any]] = ()
) -> Quote | None:
    """The span that carries most of the telling words, else of the polarity, else the first fit to quote.

    Args:
        hits: words with a polarity, as ``measured.sentiment`` lists them.

    Returns:
        None where nothing is fit to be quoted.
    """
    text = str(speech.get("text") or "")[:MAX_TEXT]
    marked = [(sign.start, sign.end, sign.weight) for sign in features]
    polar = []
    for hit in hits:
        word = str(hit["word"]).strip(".,!?;:\"'()")
        at = text.find(word)
        if word and at >= 0:
            polar.append((at, at + len(word), abs(float(hit["polarity"]))))
    raw = _spans(text)
    spans = [span for bounds in raw for span in [_quote(text, *bounds)] if span is not None]
    spans += [span for begin, _, _ in (marked or polar)[:MAX_WINDOWS] for span in [_around(text, raw, begin)] if span]
    if not spans:
        return None

    def merit(quote: Quote) -> tuple[float, float, int, int]:
        carried, leaning = (
            sum(weight for begin, end, weight in words if quote.start <= begin and end <= quote.end)
            for words in (marked, polar)
        )
        return (carried, round(leaning, 3), 1 if len(quote.text) >= 6 else 0, -quote.start)

    return max(spans[:400], key=merit)


def translation_of(quote: Quote, speech: Mapping[str, Any]) -> Quote | None:
    """The part of the transcript's translation that stands for the quote, where sentence answers to sentence.

    None where there is no translation, or where it is divided into sentences otherwise: then nobody knows which part
    translates the quote.
    """
    text = str(speech.get("text") or "")[:MAX_TEXT]
    other = "zh" if quote.language == "en" else "en"
    translation = str(speech.get(f"text_{other}") or "")[:MAX_TEXT]
    if not translation or translation == text:
        return None
    spans, answers = _sentences(text), _sentences(translation)
    if len(spans) != len(answers):
        return None
    held = [answer for span, answer in zip(spans, answers, strict=True) if _whole(text, span, quote)]
    translated = _quote(translation, *held[0]) if held else None
    return translated if translated is not None and translated.language == other else None


def _sentences(text: str) -> list[tuple[int, int]]:
    return [(start, end) for start, end in _spans(text) if any(c.isalnum() for c in text[start:end])]


def _whole(text: str, span: tuple[int, int], quote: Quote) -> bool:
    """The quote is all of the sentence: of a part of it nobody knows the translation."""
    return span[0] <= quote.start and quote.end <= span[1] and _letters(text[slice(*span)]) == _letters(quote.text)


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


def _spans(text: str) -> list[tuple[int, int]]:
    """Stretches between sentence ends and anything unfit to quote."""
    found, start = [], 0
    for match in _BREAKS.finditer(text):
        found.append((start, match.start()))
        start = match.end()
    return [*found, (start, len(text))]


def _around(text: str, spans: Sequence[tuple[int, int]], at: int) -> Quote | None:
    """Of a sentence too long to be quoted: the clause that holds the word at ``at``, or the words around it."""
    start, end = next(((a, b) for a, b in spans if a <= at < b), (at, at))
    clauses = [start, *(m.end() for m in CLAUSE_BREAK.finditer(text, start, end))]
    begin = max(clause for clause in clauses if clause <= at) if start < end else at
    quote = _quote(text, begin, end)
    if quote is not None and quote.end > at:
        return quote
    words = [m.start() for m in re.finditer(r"\S+", text[begin:at])]
    near = begin + words[-WORDS_BEFORE:][0] if words else max(begin, at - CHARS_BEFORE)
    return _quote(text, near if script_of(text[begin:end]) == "en" else max(begin, at - CHARS_BEFORE), end)


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
    stop = min(stop, start + MAX_CHARS_EN)
    while stop > start and not text[stop - 1].isalnum():
        stop -= 1
    return stop


def _printable(span: str) -> bool:
    return all(c.isprintable() and c != "\ufffd" for c in span)
