"""Pitch, loudness, pauses and rate against sounds whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from ver_pipeline.measure.frames import RATE_HZ
from ver_pipeline.measure.voice import measure_voice, syllables


def buzz(f0_hz: np.ndarray | float, length_s: float, level: float = 0.2) -> np.ndarray:
    """A voice-like audio: ten harmonics falling by 1/n, at a fixed or varying pitch."""
    count = int(length_s * RATE_HZ)
    phase = np.cumsum(np.broadcast_to(f0_hz, count)) * 2 * np.pi / RATE_HZ
    return (level * sum(np.sin(n * phase) / n for n in range(1, 11))).astype(np.float32)


def word(text: str, start_s: float, end_s: float) -> dict[str, object]:
    return {"word": text, "start_s": start_s, "end_s": end_s, "prob": 1.0}


@pytest.mark.parametrize("f0_hz", [80.0, 146.0, 220.0, 440.0])
def test_a_steady_pitch_is_found_within_one_percent(f0_hz: float) -> None:
    voice = measure_voice(buzz(f0_hz, 1.5), [], True)
    assert voice["f0_mean_hz"] == pytest.approx(f0_hz, rel=0.01)
    assert voice["f0_sd_st"] < 0.2
    assert voice["voiced_frac"] > 0.9


def test_a_glide_of_an_octave_has_the_range_of_an_octave() -> None:
    glide = 150 * 2 ** np.linspace(0, 1, int(2 * RATE_HZ))
    voice = measure_voice(buzz(glide, 2.0), [], True)
    assert voice["f0_range_st"] == pytest.approx(0.9 * 12, abs=0.6)  # 5th to 95th percentile of a straight glide


def test_noise_and_silence_are_not_voiced() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 2 * RATE_HZ).astype(np.float32)
    for audio in (noise, np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32)):
        voice = measure_voice(audio, [], True)
        assert (voice["f0_mean_hz"], voice["f0_sd_st"], voice["voiced_frac"]) == (None, None, 0.0)
    assert measure_voice(np.zeros(RATE_HZ, np.float32), [], True)["silence_frac"] == 1.0


def test_music_without_speech_has_no_pitch_of_speech() -> None:
    assert measure_voice(buzz(200, 1.0), [], speech_present=False)["f0_mean_hz"] is None


def test_pitch_is_taken_where_the_words_are() -> None:
    audio = np.concatenate([buzz(120, 1.0), buzz(300, 1.0)])
    assert measure_voice(audio, [word("a", 1.1, 1.9)], True)["f0_mean_hz"] == pytest.approx(300, rel=0.02)


def test_loudness_is_dbfs_and_halving_the_audio_takes_six_db() -> None:
    loud, soft = measure_voice(buzz(200, 1.0), [], True), measure_voice(buzz(200, 1.0, 0.1), [], True)
    assert loud["loudness_db"] - soft["loudness_db"] == pytest.approx(6.02, abs=0.11)  # one decimal each
    full = np.sign(buzz(100, 1.0)).astype(np.float32)
    assert measure_voice(full, [], True)["loudness_db"] == pytest.approx(0.0, abs=0.05)
    assert measure_voice(full, [], True)["clipped_frac"] > 0.99


def test_rate_and_pauses_follow_the_words() -> None:
    words = [word("wonderful", 0.0, 0.5), word("banana", 0.5, 1.0), word("yes", 2.0, 2.5)]
    voice = measure_voice(buzz(150, 3.0), words, True)
    assert voice["pause_frac"] == pytest.approx(0.4)
    assert voice["rate_syll_s"] == pytest.approx(7 / 1.5, abs=0.01)
    assert measure_voice(buzz(150, 1.0), [], True)["rate_syll_s"] is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("make", 1), ("little", 2), ("university", 5), ("I'm", 1), ("see", 1), ("高兴，", 2), ("你好ok", 3), ("...", 0)],
)
def test_syllables(text: str, count: int) -> None:
    assert syllables(text) == count
