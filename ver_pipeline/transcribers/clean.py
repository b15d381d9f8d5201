"""Make recognised words fit for the record: one script, Chinese punctuation, no stutter, nothing invented."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from ver_pipeline.timeline.transcript import is_wide
from ver_pipeline.transcribers import tokens
from ver_pipeline.transcribers.base import TranscriptSegment, TranscriptWord

MAX_REPEATS = 4
"""A phrase said more often than this in a row is the recogniser stuck in a loop."""
MAX_PHRASE_WORDS = 8
MAX_SIGNS_PER_S = {"zh": 14.0}
MAX_SIGNS_PER_S_ELSE = 40.0
"""Faster than anybody speaks (rapid speech: about 8 Chinese characters or 25 Latin letters a second)."""
MIN_INVENTED_PROB = 0.75

INVENTED = frozenset(
    {
        "thankyouforwatching", "thanksforwatching", "pleasesubscribe", "subtitlesbytheamaraorgcommunity",
        "感谢观看", "谢谢观看", "请订阅", "字幕志愿者", "字幕由amaraorg社区提供",
        "请不吝点赞订阅转发打赏支持明镜与点点栏目",
    }
)  # fmt: skip
"""What Whisper writes over music and noise, having learnt from captions; dropped unless clearly said."""

_FULL_WIDTH = str.maketrans({",": "，", "?": "？", "!": "！", ":": "：", ";": "；"})


def clean_segment(
    segment: TranscriptSegment, simplify: Callable[[str], str], check_rate: bool = True
) -> TranscriptSegment | None:
    """The segment with its words merged, repeated phrases cut, scripts unified; None when it is invented.

    ``check_rate=False`` keeps text that is too fast to be true, for times that are not the recogniser's own.

    Guarantees: no empty word, word times ordered inside the segment, text equal to the words joined with the spaces
    that were heard, Unicode NFC, Chinese in simplified characters with full-width punctuation.
    """
    words = tokens.merge(tokens.as_spaced(segment.words, segment.text))
    tidied = [replace(w, word=tokens.lead(w.word) + _tidy(w.word, segment.language, simplify)) for w in words]
    spaced = cut_loops([w for w in tidied if w.word.strip()])
    text = tokens.join(w.word for w in spaced) if segment.words else _tidy(segment.text, segment.language, simplify)
    words = _ordered([replace(w, word=w.word.strip()) for w in spaced], segment)
    cleaned = replace(segment, text=text, words=tuple(words))
    if words:
        cleaned = replace(cleaned, start_s=words[0].start_s, end_s=words[-1].end_s)
    spoken_s = max(segment.end_s - segment.start_s, cleaned.end_s - cleaned.start_s)
    too_fast = check_rate and _is_too_fast(cleaned, spoken_s)
    return None if not text or too_fast or _is_invented(cleaned) else cleaned


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


def _is_invented(segment: TranscriptSegment) -> bool:
    if _plain(segment.text) not in INVENTED:
        return False
    probs = [w.prob for w in segment.words]
    return not probs or sum(probs) / len(probs) < MIN_INVENTED_PROB or (segment.no_speech_prob or 0) > 0.3


def _is_too_fast(segment: TranscriptSegment, spoken_s: float) -> bool:
    signs = sum(c.isalnum() for c in segment.text)
    limit = MAX_SIGNS_PER_S.get(segment.language, MAX_SIGNS_PER_S_ELSE)
    return signs > 8 and signs > limit * spoken_s


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
