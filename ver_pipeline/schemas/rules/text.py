"""Text tools of the rules: quotation marks, sentences, clauses with a negation, scripts, repetition.

All functions are pure and need no dependency.  Offsets are character offsets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.segment import stands

_QUOTED = re.compile(
    r"“([^”]*)”|”([^“”]*)“|「([^」]*)」|『([^』]*)』|\"([^\"]*)\"|‘([^’]*)’(?![A-Za-z])|(?<![\w'])'([^'\n]*(?:\w'\w[^'\n]*)*)'(?!\w)"
)
_SENTENCE = re.compile(r"[^.!?。！？；;\n]+[.!?。！？；;\n]*[”\"’']?")
_CLAUSE = re.compile(r"[,;:.!?，；：。！？、\n—]|\b(?:but|while|yet|however|although|though)\b|但是?|然而|却|不过")
_DENIES_EN = re.compile(
    r"\b(?:no|not|nobody|none|never|neither|nor|without|cannot|lacks?|lacking|absent|nothing|hardly|unseen|"
    r"unheard|invisible|inaudible|silent|silence|unable|far from|anything but|fails? to|instead of|rather than)\b|"
    r"n't\b|n’t\b",
    re.IGNORECASE,
)
_DENIES_ZH = re.compile(
    r"没有?|并未|未[见能曾闻听检]|无[人声法从任明可]|毫无|看不|听不|不[见闻可能含说讲是]|缺乏|缺少|静音|无$"
)
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:['’-][A-Za-z0-9]+)*|[\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span inside quotation marks, without them; ``[start, end)`` includes the marks."""

    text: str
    start: int
    end: int


def quotes(text: str) -> list[Quote]:
    """Every quoted span, left to right: curly, straight and corner marks; apostrophes are not quotes."""
    matches = []
    for match in _QUOTED.finditer(text):
        inner = next((group for group in match.groups() if group is not None), "")
        if inner.strip():
            matches.append(Quote(inner.strip(), match.start(), match.end()))
    return matches


@lru_cache(maxsize=4096)
def unquoted(text: str) -> str:
    """The text with every quoted span replaced by spaces, so that offsets stay."""
    out = list(text)
    for quote in quotes(text):
        out[quote.start : quote.end] = " " * (quote.end - quote.start)
    return "".join(out)


def sentences(text: str) -> list[str]:
    """Sentences of either language, with their final mark; empty ones left out."""
    return [part.strip() for part in _SENTENCE.findall(text) if re.search(r"\w", part)]


def claims(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Matches of ``pattern`` that the text asserts: outside quotes, in a clause that denies nothing."""
    clauses, lines = _asserted(text)
    if not pattern.search(lines):  # one look at all clauses: a lexicon is rarely hit, and rules ask for many
        return []
    return [match.group() for clause in clauses for match in words(clause, pattern)]


@lru_cache(maxsize=4096)
def _asserted(text: str) -> tuple[tuple[str, ...], str]:
    """The clauses of a text that deny nothing, without what stands in quotation marks; and these as lines."""
    clauses = tuple(clause for clause in _CLAUSE.split(unquoted(text)) if clause.strip() and not denies(clause))
    return clauses, "\n".join(clauses)


def words(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """Matches of ``pattern`` that are words where they stand: 白人 in 明白人 is none."""
    matches: list[re.Match[str]] = []
    at = 0
    while match := pattern.search(text, at):
        whole = match.end() > match.start() and stands(text, *match.span())
        at = match.end() if whole else match.start() + 1
        matches += [match] if whole else []
    return matches


def denies(clause: str) -> bool:
    """Whether a clause holds a negation of either language."""
    return bool(_DENIES_EN.search(clause) or _DENIES_ZH.search(clause))


def is_han(char: str) -> bool:
    """Whether the character is a Chinese character (CJK ideograph)."""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\uf900" <= char <= "\ufaff"


def han_share(text: str) -> float | None:
    """Share of Chinese characters among the letters; None when the text has fewer than five letters."""
    letters = [c for c in text if c.isalpha()]
    return sum(map(is_han, letters)) / len(letters) if len(letters) >= 5 else None


def tokens(text: str) -> list[str]:
    """English words in lower case, and single Chinese characters."""
    return [token.lower() for token in _TOKEN.findall(text)]


def english_words(text: str) -> list[str]:
    """Words in Latin letters, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Za-z]+(?:['’-][A-Za-z]+)*", text)]


def normalise(text: str) -> str:
    """The form under which quotes are compared: NFKC, lower case, letters and digits only."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def similarity(needle: str, haystack: str) -> float:
    """How well ``needle`` occurs in ``haystack``, 0-1; 1 is verbatim after :func:`normalise`.

    The needle is compared with the windows of its own length around every shared pair of characters
    (SequenceMatcher's longest blocks), so one dropped or changed word costs only its own length.
    """
    a, b = normalise(needle), normalise(haystack)
    if not a or not b:
        return 0.0
    if a in b:
        return 1.0
    from difflib import SequenceMatcher

    best = 0.0
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.size < 2:
            continue
        start = max(0, block.b - block.a)
        for length in (len(a), len(a) + max(1, len(a) // 8), len(a) - max(1, len(a) // 8)):
            window = b[start : start + max(1, length)]
            best = max(best, SequenceMatcher(None, a, window, autojunk=False).ratio())
    return best


def longest_repeat(items: list[str]) -> int:
    """Length of the longest run of tokens that occurs twice without overlap (0: none)."""
    low, high = 0, len(items) // 2
    while low < high:
        middle = (low + high + 1) // 2
        if _repeats(items, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _repeats(items: list[str], n: int) -> bool:
    first: dict[tuple[str, ...], int] = {}
    for i in range(len(items) - n + 1):
        gram = tuple(items[i : i + n])
        if i - first.setdefault(gram, i) >= n:
            return True
    return False


def prose(record: Record) -> Iterator[tuple[str, str, str]]:
    """``(language, JSON pointer, text)`` of everything an annotator wrote."""
    yield "en", "/description/en", record.description.en
    yield "zh", "/description/zh", record.description.zh
    for i, seen in enumerate(record.observations):
        yield "en", f"/observations/{i}/text_en", seen.text_en
        yield "zh", f"/observations/{i}/text_zh", seen.text_zh
    if record.emotion.cause_en:
        yield "en", "/emotion/cause_en", record.emotion.cause_en
    if record.emotion.cause_zh:
        yield "zh", "/emotion/cause_zh", record.emotion.cause_zh


def descriptions(record: Record) -> Iterator[tuple[str, str, str]]:
    """``(language, JSON pointer, text)`` of the two descriptions."""
    yield "en", "/description/en", record.description.en
    yield "zh", "/description/zh", record.description.zh
