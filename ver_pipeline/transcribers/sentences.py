"""A run of words as segments of about a sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ver_pipeline.timeline.transcript import join_words
from ver_pipeline.transcribers.base import TranscriptSegment, TranscriptWord
from ver_pipeline.transcribers.doubt import judge

PAUSE_S = 0.8
"""A pause of this length ends a segment."""
MAX_SEGMENT_S = 15.0
_ENDS = (".", "?", "!", "。", "？", "！", "…")
_CLOSING = "\"'”’)]）」』》"
_TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs.", "no."})


def sentences(segment: TranscriptSegment) -> list[TranscriptSegment]:
    """The segment divided where a sentence ends or somebody pauses, each part with the figures of its own words; a part
    that is doubtful by itself is marked."""
    if not segment.words:
        return [segment]
    done, before = [], 0
    for words in _groups(segment.words):
        text = join_words((w.word for w in words), segment.text, (w.word for w in segment.words[:before]))
        before += len(words)
        logprob = sum(math.log(max(w.prob, 1e-6)) for w in words) / len(words)
        sentence = replace(segment, start_s=words[0].start_s, end_s=words[-1].end_s, text=text, words=tuple(words))
        sentence = replace(sentence, avg_logprob=logprob)
        own = judge(sentence).doubt
        done.append(replace(sentence, doubt=segment.doubt or (own.value if own else None)))
    return done


def _groups(words: Sequence[TranscriptWord]) -> list[list[TranscriptWord]]:
    groups: list[list[TranscriptWord]] = []
    for word in words:
        last = groups[-1] if groups else None
        if (
            last
            and not _ends_sentence(last[-1].word)
            and word.start_s - last[-1].end_s < PAUSE_S
            and word.end_s - last[0].start_s <= MAX_SEGMENT_S
        ):
            last.append(word)
        else:
            groups.append([word])
    return groups


def _ends_sentence(word: str) -> bool:
    return word.rstrip(_CLOSING).endswith(_ENDS) and word.lower() not in _TITLES
