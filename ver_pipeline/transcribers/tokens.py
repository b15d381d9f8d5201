"""From a recogniser's tokens to words, spaced as the recogniser spaced them.

Whisper writes ``" well", "-", "known"``: a token without a leading space goes on with the word before it.  Only beside
a Chinese character does such a token begin a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ver_pipeline.timeline.transcript import edge, is_wide
from ver_pipeline.transcribers.base import TranscriptSegment, TranscriptWord

OPENING = frozenset("《〈「『【〔（“‘([{¿¡")
"""Signs that belong to the word after them."""
MAX_REUNITED_GAP_S = 0.5
"""Parts of one word in two segments are not further apart than this."""


def lead(token: str) -> str:
    """The space that a token begins with, if it does."""
    return " " if token[:1].isspace() else ""


def as_spaced(words: Sequence[TranscriptWord], text: str) -> list[TranscriptWord]:
    """The tokens that are not empty, each with a leading space just where ``text`` has one before it; where the tokens
    do not make up ``text``, as they stand (an empty token is a space)."""
    spaced, at, own = [], 0, []
    gap = False
    for word in words:
        bare = word.word.strip()
        if not bare:
            gap = True
            continue
        own.append(replace(word, word=(" " if gap else lead(word.word)) + bare))
        gap = word.word[-1].isspace()
        place = text.find(bare, at)
        if place < 0 or text[at:place].strip():
            text = ""
            continue
        spaced.append(replace(word, word=(" " if place > at else "") + bare))
        at = place + len(bare)
    return own if not text or text[at:].strip() else spaced


def merge(words: Sequence[TranscriptWord]) -> list[TranscriptWord]:
    """Join the tokens of one word; words keep the leading space that they were heard with.

    Signs go to the word before them, opening ones to the word after.
    """
    merged: list[TranscriptWord] = []
    for word in words:
        if merged and not lead(word.word) and _goes_on(merged[-1].word, word.word):
            last = merged[-1]
            merged[-1] = replace(last, word=last.word + word.word, end_s=word.end_s, prob=min(last.prob, word.prob))
        else:
            merged.append(word)
    return merged


def join(words: Iterable[str]) -> str:
    """The text of words that keep their leading spaces.  No space stands between two Chinese characters, or beside a
    full-width sign."""
    text = ""
    for word in words:
        bare = word.strip()
        if text and bare and lead(word) and not _closed_up(text[-1], bare[0]):
            text += " "
        text += bare
    return text


def reunite(segments: Sequence[TranscriptSegment]) -> list[TranscriptSegment]:
    """Segments heard one after the other, none of which begins in the middle of a word: such a part goes to the segment
    that has the word's beginning."""
    done: list[TranscriptSegment] = []
    for segment in segments:
        words = as_spaced(segment.words, segment.text)
        while done and words and done[-1].words and _is_rest(done[-1], words[0]):
            last, rest = done[-1], words.pop(0)
            end_s = max(last.end_s, rest.end_s)
            done[-1] = replace(last, words=(*last.words, rest), text=last.text.rstrip() + rest.word, end_s=end_s)
            segment = replace(segment, start_s=rest.end_s, text="".join(w.word for w in words), words=tuple(words))
        if words or (not segment.words and segment.text.strip()):
            done.append(segment)
    return done


def _is_rest(before: TranscriptSegment, token: TranscriptWord) -> bool:
    last = before.words[-1]
    return (
        not lead(token.word)
        and not last.word[-1:].isspace()
        and any(c.isalnum() for c in token.word)
        and _goes_on(last.word, token.word)
        and token.start_s - last.end_s <= MAX_REUNITED_GAP_S
    )


def _goes_on(left: str, right: str) -> bool:
    """Whether ``right``, which follows ``left`` without a space, belongs to the same word."""
    left = left.strip()
    if left[-1] in OPENING:
        return True
    if not any(c.isalnum() for c in right):
        return not (right[0] in OPENING and is_wide(edge(left, last=True)))
    return not (is_wide(_letter(left[::-1])) or is_wide(_letter(right)))


def _letter(text: str) -> str:
    return next((c for c in text if c.isalnum()), text[0])


def _closed_up(left: str, right: str) -> bool:
    wide = is_wide(left), is_wide(right)
    return all(wide) or (wide[0] and not left.isalnum()) or (wide[1] and not right.isalnum())
