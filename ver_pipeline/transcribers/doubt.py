"""Whether what a recogniser wrote was said: kept, marked or discarded, and why.

The limits were set on speech, humming, tones, noise, silence, reversed speech and twelve other languages
(``python benchmarks/speech.py``), with Whisper base.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from enum import StrEnum

from ver_pipeline.transcribers.base import TranscriptSegment

SURE_LANGUAGE = 0.9
"""From this probability of its language on, among all that Whisper knows, speech is doubted by its words alone."""
LIKELY_LANGUAGE = 0.5
POSSIBLE_LANGUAGE = 0.1
"""Below it speech is in another language.  Measured: real speech from 0.36 on (short, quiet), reversed speech up to
0.77, other languages up to 0.31: between the limits the words decide."""
SURE_WORDS = 0.7
LIKELY_WORDS = 0.55
"""Mean probability that words need in a language that is not likely, and in one that is not sure.  Measured where the
language was possible: real speech 0.83, reversed speech and other languages up to 0.49."""
UNSURE_WORDS = 0.5
NO_WORDS = 0.35
"""Below it nothing was understood (measured: real speech from 0.44 on)."""
NOBODY_SPEAKS = 0.6
"""Whisper's own limit.  Measured: real speech up to 0.1, humming 0.46 to 0.75."""
MAY_BE_NOBODY = 0.35
REPETITIVE = 2.4
"""Whisper's own limit of the compression ratio: text above it goes round in circles."""
MAX_SIGNS_PER_S = {"zh": 14.0}
MAX_SIGNS_PER_S_ELSE = 40.0
"""Faster than anybody speaks (rapid speech: about 8 Chinese characters or 25 Latin letters a second)."""


class Doubt(StrEnum):
    """Why what was heard is marked or discarded."""

    OTHER_LANGUAGE = "other_language"
    NO_SPEECH = "no_speech"
    LOW_PROBABILITY = "low_probability"
    TOO_FAST = "too_fast"
    REPETITION = "repetition"
    INVENTED = "invented"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kept`` with a ``doubt`` is marked; not kept, it is discarded for that reason."""

    kept: bool
    doubt: Doubt | None = None


def judge(segment: TranscriptSegment, language_prob: float | None = None, check_rate: bool = True) -> Verdict:
    """What to make of a segment as the recogniser wrote it, before loops are cut.

    Args:
        language_prob: of the segment's language among all languages; None where it is told, not heard.
        check_rate: whether the times are fit to tell how fast it is said.
    """
    probs = word_probability(segment)
    no_speech = segment.no_speech_prob or 0.0
    repetitive = compression_ratio(segment.text) > REPETITIVE
    if check_rate and is_too_fast(segment):
        return Verdict(False, Doubt.TOO_FAST)
    if no_speech >= NOBODY_SPEAKS and (repetitive or probs is None or probs < 0.9):
        return Verdict(False, Doubt.NO_SPEECH)
    if language_prob is not None and not _is_possible(language_prob, probs, repetitive, no_speech):
        return Verdict(False, Doubt.OTHER_LANGUAGE)
    if probs is not None and probs < NO_WORDS:
        return Verdict(False, Doubt.LOW_PROBABILITY)
    if repetitive and no_speech >= MAY_BE_NOBODY:
        return Verdict(False, Doubt.REPETITION)
    if no_speech >= MAY_BE_NOBODY:
        return Verdict(True, Doubt.NO_SPEECH)
    if probs is not None and probs < UNSURE_WORDS:
        return Verdict(True, Doubt.LOW_PROBABILITY)
    return Verdict(True, Doubt.REPETITION if repetitive else None)


def _is_possible(language_prob: float, probs: float | None, repetitive: bool, no_speech: float) -> bool:
    """Whether the words speak for the language where its own probability does not."""
    if language_prob >= SURE_LANGUAGE:
        return True
    if language_prob < POSSIBLE_LANGUAGE or probs is None:
        return False
    if language_prob < LIKELY_LANGUAGE:
        return probs >= SURE_WORDS and not repetitive and no_speech < MAY_BE_NOBODY
    return probs >= LIKELY_WORDS


def word_probability(segment: TranscriptSegment) -> float | None:
    """Geometric mean of the words' probabilities, or of the tokens' (``avg_logprob``) where that is less; None without
    either."""
    known = [] if segment.avg_logprob is None else [segment.avg_logprob]
    if segment.words:
        known.append(sum(math.log(max(w.prob, 1e-6)) for w in segment.words) / len(segment.words))
    return math.exp(min(known)) if known else None


def compression_ratio(text: str) -> float:
    """Bytes of the text to bytes of it compressed, as Whisper measures repetition."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def is_too_fast(segment: TranscriptSegment) -> bool:
    """Whether nobody could have said so much in so short a time."""
    spoken_s = max(
        segment.end_s - segment.start_s, segment.words[-1].end_s - segment.words[0].start_s if segment.words else 0.0
    )
    signs = sum(c.isalnum() for c in segment.text)
    return signs > 8 and signs > MAX_SIGNS_PER_S.get(segment.language, MAX_SIGNS_PER_S_ELSE) * spoken_s
