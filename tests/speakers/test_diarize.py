"""Voices told apart in real recordings, by the real networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import BILINGUAL_SCENES, bilingual_video
from ver_pipeline.measure.diarize import VoiceDiarizer
from ver_pipeline.measure.fbank import fbank
from ver_pipeline.measure.speaker_clusters import LocalVoice, speakers_of
from ver_pipeline.measure.speakers import Diarization, named
from ver_pipeline.transcribers.audio import decode, speech_spans
from ver_pipeline.transcribers.base import RATE_HZ, Video


def sound_of(path: Path) -> np.ndarray:
    return np.concatenate(list(decode(Video(str(path), 0))))


@pytest.fixture(scope="module")
def diarizer() -> VoiceDiarizer:
    opened = VoiceDiarizer(1)
    opened.open()
    return opened


@pytest.fixture(scope="module")
def conversation() -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """Half a minute of two people who interrupt each other, and who speaks when by a human ear."""
    folder = store.resolve("speech-conversation")
    rows = [line.split() for line in (folder / "sample.rttm").read_text("utf-8").splitlines()]
    return sound_of(folder / "sample.wav"), [(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in rows]


def at(found: Diarization, time_s: float) -> set[str | None]:
    return {voice.speaker for voice in found.voices if voice.start_s <= time_s < voice.end_s}


def whole(sound: np.ndarray) -> list[tuple[float, float]]:
    return [(0.0, len(sound) / RATE_HZ)]


def test_two_people_who_talk_are_told_apart_as_a_human_ear_does(diarizer, conversation) -> None:
    sound, reference = conversation
    found = diarizer.diarize([sound], whole(sound))
    assert {voice.speaker for voice in found.voices} == {"S1", "S2"}
    names = {"speaker90": "S1", "speaker91": "S2"}
    moments = np.arange(0, len(sound) / RATE_HZ, 0.05)
    away = [t for t in moments if all(min(abs(t - a), abs(t - b)) > 0.25 for a, b, _ in reference)]
    right = [at(found, t) == {names[name] for a, b, name in reference if a <= t < b} for t in away]
    assert np.mean(right) > 0.9


def test_a_voice_that_comes_back_has_its_name_again_and_names_follow_first_appearance(diarizer) -> None:
    sound = sound_of(bilingual_video())
    found = diarizer.diarize([sound], speech_spans(sound))
    heard = [
        {v.speaker for v in found.voices if v.start_s < end_s - 0.5 and v.end_s > start_s + 0.5}
        for _, start_s, end_s in BILINGUAL_SCENES
    ]
    assert heard == [{"S1"}, {"S2"}, {"S1"}, {"S3"}]


def test_the_same_sound_gives_the_same_voices_in_whatever_blocks_it_comes(diarizer, conversation) -> None:
    sound, _ = conversation
    once = diarizer.diarize([sound], whole(sound))
    for size in (1_000, 77_777):
        blocks = (sound[i : i + size] for i in range(0, len(sound), size))
        assert diarizer.diarize(blocks, whole(sound)) == once


def test_nobody_is_heard_in_silence_in_noise_and_where_nobody_is_said_to_speak(diarizer, conversation) -> None:
    noise = np.random.default_rng(0).normal(size=15 * RATE_HZ).astype(np.float32) * 0.05
    for sound in (np.zeros(0, np.float32), np.zeros(15 * RATE_HZ, np.float32), noise):
        assert diarizer.diarize([sound], [(0.0, 20.0)]).voices == ()
    assert diarizer.diarize([conversation[0]], []).voices == ()


def test_every_moment_is_heard_whatever_the_length_of_the_sound(diarizer, conversation) -> None:
    sound, _ = conversation
    for length_s in (3.0, 9.99, 10.0, 12.5, 15.0, 15.01, 20.0):
        tail = sound[len(sound) - round(length_s * RATE_HZ) :]
        found = diarizer.diarize([tail], whole(tail))
        assert max(voice.end_s for voice in found.voices) > length_s - 0.6


def test_features_are_those_of_kaldi() -> None:
    at_s = np.arange(4000) / RATE_HZ
    sweep = 0.3 * np.sin(2 * np.pi * (200 * at_s + 3000 * at_s**2)) + 0.05 * np.sin(2 * np.pi * 5000 * at_s)
    features = fbank(sweep.astype(np.float32))
    assert features.shape == (23, 80)
    by_kaldi = {0: (12.38, 22.359, 1.405, 0.585), 11: (9.251, 8.272, 6.558, 0.682), 22: (7.243, 2.521, 16.727, -0.28)}
    for frame, values in by_kaldi.items():  # kaldi-native-fbank 1.22.4, bins 0, 10, 40 and 79
        assert features[frame, [0, 10, 40, 79]] == pytest.approx(values, abs=0.01)


def vector(*values: float) -> np.ndarray:
    padded = np.array([*values, 0, 0, 0][:4], np.float32)
    return padded / np.linalg.norm(padded)


def test_a_voice_heard_too_shortly_joins_the_one_that_it_is_like_and_else_is_nobody_s() -> None:
    long = [LocalVoice(0, 4.0, vector(1, 0)), LocalVoice(0, 3.0, vector(0, 1)), LocalVoice(1, 3.0, vector(1, 0.1))]
    short: list[Any] = [LocalVoice(2, 0.5, vector(0.1, 1)), LocalVoice(3, 0.5, vector(0, 0, 1))]
    first, second, again, like, unlike = speakers_of(long + short)
    assert first == again != second
    assert (like, unlike) == (second, None)


def test_two_voices_of_one_window_are_two_speakers_however_alike() -> None:
    assert len(set(speakers_of([LocalVoice(0, 4.0, vector(1, 0)), LocalVoice(0, 4.0, vector(1, 0.01))]))) == 2


def test_vectors_go_by_the_names_of_their_speakers() -> None:
    found = named([(5.0, 6.0, 7), (1.0, 2.0, 9), (3.0, 4.0, None)], {7: (0.0, 1.0), 9: (1.0, 0.0), 8: (1.0, 1.0)})
    assert [voice.speaker for voice in found.voices] == ["S1", None, "S2"]
    assert found.vectors == {"S1": (1.0, 0.0), "S2": (0.0, 1.0)}
