"""How the speech sounds: pitch, loudness, pauses and rate, in numpy alone.

Pitch follows YIN (de Cheveigne and Kawahara, 2002): the cumulative mean normalised difference of each
frame, its first dip below a threshold, refined by a parabola.  Pitch and loudness are measured where words
are; without word times, over the whole clip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.measure.frames import RATE_HZ, Audio
from ver_pipeline.timeline.transcript import is_wide

EXTRACTOR = "ver-voice/1 (YIN, RMS)"
HOP = RATE_HZ // 100
WINDOW = 640
"""40 ms: two periods of a voice of 50 Hz."""
F0_MIN_HZ, F0_MAX_HZ = 60.0, 500.0
YIN_THRESHOLD = 0.2
VOICED_FLOOR_DB = -55.0
VOICED_BELOW_PEAK_DB = 35.0
SILENCE_DB = -60.0
LOWEST_DB = -100.0
CLIPPED = 0.999
PAUSE_S = 0.2
"""A shorter gap between words belongs to articulation (stop consonants last up to about 0.15 s)."""
WORD_MARGIN_S = 0.05
MIN_SYLLABLES = 3
MIN_VOICED_FRAMES = 10
OCTAVE_ST = 12.0
BLOCK_FRAMES = 500

Floats = npt.NDArray[np.float64]
"""A value for each 10 ms frame, ``(frames,)``."""


def measure_voice(audio: Audio, words: Sequence[Mapping[str, Any]], speech_present: bool) -> dict[str, Any]:
    """``record.Voice`` of a clip's audio (16 kHz mono in [-1, 1], ``(samples,)``) and its words in clip time.

    Pitch is None where no speech is or nothing is voiced; ``rate_syll_s`` counts Chinese characters and
    English syllables per second of articulation, None below three of them; ``pause_frac`` is the share of
    pauses between the first and the last word; ``loudness_db`` is the mean power in dBFS, at least -100.
    """
    level_db = frame_levels(audio)
    region = _where_words_are(words, len(level_db)) if words else np.ones(len(level_db), bool)
    heard = level_db[region] if region.any() else level_db
    pitch_hz = frame_pitch(audio, level_db, region) if speech_present else np.zeros(len(level_db))
    voiced = _without_octave_slips(pitch_hz[pitch_hz > 0])
    semitones = 12 * np.log2(voiced / np.median(voiced)) if len(voiced) >= MIN_VOICED_FRAMES else None
    audible = heard[heard > SILENCE_DB]
    return {
        "f0_mean_hz": round(float(voiced.mean()), 1) if semitones is not None else None,
        "f0_sd_st": round(float(semitones.std()), 2) if semitones is not None else None,
        "f0_range_st": round(float(np.ptp(np.percentile(semitones, [5, 95]))), 2) if semitones is not None else None,
        "loudness_db": round(_mean_power_db(heard), 1),
        "loudness_sd_db": round(float(audible.std()), 1) if len(audible) else 0.0,
        "rate_syll_s": speech_rate(words),
        "pause_frac": pause_share(words),
        "voiced_frac": round(float((pitch_hz > 0).sum() / max(1, region.sum())), 3),
        "clipped_frac": round(float((np.abs(audio) >= CLIPPED).mean()) if len(audio) else 0.0, 4),
        "silence_frac": round(float((level_db <= SILENCE_DB).mean()) if len(level_db) else 1.0, 3),
        "extractor": EXTRACTOR,
    }


def frame_levels(audio: Audio) -> Floats:
    """Power of each 10 ms frame in dBFS, at least ``LOWEST_DB``: float64 ``(frames,)``."""
    count = len(audio) // HOP
    frames = audio[: count * HOP].astype(np.float64).reshape(count, HOP)
    power = (frames**2).mean(axis=1)
    return np.maximum(LOWEST_DB, 10 * np.log10(np.maximum(power, 1e-12)))


def frame_pitch(audio: Audio, level_db: Floats, region: npt.NDArray[np.bool_]) -> Floats:
    """The pitch of each 10 ms frame in Hz, 0 where it is not voiced, too soft, or outside ``region``.

    Args:
        audio: 16 kHz mono in [-1, 1], ``(samples,)``.
        level_db: of each frame, as :func:`frame_levels` gives it, ``(frames,)``.
        region: bool ``(frames,)``, where a voice is looked for.

    Returns:
        float64 ``(frames,)``.
    """
    pitch = np.zeros(len(level_db))
    if not len(level_db):
        return pitch
    floor_db = max(VOICED_FLOOR_DB, float(level_db.max()) - VOICED_BELOW_PEAK_DB)
    wanted = np.flatnonzero(region & (level_db > floor_db))
    longest = int(RATE_HZ / F0_MIN_HZ) + 1
    padded = np.concatenate([np.zeros(WINDOW // 2), audio.astype(np.float64), np.zeros(WINDOW + longest)])
    for block in (wanted[i : i + BLOCK_FRAMES] for i in range(0, len(wanted), BLOCK_FRAMES)):
        starts = block * HOP + HOP // 2
        frames = padded[starts[:, None] + np.arange(WINDOW + longest)]
        pitch[block] = [_first_dip_hz(row) for row in _normalised_difference(frames, longest)]
    return pitch


def speech_rate(words: Sequence[Mapping[str, Any]]) -> float | None:
    """Syllables (Chinese characters) per second of articulation: the words' stretch without its pauses."""
    count = sum(syllables(w["word"]) for w in words)
    spoken_s = _stretch_s(words) - sum(_pauses_s(words))
    return round(count / spoken_s, 2) if count >= MIN_SYLLABLES and spoken_s > 0.2 else None


