"""Who says which word, and the turns of a talk: pure functions of a transcript and of the voices heard in a video.

A voice is ``{"speaker", "start_s", "end_s"}`` in source time; ``speaker`` is a name within the video (``S1``) or None
where somebody is heard and too little of them to tell who.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.timeline.transcript import join_words

Row = dict[str, Any]

MOSTLY = 0.5
"""A word is said by the one who speaks during this share of it; two who do both leave it without a speaker."""
NEAR_S = 0.3
"""A word beside all voices belongs to the nearest one that is no further away: recognisers' times are that coarse."""
PAUSE_S = 1.0
"""Who pauses for no longer, and is not answered meanwhile, goes on with the same turn."""
SUNG_S = 1.5
"""Singing shorter than this is not believed: synthetic speech was heard as 0.7 s of it."""
LEAST_S = 0.1
"""What a clip holds of a turn without words, if it is less than this, is left out."""


def tell_speakers(transcript: Mapping[str, Any], voices: Sequence[Mapping[str, Any]]) -> Row:
    """The transcript with ``speaker`` on every word and segment: None where nobody, or more than one, says it."""
    near = _Near(voices)
    words = [{**word, "speaker": _speaker(word, near.to(word))} for word in transcript["words"]]
    said: dict[Any, list[str | None]] = {}
    for word in words:
        said.setdefault(word.get("segment"), []).append(word["speaker"])
    segments = []
    for number, segment in enumerate(transcript["segments"]):
        who = set(said.get(number, ())) or {_speaker(segment, near.to(segment))}
        segments.append({**segment, "speaker": who.pop() if len(who) == 1 else None})
    return {**transcript, "words": words, "segments": segments}


