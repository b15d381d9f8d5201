"""Phrases that a recogniser writes over music, noise and silence, found in any part of what it wrote.

Whisper has learnt from the captions of videos, credits and thanks included.  The phrases stand in ``invented.yaml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import yaml

from ver_pipeline.timeline.transcript import is_wide
from ver_pipeline.transcribers.base import TranscriptWord

CLEAR_PROB = 0.75
"""Words of less mean probability are doubtful."""
CLEAR_NO_SPEECH = 0.3
"""Above this somebody may not be speaking at all (measured: real speech up to 0.1, humming from 0.4)."""
REST_CHARS = 48
_SENTENCE_ENDS = frozenset(".!?。！？…")
_TAIL = f"[^|]{{0,{REST_CHARS}}}"


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase among words: from the word ``first`` up to, not including, ``stop``."""

    first: int
    stop: int
    kind: str


def find_invented(words: Sequence[TranscriptWord], no_speech_prob: float | None) -> list[Found]:
    """The phrases among ``words`` that nobody said, in order; they do not overlap.

    A courtesy that is clearly heard, once, is somebody's own words.
    """
    text, at = _fold([w.word for w in words])
    candidates = [match for kind in _patterns() for match in _matches(text, at, kind)]
    unmistakable = _apart([c for c in candidates if c.kind == "unmistakable"])
    courtesies = _apart([c for c in candidates if c.kind == "courtesy"], unmistakable)
    together = sorted([*unmistakable, *courtesies], key=lambda found: found.first)
    beside = {f for pair in pairwise(together) if pair[0].stop == pair[1].first for f in pair}
    courtesies_kept = [f for f in courtesies if f in beside or _is_doubtful(words[f.first : f.stop], no_speech_prob)]
    fillers = [c for c in candidates if c.kind == "filler" and c.stop - c.first == len(words)]
    courtesies_kept += [f for f in fillers[:1] if _is_doubtful(words, no_speech_prob)]
    return sorted(_apart([*unmistakable, *courtesies_kept]), key=lambda found: found.first)


def _is_doubtful(words: Sequence[TranscriptWord], no_speech_prob: float | None) -> bool:
    mean = sum(w.prob for w in words) / len(words)
    return mean < CLEAR_PROB or (no_speech_prob or 0.0) > CLEAR_NO_SPEECH


def _matches(text: str, at: Sequence[int], kind: str) -> list[Found]:
    phrases = []
    for pattern in _patterns()[kind]:
        for match in pattern.finditer(text):
            begin, end = match.span()
            while begin < end and at[begin] < 0:
                begin += 1
            while end > begin and at[end - 1] < 0:
                end -= 1
            if begin < end and _begins_a_word(text, begin) and _ends_a_word(text, end):
                phrases.append(Found(at[begin], at[end - 1] + 1, kind))
    return phrases


def _apart(found: Sequence[Found], taken: Sequence[Found] = ()) -> list[Found]:
    """Of those that overlap the longest, none over one that is ``taken``."""
    chosen: list[Found] = []
    for phrase in sorted(found, key=lambda f: (f.first - f.stop, f.first)):
        if all(phrase.stop <= other.first or other.stop <= phrase.first for other in (*chosen, *taken)):
            chosen.append(phrase)
    return chosen


def _begins_a_word(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum() or is_wide(text[at]) or is_wide(text[at - 1])


def _ends_a_word(text: str, at: int) -> bool:
    return at == len(text) or not text[at].isalnum() or is_wide(text[at]) or is_wide(text[at - 1])


def _fold(words: Sequence[str]) -> tuple[str, list[int]]:
    """The words as the patterns see them, and for each character the word that it is of (-1: of none)."""
    text, at = "", []

    def put(sign: str, number: int) -> None:
        nonlocal text
        if sign in " |" and (not text or text[-1] in " |"):
            if sign == "|" and text.endswith(" "):
                text = text[:-1] + "|"
            return
        text += sign
        at.append(number)

    for number, word in enumerate(words):
        chars = unicodedata.normalize("NFKC", word).lower()
        for i, char in enumerate(chars):
            if char.isalnum():
                if text and is_wide(char) and text[-1] == " ":
                    text, at[:] = text[:-1], at[:-1]
                put(char, number)
            elif char in _SENTENCE_ENDS and (i + 1 == len(chars) or is_wide(chars[i + 1]) or chars[i + 1] in "\"'”’"):
                put("|", -1)
            elif char not in "'’":
                put(" ", -1)
        if text and not is_wide(text[-1]):
            put(" ", -1)
    return text.rstrip(" "), at[: len(text.rstrip(" "))]


@lru_cache(maxsize=1)
def _patterns() -> dict[str, tuple[re.Pattern[str], ...]]:
    kinds = yaml.safe_load(resources.files(__package__).joinpath("invented.yaml").read_text("utf-8"))
    alone = {"unmistakable": "", "courtesy": "(?=[|]|$)", "filler": "[|]?$"}
    begins = {"unmistakable": "", "courtesy": "(?:^|(?<=[|]))", "filler": "^"}
    return {
        kind: tuple(re.compile(begins[kind] + _compiled(line) + alone[kind]) for line in lines)
        for kind, lines in kinds.items()
    }


def _compiled(line: str) -> str:
    if line.startswith("^"):
        line = "(?:^|(?<=[|]))" + line[1:]
    if line.endswith("$"):
        line = line[:-1] + "(?=[|]|$)"
    return line.replace("~", _TAIL)
