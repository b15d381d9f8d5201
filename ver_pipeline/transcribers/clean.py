"""Make recognised words fit for the record: one script, Chinese punctuation, no stutter, nothing invented."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from ver_pipeline.timeline.transcript import is_wide, join_words
from ver_pipeline.transcribers import tokens
from ver_pipeline.transcribers.base import Discarded, TranscriptSegment, TranscriptWord
from ver_pipeline.transcribers.doubt import Doubt, judge
from ver_pipeline.transcribers.invented import find_invented

MAX_REPEATS = 4
"""A phrase said more often than this in a row is the recogniser stuck in a loop."""
MAX_PHRASE_WORDS = 8
_FULL_WIDTH = str.maketrans({",": "，", "?": "？", "!": "！", ":": "：", ";": "；"})


def clean_segment(
    segment: TranscriptSegment, simplify: Callable[[str], str], check_rate: bool = True
) -> TranscriptSegment | None:
    """The segment with its words merged, repeated phrases cut, scripts unified; None when nothing of it was said.

    ``check_rate=False`` keeps text that is too fast to be true or invented, for text that is not a recogniser's.

    Guarantees: no empty word, word times ordered inside the segment, text equal to the words joined with the spaces
    that were heard, Unicode NFC, Chinese in simplified characters with full-width punctuation.
    """
    if check_rate:
        kept, _ = sift([segment], simplify)
        return kept[0] if kept else None
    words = tokens.merge(tokens.as_spaced(segment.words, segment.text))
    tidied = [replace(w, word=tokens.lead(w.word) + _tidy(w.word, segment.language, simplify)) for w in words]
    spaced = cut_loops([w for w in tidied if w.word.strip()])
    text = tokens.join(w.word for w in spaced) if segment.words else _tidy(segment.text, segment.language, simplify)
    words = _ordered([replace(w, word=w.word.strip()) for w in spaced], segment)
    cleaned = replace(segment, text=text, words=tuple(words))
    if words:
        cleaned = replace(cleaned, start_s=words[0].start_s, end_s=words[-1].end_s)
    return cleaned if text else None


def sift(
    segments: Sequence[TranscriptSegment],
    simplify: Callable[[str], str],
    language_prob: float | None = None,
    check_rate: bool = True,
) -> tuple[list[TranscriptSegment], list[Discarded]]:
    """Segments that were heard one after the other, judged, marked and cleaned, and what of them nobody said.

    Invented phrases are found also where they go over from one segment into the next.

    Args:
        language_prob: of their language, as ``doubt.judge`` takes it.
        check_rate: False where bad alignment may squeeze words together; that is no reason to lose them.
    """
    cleaned: list[TranscriptSegment] = []
    discarded: list[Discarded] = []
    for raw in segments:
        verdict = judge(raw, language_prob, check_rate)
        doubt = verdict.doubt.value if verdict.doubt else None
        tidied = clean_segment(replace(raw, doubt=doubt), simplify, check_rate=False)
        if tidied and verdict.kept:
            cleaned.append(tidied)
        elif tidied and doubt:
            discarded.append(Discarded(raw.start_s, raw.end_s, raw.language, tidied.text, doubt))
    words = [word for segment in cleaned for word in segment.words]
    no_speech = max((s.no_speech_prob or 0.0 for s in cleaned), default=0.0)
    phrases = find_invented(words, no_speech)
    gone = {number for phrase in phrases for number in range(phrase.first, phrase.stop)}
    kept, at = [], 0
    for segment in cleaned:
        numbers = range(at, at + len(segment.words))
        at += len(segment.words)
        rest = [word for number, word in zip(numbers, segment.words, strict=True) if number not in gone]
        if len(rest) == len(segment.words):
            kept.append(segment)
        elif rest:
            text = join_words((w.word for w in rest), segment.text)
            kept.append(replace(segment, text=text, words=tuple(rest), start_s=rest[0].start_s, end_s=rest[-1].end_s))
    discarded += [_invented(words[phrase.first : phrase.stop], cleaned[0].language) for phrase in phrases]
    return kept, sorted(discarded, key=lambda one: one.start_s)


def _invented(words: Sequence[TranscriptWord], language: str) -> Discarded:
    text = join_words(w.word for w in words)
    return Discarded(words[0].start_s, words[-1].end_s, language, text, Doubt.INVENTED.value)


def cut_loops(words: Sequence[TranscriptWord]) -> list[TranscriptWord]:
    """Keep one of a phrase of up to ``MAX_PHRASE_WORDS`` words that is repeated over ``MAX_REPEATS`` times."""
    cleaned_words = list(words)
    for size in range(1, MAX_PHRASE_WORDS + 1):
        start = 0
        while start + size <= len(cleaned_words):
            phrase = [_plain(w.word) for w in cleaned_words[start : start + size]]
            times = 1
            while [_plain(w.word) for w in cleaned_words[start + times * size : start + (times + 1) * size]] == phrase:
                times += 1
            if times > MAX_REPEATS:
                del cleaned_words[start + size : start + times * size]
            start += 1
    return cleaned_words


def simplifier() -> Callable[[str], str]:
    """Traditional to simplified Chinese, by OpenCC's tables."""
    from opencc import OpenCC

    convert = OpenCC("t2s").convert
    return lambda text: str(convert(text))


def _tidy(text: str, language: str, simplify: Callable[[str], str]) -> str:
    text = unicodedata.normalize("NFC", text).replace("\ufffd", "").strip()
    text = "".join(c for c in text if c == " " or unicodedata.category(c)[0] != "C")
    if language != "zh" or not any(is_wide(c) for c in text):
        return text
    text = re.sub(r"(?<=[\u4e00-\u9fff])[,?!:;]", lambda m: m[0].translate(_FULL_WIDTH), simplify(text))
    return re.sub(r"(?<=[\u4e00-\u9fff])\.+$", "。", text)


def _ordered(words: Sequence[TranscriptWord], segment: TranscriptSegment) -> list[TranscriptWord]:
    now_s, ordered = segment.start_s, []
    for word in words:
        start_s = max(word.start_s, now_s)
        end_s = max(word.end_s, start_s)
        ordered.append(replace(word, start_s=start_s, end_s=end_s))
        now_s = start_s
    return ordered


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