class _Near:
    """Voices by the stretches of time that they touch, so that a long video is not gone through for every word."""

    STRETCH_S = 10.0

    def __init__(self, voices: Sequence[Mapping[str, Any]]) -> None:
        self._by_stretch: dict[int, list[int]] = {}
        self._voices = voices
        for i, voice in enumerate(voices):
            for stretch in self._stretches(voice["start_s"] - NEAR_S, voice["end_s"] + NEAR_S):
                self._by_stretch.setdefault(stretch, []).append(i)

    def to(self, said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The voices in the stretches of a word or segment."""
        near = {i for k in self._stretches(said["start_s"], said["end_s"]) for i in self._by_stretch.get(k, ())}
        return [self._voices[i] for i in sorted(near)]

    def _stretches(self, start_s: float, end_s: float) -> range:
        return range(int(start_s // self.STRETCH_S), int(end_s // self.STRETCH_S) + 1)


def _speaker(said: Mapping[str, Any], voices: Sequence[Mapping[str, Any]]) -> str | None:
    start_s, end_s = float(said["start_s"]), float(said["end_s"])
    spoken: dict[str | None, float] = {}
    near: list[tuple[float, str | None]] = []
    for voice in voices:
        apart_s = max(voice["start_s"] - end_s, start_s - voice["end_s"], 0.0)
        if apart_s <= NEAR_S:
            near.append((apart_s, voice["speaker"]))
        both_s = min(end_s, voice["end_s"]) - max(start_s, voice["start_s"])
        if both_s > 0:
            spoken[voice["speaker"]] = spoken.get(voice["speaker"], 0.0) + both_s
    if not spoken:
        nearest_s = min((apart_s for apart_s, _ in near), default=0.0)
        nearest = [speaker for apart_s, speaker in near if apart_s == nearest_s]
        return nearest[0] if len(set(nearest)) == 1 else None
    most = [speaker for speaker, both_s in spoken.items() if both_s >= MOSTLY * (end_s - start_s)]
    if len(most) > 1:
        return None
    return most[0] if most else max(spoken, key=lambda speaker: spoken[speaker])


def unsung(voices: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The voices without those that mostly sing: within ``singing`` of at least ``SUNG_S``, outside of ``speech``."""
    sung = [
        (e["start_s"], e["end_s"]) for e in events if e["kind"] == "singing" and e["end_s"] - e["start_s"] >= SUNG_S
    ]
    said = _joined([(e["start_s"], e["end_s"]) for e in events if e["kind"] == "speech"])
    turns_kept = []
    for voice in voices:
        singing_s = _within_s(voice, _joined(sung))
        if singing_s < MOSTLY * (voice["end_s"] - voice["start_s"]) or singing_s <= _within_s(voice, said):
            turns_kept.append(voice)
    return turns_kept


def slice_events(events: Sequence[Mapping[str, Any]], start_s: float, end_s: float) -> list[Row]:
    """What of the events lies in the span ``[start_s, end_s)``, in clip time."""
    cuts = []
    for event in events:
        first_s, last_s = max(event["start_s"], start_s) - start_s, min(event["end_s"], end_s) - start_s
        if last_s - first_s >= LEAST_S:
            cuts.append({"kind": event["kind"], "start_s": round(first_s, 3), "end_s": round(last_s, 3)})
    return cuts


def _within_s(voice: Mapping[str, Any], spans: Sequence[tuple[float, float]]) -> float:
    return sum(max(0.0, min(voice["end_s"], b) - max(voice["start_s"], a)) for a, b in spans)


def turns_of(voices: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Turns in source time, in order of their beginning.

    Voices of one speaker are one turn across short pauses, and across what another says meanwhile.
    """
    turns: list[Row] = []
    for voice in sorted(voices, key=lambda v: (v["start_s"], v["end_s"], v["speaker"] or "")):
        own = next((t for t in reversed(turns) if t["speaker"] == voice["speaker"]), None)
        if own is not None and voice["start_s"] - own["end_s"] <= PAUSE_S:
            later = turns[turns.index(own) + 1 :]
            if all(other["end_s"] <= own["end_s"] for other in later):
                own["end_s"] = max(own["end_s"], voice["end_s"])
                continue
        turns.append({"speaker": voice["speaker"], "start_s": voice["start_s"], "end_s": voice["end_s"]})
    return turns


def slice_turns(
    turns: Sequence[Mapping[str, Any]],
    words: Sequence[Mapping[str, Any]],
    start_s: float,
    end_s: float,
) -> list[Row]:
    """The turns of the span ``[start_s, end_s)`` as ``record.Turn`` dicts in clip time.

    Args:
        words: the clip's words in clip time, with their speakers; each one that has a speaker is in one turn at most.
    """
    here = [turn for turn in turns if turn["start_s"] < end_s and turn["end_s"] > start_s]
    spans = [
        (max(turn["start_s"] - start_s, 0.0), min(turn["end_s"], end_s) - start_s, turn["speaker"]) for turn in here
    ]
    said: dict[int, list[int]] = {}
    for i, word in enumerate(words):
        own = [(_apart_s(word, a, b), k) for k, (a, b, speaker) in enumerate(spans) if speaker == word.get("speaker")]
        if word.get("speaker") is not None and own and min(own)[0] <= NEAR_S:
            said.setdefault(min(own)[1], []).append(i)
    stretches = []
    for k, (a, b, speaker) in enumerate(spans):
        if b - a < LEAST_S and k not in said:
            continue
        others = _joined([(c, d) for other, (c, d, _) in enumerate(spans) if other != k])
        overlap_s = sum(max(0.0, min(b, d) - max(a, c)) for c, d in others)
        text = join_words(words[i]["word"] for i in said.get(k, ()))
        stretches.append(
            {
                "speaker": speaker,
                "start_s": round(a, 3),
                "end_s": round(b, 3),
                "overlap_s": round(overlap_s, 3),
                "words": said.get(k, []),
                "text": text,
            }
        )
    return stretches


def speaker_changes(words: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """The gaps between a word of one speaker and the next word, of another: (end, start) in seconds."""
    order = sorted(words, key=lambda w: (w["start_s"], w["end_s"]))
    gaps = []
    for before, after in itertools.pairwise(order):
        both_known = before.get("speaker") and after.get("speaker")
        if both_known and before["speaker"] != after["speaker"] and before["end_s"] <= after["start_s"]:
            gaps.append((before["end_s"], after["start_s"]))
    return gaps


def _apart_s(word: Mapping[str, Any], start_s: float, end_s: float) -> float:
    middle = (word["start_s"] + word["end_s"]) / 2
    return max(start_s - middle, middle - end_s, 0.0)


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
        else:
            joined.append((start_s, end_s))
    return joined
