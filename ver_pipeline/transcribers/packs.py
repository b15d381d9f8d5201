"""Runs of one language packed into the 30 s that Whisper hears at once.

Whisper pays for 30 s however short the speech is.  Runs are packed in order of time, whatever the number of packs that
are decoded together, so that the words do not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ver_pipeline.transcribers.audio import Samples
from ver_pipeline.transcribers.base import RATE_HZ, TranscriptWord

PACK_S = 30.0
BETWEEN_S = 0.4
"""Silence between two runs of a pack, so that no word goes over from one into the other."""


@dataclass(frozen=True, slots=True)
class Part:
    """The stretch ``[start_s, end_s)`` of the window, of run ``run``, heard from second ``at_s`` of its pack on."""

    run: int
    start_s: float
    end_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Pack:
    """What is heard at once, in one language."""

    language: str
    parts: tuple[Part, ...]

    @property
    def length_s(self) -> float:
        """Seconds from the pack's beginning to the end of its last part."""
        last = self.parts[-1]
        return last.at_s + last.end_s - last.start_s


@dataclass(frozen=True, slots=True)
class Piece:
    """A run's number, language and what to hear of it; one that is ``alone`` shares its pack with no other."""

    run: int
    language: str
    start_s: float
    end_s: float
    alone: bool = False


def pack(pieces: Sequence[Piece]) -> list[Pack]:
    """The fewest packs that keep the order of time within each language, ordered by their first run."""
    packs: list[list[Part]] = []
    languages: list[str] = []
    open_packs: dict[str, int] = {}
    for piece in pieces:
        at = None if piece.alone else open_packs.get(piece.language)
        if at is not None:
            last = packs[at][-1]
            at_s = last.at_s + (last.end_s - last.start_s) + BETWEEN_S
            if at_s + piece.end_s - piece.start_s <= PACK_S:
                packs[at].append(Part(piece.run, piece.start_s, piece.end_s, at_s))
                continue
        packs.append([Part(piece.run, piece.start_s, piece.end_s, 0.0)])
        languages.append(piece.language)
        if not piece.alone:
            open_packs[piece.language] = len(packs) - 1
    return [Pack(language, tuple(parts)) for language, parts in zip(languages, packs, strict=True)]


def sound(pack: Pack, samples: Samples) -> Samples:
    """The samples of a pack, silence between its parts."""
    heard = np.zeros(round(pack.length_s * RATE_HZ) + 1, np.float32)
    for part in pack.parts:
        piece = samples[round(part.start_s * RATE_HZ) : round(part.end_s * RATE_HZ)]
        at = round(part.at_s * RATE_HZ)
        heard[at : at + len(piece)] = piece[: len(heard) - at]
    return heard


def by_run(pack: Pack, words: Sequence[TranscriptWord]) -> dict[int, list[TranscriptWord]]:
    """A pack's words by run, times in the window's.  A word is of the part that it overlaps most, never of one before
    that of the word before it."""
    runs: dict[int, list[TranscriptWord]] = {part.run: [] for part in pack.parts}
    at = 0
    for word in words:
        overlaps_s = [_overlap_s(part, word) for part in pack.parts[at:]]
        at += overlaps_s.index(max(overlaps_s))
        part = pack.parts[at]
        shift_s = part.start_s - part.at_s
        start_s = min(max(word.start_s + shift_s, part.start_s), part.end_s)
        end_s = min(max(word.end_s + shift_s, start_s), part.end_s)
        runs[part.run].append(TranscriptWord(word.word, start_s, end_s, word.prob))
    return runs


def into_spans(words: Sequence[TranscriptWord], spans: Sequence[tuple[float, float]]) -> list[TranscriptWord]:
    """Words that keep to where somebody speaks: each lies in the span that it overlaps most.  Whisper stretches words
    over the pauses beside them."""
    placed: list[TranscriptWord] = []
    at = 0
    for word in words:
        overlaps_s = [min(word.end_s, b) - max(word.start_s, a) for a, b in spans[at:]]
        at += overlaps_s.index(max(overlaps_s))
        begin_s, end_s = spans[at]
        start_s = min(max(word.start_s, begin_s), end_s)
        placed.append(TranscriptWord(word.word, start_s, min(max(word.end_s, start_s), end_s), word.prob))
    return placed


def _overlap_s(part: Part, word: TranscriptWord) -> float:
    """How long both last; below zero: how far they are apart."""
    return min(word.end_s, part.at_s + part.end_s - part.start_s) - max(word.start_s, part.at_s)