def pause_share(words: Sequence[Mapping[str, Any]]) -> float:
    """Share of pauses in the stretch from the first word to the last; 0 without words."""
    stretch_s = _stretch_s(words)
    return round(min(1.0, sum(_pauses_s(words)) / stretch_s), 3) if stretch_s > 0 else 0.0


def syllables(word: str) -> int:
    """Chinese characters plus vowel groups of Latin letters (a silent final e does not count) plus digits."""
    count = sum(is_wide(c) and c.isalpha() for c in word)
    for part in re.findall(r"[a-z']+", word.lower()):
        groups = len(re.findall(r"[aeiouy]+", part))
        silent = part.endswith("e") and not part.endswith(("le", "ee")) and groups > 1
        count += max(1, groups - silent) if part.strip("'") else 0
    return count + sum(c.isdigit() for c in word)


def _where_words_are(words: Iterable[Mapping[str, Any]], count: int) -> npt.NDArray[np.bool_]:
    region = np.zeros(count, bool)
    per_s = RATE_HZ / HOP
    for word in words:
        first = int(max(0.0, word["start_s"] - WORD_MARGIN_S) * per_s)
        region[first : int((word["end_s"] + WORD_MARGIN_S) * per_s) + 1] = True
    return region


def _normalised_difference(frames: Floats, longest: int) -> Floats:
    """YIN's d'(lag) for lags 0..longest, per frame, by FFT."""
    size = 1 << int(np.ceil(np.log2(frames.shape[1] + WINDOW)))
    head = np.fft.rfft(frames[:, :WINDOW], size)
    cross = np.fft.irfft(np.fft.rfft(frames, size) * head.conj(), size)[:, : longest + 1]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 1)
    difference = energy[:, [WINDOW]] + (energy[:, WINDOW + lags] - energy[:, lags]) - 2 * cross
    difference = np.maximum(difference, 0.0)
    running = np.cumsum(difference[:, 1:], axis=1)
    normal = np.ones_like(difference)
    normal[:, 1:] = difference[:, 1:] * lags[1:] / np.maximum(running, 1e-9)
    return normal


def _first_dip_hz(normal: Floats) -> float:
    """The pitch at the first local minimum below the threshold, 0 without one."""
    shortest = int(RATE_HZ / F0_MAX_HZ)
    below = np.flatnonzero(normal[shortest:-1] < YIN_THRESHOLD)
    if not len(below):
        return 0.0
    lag = int(below[0]) + shortest
    while lag + 2 < len(normal) and normal[lag + 1] < normal[lag]:
        lag += 1
    left, middle, right = normal[lag - 1 : lag + 2]
    bend = left - 2 * middle + right
    return float(RATE_HZ / (lag + (0.5 * (left - right) / bend if bend > 0 else 0.0)))


def _without_octave_slips(voiced: Floats) -> Floats:
    """Frames more than an octave from the median are slips of the tracker, not melody."""
    if not len(voiced):
        return voiced
    return voiced[np.abs(12 * np.log2(voiced / np.median(voiced))) <= OCTAVE_ST]


def _mean_power_db(level_db: Floats) -> float:
    if not len(level_db):
        return LOWEST_DB
    return max(LOWEST_DB, float(10 * np.log10(np.mean(10 ** (level_db / 10)))))


def _stretch_s(words: Sequence[Mapping[str, Any]]) -> float:
    return float(words[-1]["end_s"] - words[0]["start_s"]) if words else 0.0


def _pauses_s(words: Sequence[Mapping[str, Any]]) -> list[float]:
    gaps = (right["start_s"] - left["end_s"] for left, right in pairwise(words))
    return [gap for gap in gaps if gap >= PAUSE_S]
