"""Spoken lines as timed words in one language.

A cue tells when it is shown, not when each word is said: words are spread over it by their length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from ver_pipeline.timeline.transcript import is_wide, join_words
from ver_pipeline.transcribers.base import TranscriptWord

_FULL_WIDTH = str.maketrans({",": "，", "?": "？", "!": "！", ":": "：", ";": "；"})


ENOUGH_WORDS = 15
LEAST_ENGLISH = 0.1
_COMMON = """
the and to of a i you it is that in we he she they what not this for on do was with have are be my your me it's
don't i'm
"""
_ENGLISH = frozenset(_COMMON.split())


def script_of(line: str) -> str:
    """``zh`` where a line has as many Chinese characters as words of Latin letters, else ``en``; kana and Hangul
    are ``ja`` and ``ko``."""
    wide = sum(is_wide(c) and c.isalnum() for c in line)
    if any("\u3040" <= c <= "\u30ff" for c in line):
        return "ja"
    if sum("\uac00" <= c <= "\ud7a3" for c in line) > wide:
        return "ko"
    return "zh" if wide and wide >= len(re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", _without_wide(line))) else "en"


def latin_language(lines: Sequence[str]) -> str:
    """``en`` where lines in Latin letters hold as many of the commonest English words as English does, or are too few
    to say; else ``und``.  (About a third of spoken English is these words; of French or German hardly any.)"""
    words = [word for line in lines for word in re.findall(r"[a-z]+(?:['’][a-z]+)?", line.lower())]
    common = sum(word in _ENGLISH for word in words)
    return "und" if len(words) >= ENOUGH_WORDS and common < LEAST_ENGLISH * len(words) else "en"


def spoken_line(lines: Sequence[str], told: str | None, latin: str = "en") -> tuple[str, str, list[str]]:
    """The text of a cue, its language, and the lines that were left out.

    Where a cue shows the same sentence in two scripts, the line in the told language is taken, else the first; lines
    in one script are one sentence.

    Args:
        latin: the language of lines in Latin letters where none is told that is written in them.
    """
    if not lines:
        return "", told or "und", []
    scripts = [script_of(line) for line in lines]
    alphabet = told if told not in (None, "zh", "ja", "ko") else latin
    names = [alphabet if script == "en" else script for script in scripts]
    wanted = told if told in names else names[0]
    chosen = [line for line, name in zip(lines, names, strict=True) if name == wanted]
    left = [line for line, name in zip(lines, names, strict=True) if name != wanted]
    return join_words(chosen), str(wanted), left


def tidy(text: str, simplify: Callable[[str], str]) -> str:
    """NFC, no control or invisible characters; Chinese in simplified characters with full-width signs."""
    text = unicodedata.normalize("NFC", text).replace("\ufffd", "").strip()
    text = "".join(c for c in text if c == " " or unicodedata.category(c)[0] != "C")
    if not any(is_wide(c) for c in text) or any("\u3040" <= c <= "\u30ff" for c in text):
        return text
    text = re.sub(r"(?<=[\u4e00-\u9fff])[,?!:;]", lambda m: m[0].translate(_FULL_WIDTH), simplify(text))
    return re.sub(r"(?<=[\u4e00-\u9fff])\.$", "。", text)


def split_words(text: str) -> list[str]:
    """Latin words as they stand; each Chinese character alone, with the signs that follow it."""
    words: list[str] = []
    for chunk in text.split():
        fresh = True
        for char in chunk:
            alone = is_wide(char) and char.isalnum()
            if alone or fresh or (char.isalnum() and is_wide(words[-1][0])):
                words.append(char)
            else:
                words[-1] += char
            fresh = False
    return words


def spread_words(words: Sequence[str], start_s: float, end_s: float) -> tuple[TranscriptWord, ...]:
    """Give each word a share of the cue in proportion to its letters (a sign counts as one).

    Words keep a leading space, as recognisers write them, so that none is glued to the one before.
    """
    total = sum(len(word) for word in words)
    done, spread = 0, []
    for word in words:
        begin_s = start_s + (end_s - start_s) * done / total
        done += len(word)
        spread.append(TranscriptWord(f" {word}", begin_s, start_s + (end_s - start_s) * done / total, 1.0))
    return tuple(spread)


def _without_wide(line: str) -> str:
    return "".join(" " if is_wide(c) else c for c in line)
