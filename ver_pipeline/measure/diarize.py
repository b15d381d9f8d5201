"""Our diarizer: windows of sound, who talks in each of them, and which of those voices are one speaker.

The method is that of pyannote.audio (Bredin 2023, Interspeech, "pyannote.audio 2.1 speaker diarization pipeline"), with
its own network for the windows and CAM++ for the voices, on the processor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ver_pipeline.assets import store
from ver_pipeline.measure.fbank import FRAME as FBANK_FRAME
from ver_pipeline.measure.fbank import STEP as FBANK_STEP
from ver_pipeline.measure.fbank import fbank
from ver_pipeline.measure.speaker_clusters import LocalVoice, centres_of, speakers_of
from ver_pipeline.measure.speaker_embedding import EmbeddingNet
from ver_pipeline.measure.speakers import RATE_HZ, Diarization, Samples, named
from ver_pipeline.measure.voice_activity import FIRST, FRAME, MODEL, WINDOW_S, Activity, ActivityNet, Window, windows

METHOD = "voices/1"
MIN_ALONE_S = 0.4
"""A voice that is heard alone for less than this in a window is not compared with others."""
MIN_TURN_S = 0.1
MAX_GAP_S = 0.3
"""A speaker who pauses for less than this goes on speaking."""


class VoiceDiarizer:
    """Tells voices apart by two small networks; see ``docs/speakers.md`` for how well."""

    def __init__(self, threads: int = 1) -> None:
        self.activity = ActivityNet(threads)
        self.embedding = EmbeddingNet(threads)

    def fingerprint(self) -> Mapping[str, Any]:
        """The method's version and the networks by hash."""
        return {"method": METHOD, "model": store.fingerprint(MODEL)}

    def open(self) -> None:
        """Load both networks.

        Raises:
            MissingModelError: one of them could not be had.
        """
        self.activity.open()
        self.embedding.open()

    def diarize(self, sound: Iterable[Samples], speech_s: Sequence[tuple[float, float]]) -> Diarization:
        """Who speaks when, where somebody speaks; sound without speech gives nobody."""
        heard: list[tuple[int, Activity]] = []
        local: list[tuple[int, int]] = []
        voices: list[LocalVoice] = []
        for window in windows(sound, speech_s):
            activity = self.activity.hear(window)
            number = len(heard)
            heard.append((window.start, activity))
            for speaker, voice in self._voices(number, window, activity):
                local.append((number, speaker))
                voices.append(voice)
        who = dict(zip(local, speakers_of(voices), strict=True))
        return named(_timeline(heard, who), centres_of(voices, [who[window] for window in local]))

    def _voices(self, number: int, window: Window, activity: Activity) -> list[tuple[int, LocalVoice]]:
        """The vectors of the window's voices, each of what it says alone."""
        alone = activity & (activity.sum(axis=1, keepdims=True) == 1)
        if not alone.any():
            return []
        features = fbank(window.samples)
        middle = (np.arange(len(features)) * FBANK_STEP + FBANK_FRAME // 2 - FIRST) / FRAME
        nearest = np.clip(np.round(middle).astype(int), 0, len(activity) - 1)
        voices = []
        for speaker in range(activity.shape[1]):
            said = features[alone[nearest, speaker]]
            alone_s = len(said) * FBANK_STEP / RATE_HZ
            if alone_s >= MIN_ALONE_S:
                voices.append((speaker, LocalVoice(number, alone_s, self.embedding.embed(said))))
        return voices


def _timeline(
    heard: Sequence[tuple[int, Activity]], who: Mapping[tuple[int, int], int | None]
) -> list[tuple[float, float, int | None]]:
    """Spans of each speaker: what the windows that hear a moment say of it, by majority; ties count as speech."""
    if not heard:
        return []
    n_frames = (heard[-1][0] + round(WINDOW_S * RATE_HZ)) // FRAME + 1
    numbers = sorted({number for number in who.values() if number is not None})
    rows = {number: row for row, number in enumerate([None, *numbers])}
    votes = np.zeros((len(rows), n_frames), np.float32)
    looks = np.zeros(n_frames, np.float32)
    for i, (start, activity) in enumerate(heard):
        first = round(start / FRAME)
        looks[first : first + len(activity)] += 1
        merged: dict[int | None, Activity] = {}
        for speaker in range(activity.shape[1]):
            number = who.get((i, speaker))
            merged[number] = merged.get(number, np.zeros(len(activity), bool)) | activity[:, speaker]
        for number, frames in merged.items():
            votes[rows[number], first : first + len(activity)] += frames
    active = votes * 2 >= np.maximum(looks, 1)
    active[0] &= ~active[1:].any(axis=0)
    return [(a, b, number) for number, row in rows.items() for a, b in _spans(active[row])]


def _spans(active: Activity) -> list[tuple[float, float]]:
    """Stretches of a speaker in seconds, short gaps closed, blips left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    spans: list[tuple[float, float]] = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        start_s, end_s = ((FRAME * k + FIRST - FRAME / 2) / RATE_HZ for k in (first, end))
        if spans and start_s - spans[-1][1] < MAX_GAP_S:
            spans[-1] = (spans[-1][0], end_s)
        else:
            spans.append((start_s, end_s))
    return [(a, b) for a, b in spans if b - a >= MIN_TURN_S]
