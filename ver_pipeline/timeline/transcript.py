"""Cut a video's transcript to one clip: a pure function, so that nothing of the speech is lost or doubled.

A word belongs to the clip that holds its midpoint.  Adjacent clips ``[a, b)`` and ``[b, c)`` therefore
share no word and lose none, whatever the cut does to the word's edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

Transcript = dict[str, Any]

MIXED_SHARE = 0.15
"""A second language with at least this share of the characters makes the clip's language ``mixed``."""

NO_RECOGNISER = {"engine": "none", "model": "none", "revision": "none"}

_WIDE = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x323AF))


def is_wide(char: str) -> bool:
    """Whether ``char`` is a Chinese character or full-width sign, which takes no space beside it."""
    return any(low <= ord(char) <= high for low, high in _WIDE)


def join_words(words: Iterable[str]) -> str:
    """Join stripped words: a space between two words unless a Chinese character or sign touches the gap."""
    parts = [w for w in words if w]
    if not parts:
        return ""
    text = parts[0]
    for left, right in pairwise(parts):
        text += right if is_wide(left[-1]) or is_wide(right[0]) else f" {right}"
    return text


def slice_speech(transcript: Transcript, start_s: float, end_s: float, late_s: float = 0.0) -> dict[str, Any]:
    """The speech of the span ``[start_s, end_s)`` of source time as a ``record.Speech`` dict in clip time.

    Guarantees: every word whose midpoint lies in the span is there, in order, with its times clamped to
    the span; a segment that lies whole in the span keeps its exact text, one that was cut holds the words
    that belong here; a segment without word times goes whole to the clip that holds its midpoint.

    Args:
        late_s: what is said so long after the span belongs to it too; it stands at the span's end.
    """
    duration_s, last_s = end_s - start_s, end_s + late_s
    words = [w for w in transcript["words"] if start_s <= _middle(w) < last_s]
    segments = _segments(transcript, words, start_s, last_s)
    speech_s = sum(max(0.0, min(b, end_s) - max(a, start_s)) for a, b in transcript["speech_spans"])
    language = _language(segments)
    text = join_words(s["text"] for s in segments)
    return {
        "present": speech_s > 0 or bool(text),
        "speech_s": round(speech_s, 3),
        "language": language,
        "language_prob": _language_prob(transcript.get("language_windows", ()), language, start_s, end_s),
        "text": text,
        "text_en": text if language == "en" else None,
        "text_zh": text if language == "zh" else None,
        "segments": [{**s, **_clamp(s, start_s, duration_s)} for s in segments],
        "words": [{"word": w["word"], **_clamp(w, start_s, duration_s), "prob": round(w["prob"], 3)} for w in words],
        "onscreen": "unknown",
        "recogniser": dict(transcript.get("recogniser") or NO_RECOGNISER),
        "captions": [{**c, **_clamp(c, start_s, duration_s)} for c in _shown(transcript, start_s, end_s)],
        "subtitles": list(transcript.get("subtitles", ())),
    }


def said_around(heard: Sequence[dict[str, Any]], i: int) -> dict[str, str | None]:
    """What is said in the clips ``before`` and ``after`` the ``i``-th of a video; None where there is no such clip."""
    sides = {"before": i - 1, "after": i + 1}
    return {side: heard[at]["text"] if 0 <= at < len(heard) else None for side, at in sides.items()}


def _shown(transcript: Transcript, start_s: float, end_s: float) -> list[dict[str, Any]]:
    """The captions that are shown in the span, for however short a time."""
    return [c for c in transcript.get("captions", ()) if c["start_s"] < end_s and c["end_s"] > start_s]


def _middle(timed: dict[str, Any]) -> float:
    return (timed["start_s"] + timed["end_s"]) / 2


def _clamp(timed: dict[str, Any], offset_s: float, duration_s: float) -> dict[str, float]:
    start_s = min(max(timed["start_s"] - offset_s, 0.0), duration_s)
    end_s = min(max(timed["end_s"] - offset_s, start_s), duration_s)
    return {"start_s": round(start_s, 3), "end_s": round(end_s, 3)}


def _segments(
    transcript: Transcript, kept: Sequence[dict[str, Any]], start_s: float, end_s: float
) -> list[dict[str, Any]]:
    kept_ids = {id(w) for w in kept}
    pauses = []
    by_segment = _words_by_segment(transcript)
    for segment, its_words in zip(transcript["segments"], by_segment, strict=True):
        here = [w for w in its_words if id(w) in kept_ids]
        if its_words and not here:
            continue
        if not its_words and not start_s <= _middle(segment) < end_s:
            continue
        whole = len(here) == len(its_words)
        pauses.append(
            {
                "start_s": segment["start_s"] if whole else here[0]["start_s"],
                "end_s": segment["end_s"] if whole else here[-1]["end_s"],
                "text": segment["text"] if whole else join_words(w["word"] for w in here),
                "language": segment["language"],
                "avg_logprob": segment.get("avg_logprob"),
                "no_speech_prob": segment.get("no_speech_prob"),
            }
        )
    return sorted(pauses, key=lambda segment: float(segment["start_s"]))  # speakers overlap


def _words_by_segment(transcript: Transcript) -> list[list[dict[str, Any]]]:
    """The words of each segment: by their ``segment`` number, else by the nearest segment in time."""
    segments = transcript["segments"]
    groups: list[list[dict[str, Any]]] = [[] for _ in segments]
    for word in transcript["words"] if segments else ():
        number = word.get("segment")
        if number is None:
            middle = _middle(word)
            gaps = [max(s["start_s"] - middle, middle - s["end_s"], 0.0) for s in segments]
            number = gaps.index(min(gaps))
        groups[number].append(word)
    return groups


def _language(segments: Sequence[dict[str, Any]]) -> str:
    """The language of the span by characters said; ``mixed`` where a second one has a real share."""
    weight: dict[str, int] = {}
    for segment in segments:
        # A Chinese character carries about what a short English word does: weigh it as three letters.
        size = sum(3 if is_wide(c) else 1 for c in segment["text"])
        weight[segment["language"]] = weight.get(segment["language"], 0) + size
    if not weight:
        return "und"
    best, *others = sorted(weight, key=lambda name: (-weight[name], name))
    second = weight[others[0]] if others else 0
    return "mixed" if second >= MIXED_SHARE * sum(weight.values()) and second > 0 else best


def _language_prob(windows: Iterable[dict[str, Any]], language: str, start_s: float, end_s: float) -> float | None:
    """Mean probability of the heard language over the windows in the span, weighted by overlap."""
    if language == "und":
        return None
    total = weighted = 0.0
    for window in windows:
        overlap = min(window["end_s"], end_s) - max(window["start_s"], start_s)
        if overlap > 0 and language in (window["language"], "mixed"):
            total += overlap
            weighted += overlap * window["prob"]
    return round(weighted / total, 3) if total else None
