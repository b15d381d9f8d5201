"""Cut a video's transcript to one clip: a pure function, so that nothing of the speech is lost or doubled.

A word belongs to the clip that holds its midpoint.  Adjacent clips ``[a, b)`` and ``[b, c)`` therefore
share no word and lose none, whatever the cut does to the word's edges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Transcript = dict[str, Any]

MIXED_SHARE = 0.15
"""A second language with at least this share of the characters makes the clip's language ``mixed``."""

MIXED_WORDS = 2
"""So many words or characters of another script make a sentence of both languages."""

NO_RECOGNISER = {"engine": "none", "model": "none", "revision": "none"}

_EITHER_SCRIPT = "“”‘’—…·"

_WIDE = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x323AF))


def is_wide(char: str) -> bool:
    """Whether ``char`` is a Chinese character or full-width sign, which takes no space beside it."""
    return any(low <= ord(char) <= high for low, high in _WIDE)


def join_words(words: Iterable[str], heard: str = "", before: Iterable[str] = ()) -> str:
    """Join stripped words, spaced as they stand in ``heard``, the text they were taken from.

    Where ``heard`` does not tell: a space between two words unless a Chinese character or sign touches the gap.
    This is the one place where words and segments become text.

    Args:
        before: the words of ``heard`` that come before these.
    """
    at = 0
    for word in before:
        place = heard.find(word, at)
        at = at if place < 0 else place + len(word)
    text = ""
    for word in filter(None, words):
        place = heard.find(word, at)
        gap = heard[at:place] if place >= 0 else None
        if text:
            text += gap if gap is not None and not gap.strip() else " " * takes_space(text, word)
        text += word
        at = at if place < 0 else place + len(word)
    return text


def takes_space(left: str, right: str) -> bool:
    """Whether two pieces of text that nobody heard together are written apart: not where one of them is Chinese."""
    return not (is_wide(edge(left, last=True)) or is_wide(edge(right)))


def edge(text: str, *, last: bool = False) -> str:
    """The first (``last``: the last) character that tells the script; quotation marks, dashes and dots of both scripts
    do not.  The outermost one where none does."""
    order = text[::-1] if last else text
    return next((char for char in order if char not in _EITHER_SCRIPT), order[0])


def slice_speech(transcript: Transcript, start_s: float, end_s: float, late_s: float = 0.0) -> dict[str, Any]:
    """The speech of the span ``[start_s, end_s)`` of source time as a ``record.Speech`` dict in clip time.

    Guarantees: every word whose midpoint lies in the span is there, in order, with its times clamped to
    the span; a segment that lies whole in the span keeps its exact text, one that was cut holds the words
    that belong here; a segment without word times goes whole to the clip that holds its midpoint, and so does what
    was discarded.

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
        "discarded": [
            {**d, **_clamp(d, start_s, duration_s)}
            for d in transcript.get("discarded", ())
            if start_s <= _middle(d) < last_s
        ],
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
        before = 0 if whole else next(i for i, w in enumerate(its_words) if id(w) in kept_ids)
        pauses.append(
            {
                "start_s": segment["start_s"] if whole else here[0]["start_s"],
                "end_s": segment["end_s"] if whole else here[-1]["end_s"],
                "text": segment["text"] if whole else _cut_text(segment["text"], its_words[:before], here),
                "language": segment["language"],
                "avg_logprob": segment.get("avg_logprob"),
                "no_speech_prob": segment.get("no_speech_prob"),
                "doubt": segment.get("doubt"),
            }
        )
    return sorted(pauses, key=lambda segment: float(segment["start_s"]))  # speakers overlap


def _cut_text(text: str, before: Sequence[dict[str, Any]], kept: Sequence[dict[str, Any]]) -> str:
    return join_words((w["word"] for w in kept), text, (w["word"] for w in before))


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
    """The language of the span by characters said; ``mixed`` where a second one has a real share, be it in segments of
    its own or inside a sentence of the other (English words in Chinese, Chinese in English; one alone is a name)."""
    weight: dict[str, int] = {}
    inside = {"en": sum(_n_latin_words(s["text"]) for s in segments if s["language"] == "zh") >= MIXED_WORDS}
    inside["zh"] = sum(map(is_wide, "".join(s["text"] for s in segments if s["language"] == "en"))) >= MIXED_WORDS
    for segment in segments:
        own = segment["language"]
        other = {"zh": "en", "en": "zh"}.get(own)
        for char in segment["text"]:
            # A Chinese character carries about what a short English word does: weigh it as three letters.
            foreign = char.isalpha() and is_wide(char) != (own == "zh")
            name = other if other and foreign and inside[other] else own
            weight[name] = weight.get(name, 0) + (3 if is_wide(char) else 1)
    if not weight:
        return "und"
    best, *others = sorted(weight, key=lambda name: (-weight[name], name))
    second = weight[others[0]] if others else 0
    return "mixed" if second >= MIXED_SHARE * sum(weight.values()) and second > 0 else best


def _n_latin_words(text: str) -> int:
    return len(re.findall(r"[A-Za-z][A-Za-z'’]*[a-z]", text))


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
