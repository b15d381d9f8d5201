"""Captions that roll: each cue shows again what already stands on the screen, and adds a line or a few words.

Video sites write them for live and automatic captions: every line comes two or three times, in cues of 10 ms between.
A file is taken to roll where most of its cues begin with words that the cue before them ends with, and follow it
without a gap.  Then a cue keeps only the words that it adds.  In a film people repeat each other too, but rarely, and
never in most cues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ver_pipeline.transcribers.subtitles.layout import Cue

TOUCH_S = 0.25
"""Cues that roll follow each other without a gap."""
LEAST_WORDS = 2
"""Shorter repetitions are what people say (No. - No.)."""
FLASH_S = 0.1
"""Nobody reads, and nobody says, a cue this short: it only moves lines up."""
HELD_WORDS, HELD_GAP_S = 3, 0.05
MOST_WORDS = 200
"""More does not stand on a screen."""
ROLLS_SHARE = 0.5
LEAST_PAIRS = 2


def unrolled(cues: Sequence[Cue], texts: Sequence[str]) -> tuple[list[Cue], int]:
    """Cues without what they repeat, and how many were nothing but repetition.

    Args:
        cues: in order of time.
        texts: what is read of each, without markup, in lines.
    """
    words = [_words(text) for text in texts]
    repeats = [0, *(_repeated(words[i - 1], words[i]) if _touch(cues[i - 1], cues[i]) else 0
                    for i in range(1, len(cues)))]  # fmt: skip
    evidence = sum(n >= LEAST_WORDS or (n > 0 and _flashes(cues, i)) for i, n in enumerate(repeats))
    touching = sum(_touch(a, b) for a, b in pairwise(cues))
    if evidence < LEAST_PAIRS or evidence < ROLLS_SHARE * touching:
        return [replace(cue, text=text) for cue, text in zip(cues, texts, strict=True)], 0
    kept, dropped = [], 0
    for cue, text, n in zip(cues, texts, repeats, strict=True):
        rest = _without_first(text, n)
        if rest.strip():
            kept.append(replace(cue, text=rest))
        else:
            dropped += 1
    return kept, dropped


def _touch(before: Cue, cue: Cue) -> bool:
    return before.start_s <= cue.start_s <= before.end_s + TOUCH_S


def _flashes(cues: Sequence[Cue], i: int) -> bool:
    return any(cue.end_s - cue.start_s <= FLASH_S for cue in cues[max(0, i - 1) : i + 1])


def _words(text: str) -> list[str]:
    """The words of a text as they are compared: each Chinese character is one."""
    words: list[str] = []
    for word in text.lower().split():
        if any(ord(c) >= 0x2E80 for c in word):
            words.extend(word)
        else:
            words.append("".join(c for c in word if c.isalnum()) or word)
    return words


def held(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Cues of one sentence that go on in the next, for a shot change, as one; and how many were joined.

    Only whole sentences without a gap: what people say twice has one, or is short.
    """
    joined: list[Cue] = []
    for cue in cues:
        last = joined[-1] if joined else None
        same = last is not None and last.text == cue.text and len(_words(cue.text)) >= HELD_WORDS
        if last is not None and same and last.style == cue.style and abs(cue.start_s - last.end_s) <= HELD_GAP_S:
            joined[-1] = replace(last, end_s=max(last.end_s, cue.end_s))
        else:
            joined.append(cue)
    return joined, len(cues) - len(joined)


def _repeated(before: Sequence[str], here: Sequence[str]) -> int:
    """With how many of its last words, at most, ``here`` begins again."""
    for n in range(min(len(before), len(here), MOST_WORDS), 0, -1):
        if list(before[-n:]) == list(here[:n]):
            return n
    return 0


def _without_first(text: str, n: int) -> str:
    """The text without its first ``n`` words as :func:`_words` counts them; its lines stay lines."""
    left, lines = n, []
    for line in text.split("\n"):
        rest = line
        while left and rest.strip():
            rest = rest.lstrip()
            word = rest.split(maxsplit=1)[0]
            if any(ord(c) >= 0x2E80 for c in word):
                word = word[0]
            rest, left = rest[len(word) :], left - 1
        lines.append(rest.strip())
    return "\n".join(line for line in lines if line)
