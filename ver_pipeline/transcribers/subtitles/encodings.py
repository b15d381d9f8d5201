"""Which encoding a subtitle file is in, told by what it decodes to.

A byte order mark decides, then NUL bytes (UTF-16), then valid UTF-8.  What is left is an old code page, and nearly
every code page decodes nearly every file: each candidate is therefore scored by whether its characters are those that
people write.  Chinese, Japanese and Korean sets list their common characters first, so how common a character is
stands in its own bytes (GB 2312 level 1 is rows 16 to 55, Big5 level 1 begins at A4 and ends at C6, KS X 1001 has
Hangul from B0 to C8).  In an alphabet, a letter has letters of the same script beside it, and case does not rise
inside a word.
Where no candidate convinces, charset-normalizer is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip

CERTAIN = 0.95
CONVINCING = 0.75
"""Shares of plausible characters from which the first candidate, and the best one, is taken (judgement: see
tests/speech/test_subtitle_encodings.py)."""

ENOUGH = 16
"""Characters from which it may be said that a text is Korean: fewer Chinese ones may all be in the same rows."""

MOST_BAD_UTF8 = 0.1
"""UTF-8 with at most this share of broken characters among those that are not ASCII is damaged UTF-8."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the encoding it was in, and how many characters could not be decoded (they are U+FFFD)."""

    text: str
    encoding: str
    n_broken: int = 0


def decode_text(data: bytes) -> Decoded:
    """The text of a file in whichever encoding; never fails, ``n_broken`` says what was lost."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :] if encoding == "utf-8" else data, encoding)
    wide = _utf16_without_mark(data)
    if wide:
        return _decoded(data, wide)
    try:
        return _once_decoded(data.decode("utf-8"))
    except UnicodeDecodeError:
        damaged = data.decode("utf-8", "replace")
    n_broken, n_whole = damaged.count("\ufffd"), sum(ord(c) > 127 and c != "\ufffd" for c in damaged)
    if n_broken <= MOST_BAD_UTF8 * n_whole:
        return Decoded(damaged, "utf-8", n_broken)
    return _decoded(data, _code_page(data))


_TWICE = re.compile(r"[ÃÂ][\x80-\xff]|â€|ã€|ä¸|å[\x80-\xff]")


def _once_decoded(text: str) -> Decoded:
    """UTF-8 that somebody took for cp1252 and wrote as UTF-8 again is taken back; no other text survives that."""
    if _TWICE.search(text):
        for wrong in ("cp1252", "latin-1"):
            try:
                return Decoded(text.encode(wrong).decode("utf-8"), f"utf-8 as {wrong}")
            except UnicodeError:
                continue
    return Decoded(text, "utf-8")


def _decoded(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, text.count("\ufffd"))


def _utf16_without_mark(data: bytes) -> str | None:
    """Times and line ends are ASCII in every subtitle file: in UTF-16 each brings a NUL, always on the same side."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) < max(2, len(data) // 20) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _code_page(data: bytes) -> str:
    """The first of the candidates that leaves no doubt, else the most plausible, if it convinces."""
    scores = [(name, score(data)) for name, score in CANDIDATES]
    if certain := next((name for name, score in scores if score >= CERTAIN), None):
        return certain
    name, best = max(scores, key=lambda found: found[1])
    return name if best >= CONVINCING else _asked_further(data, name)


def _asked_further(data: bytes, otherwise: str) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return otherwise if best is None else str(best.encoding)


def _pairs(data: bytes, encoding: str) -> list[Pair] | None:
    """The two-byte characters of ``data``; None where it is not in ``encoding`` at all."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    coded = [c.encode(encoding) for c in text if ord(c) > 127]
    return [(c[0], c[1]) if len(c) == 2 else (0, 0) for c in coded]


def _double_byte(encoding: str, weight: Callable[[int, int], float], least: int = 1) -> Callable[[bytes], float]:
    def score(data: bytes) -> float:
        pairs = _pairs(data, encoding)
        if not pairs or len(pairs) < least:
            return 0.0
        return sum(weight(*pair) for pair in pairs) / len(pairs)

    return score


def _gb18030(lead: int, trail: int) -> float:
    if trail < 0xA1 or lead < 0xA1:
        return 0.0
    if lead <= 0xA3 or 0xB0 <= lead <= 0xD7:
        return 1.0
    return 0.4 if lead >= 0xD8 else 0.1


def _big5(lead: int, trail: int) -> float:
    return 1.0 if 0xA1 <= lead <= 0xC6 else 0.4 if 0xC9 <= lead <= 0xF9 else 0.0


def _shift_jis(lead: int, trail: int) -> float:
    if lead in (0x81, 0x82, 0x83):
        return 1.0
    return 0.9 if 0x88 <= lead <= 0x97 else 0.2 if lead else 0.1


def _euc_jp(lead: int, trail: int) -> float:
    if 0xA1 <= lead <= 0xA5:
        return 1.0
    return 0.9 if 0xB0 <= lead <= 0xCF else 0.2


def _euc_kr(lead: int, trail: int) -> float:
    if trail < 0xA1:
        return 0.2
    return 1.0 if 0xB0 <= lead <= 0xC8 or lead in (0xA1, 0xA3) else 0.1


def _kana_share(encoding: str, score: Callable[[bytes], float]) -> Callable[[bytes], float]:
    """Japanese is written with kana; a text of Chinese characters alone is Chinese in another encoding."""

    def with_kana(data: bytes) -> float:
        merit = score(data)
        if not merit:
            return 0.0
        text = [c for c in data.decode(encoding) if ord(c) > 127 and c.isalpha()]
        kana = sum("\u3040" <= c <= "\u30ff" for c in text)
        return merit if kana >= 0.25 * len(text) else merit / 2

    return with_kana


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MARKS = frozenset("‘’“”–—…«»¿¡°·•™©®£€§×÷½¼¾¢¥ªº\u00a0♪")
_NOT_INSIDE = frozenset("“”«»‚„‹›¿¡")


def _alphabet(encoding: str, script: str) -> Callable[[bytes], float]:
    """Share of the characters beyond ASCII that are plausible: usual marks, and letters of words that are plausible."""

    def score(data: bytes) -> float:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            return 0.0
        n_foreign = sum(ord(c) > 127 for c in text)
        good = sum(c in _MARKS for c in text) - len(re.findall(rf"(?<=\w)[{''.join(_NOT_INSIDE)}](?=\w)", text))
        for match in _WORD.finditer(text):
            if _plausible_word(match[0], script):
                good += sum(ord(c) > 127 and c.isalpha() for c in match[0])
        return good / n_foreign if n_foreign else 0.0

    return score


def _plausible_word(word: str, script: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    foreign = [c for c in letters if ord(c) > 127]
    rises = any(a.islower() and b.isupper() for a, b in pairwise(letters) if ord(b) > 127)
    if rises or any(script not in unicodedata.name(c, "") for c in foreign):
        return False
    ascii_letters = len(letters) - len(foreign)
    return len(foreign) <= max(4, ascii_letters) if script == "LATIN" else ascii_letters == 0


CANDIDATES: tuple[tuple[str, Callable[[bytes], float]], ...] = (
    ("cp949", _double_byte("cp949", _euc_kr, ENOUGH)),
    ("euc_jp", _kana_share("euc_jp", _double_byte("euc_jp", _euc_jp))),
    ("cp932", _kana_share("cp932", _double_byte("cp932", _shift_jis))),
    ("gb18030", _double_byte("gb18030", _gb18030)),
    ("big5hkscs", _double_byte("big5hkscs", _big5)),
    ("cp1252", _alphabet("cp1252", "LATIN")),
    ("mac_roman", _alphabet("mac_roman", "LATIN")),
    ("cp850", _alphabet("cp850", "LATIN")),
    ("cp1250", _alphabet("cp1250", "LATIN")),
    ("cp1251", _alphabet("cp1251", "CYRILLIC")),
    ("koi8_r", _alphabet("koi8_r", "CYRILLIC")),
    ("cp1253", _alphabet("cp1253", "GREEK")),
)
"""Encodings and their scores (0 to 1), of equal scores the first."""
