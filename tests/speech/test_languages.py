"""No language is guessed, two in one breath are both kept; batches change nothing; what is no speech gives no words."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wording import MOST, SCENES_SAY, error_rate

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import CRYING, LAUGHING
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.record_media import Speech
from ver_pipeline.stages.speech import SpeechStage
from ver_pipeline.timeline.transcript import slice_speech
from ver_pipeline.transcribers.audio import decode, speech_spans
from ver_pipeline.transcribers.base import RATE_HZ, Video
from ver_pipeline.transcribers.runs import Span
from ver_pipeline.transcribers.switches import quiet_moments_s, spans_of_one_language
from ver_pipeline.transcribers.whisper import detect, write_down


@cache
def opened(**settings: Any) -> SpeechStage:
    stage = SpeechStage(SpeechConfig(**settings))
    stage.open()
    return stage


@cache
def spoken(name: str) -> np.ndarray:
    path = {"crying": CRYING, "laughing": LAUGHING}.get(name) or store.resolve("footage-psychopy") / name
    return np.concatenate(list(decode(Video(str(path), 0))))


def voiced(name: str) -> np.ndarray:
    """From its first sound to its last."""
    samples = spoken(name)
    spans = speech_spans(samples)
    return samples[round((spans[0][0] + 0.1) * RATE_HZ) : round((spans[-1][1] - 0.1) * RATE_HZ)]


def hear(folder: Path, samples: np.ndarray, **settings: Any) -> dict[str, Any]:
    path = folder / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    length_s = len(samples) / RATE_HZ
    source = {"id": "0" * 64, "uri": "sound.wav", "audio_track": 0, "clock_jumps": [], "duration_s": length_s}
    (outcome,) = opened(**settings).run([{"source": source, "path": str(path), "sidecar": {}}])
    assert isinstance(outcome, dict), outcome
    return dict(outcome["transcript"])


def record_of(transcript: dict[str, Any]) -> Speech:
    return Speech.model_validate_json(canonical_json(slice_speech(transcript, 0.0, 600.0)))


@pytest.mark.parametrize("name", ["crying", "laughing", "testMovie.mp4", "jwpIntro.mp4"])
def test_speech_backwards_gives_no_invented_words_and_says_why(tmp_path: Path, name: str) -> None:
    speech = record_of(hear(tmp_path, spoken(name)[::-1].copy()))
    assert (speech.text, speech.language, speech.words) == ("", "und", ())
    assert speech.present
    assert {d.reason for d in speech.discarded} <= {"other_language", "low_probability", "no_speech"}
    assert speech.discarded


def test_speech_in_none_of_the_configured_languages_is_left_alone(tmp_path: Path) -> None:
    for settings in ({"languages": ("de", "fr")}, {"languages": ("de",)}):
        speech = record_of(hear(tmp_path, spoken("laughing"), **settings))
        assert (speech.text, speech.language) == ("", "und")
        assert [d.reason for d in speech.discarded] == ["other_language"]
    heard = hear(tmp_path, spoken("laughing"), languages=("de", "fr"))
    assert [window["language"] for window in heard["language_windows"]] == ["und"]


def humming(pitch_hz: float) -> np.ndarray:
    notes = []
    for step in (0, 2, 4, 5, 4, 2):
        at_s = np.arange(round(0.8 * RATE_HZ)) / RATE_HZ
        wavering = 2 ** ((step + 0.3 * np.sin(2 * np.pi * 5 * at_s)) / 12)
        phase = 2 * np.pi * np.cumsum(pitch_hz * wavering) / RATE_HZ
        voice = sum(np.sin(k * phase) * np.exp(-0.9 * (k - 1)) for k in range(1, 12))
        fade = np.clip(np.minimum(at_s, 0.8 - at_s) / 0.15, 0, 1)
        notes += [0.25 * voice * fade, np.zeros(round(0.15 * RATE_HZ))]
    return np.concatenate(notes)


def test_humming_tones_noise_and_silence_give_no_words(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for pitch_hz in (100, 140, 180, 250):
        hummed = humming(pitch_hz)
        assert hear(tmp_path, hummed + 0.003 * chance.normal(size=len(hummed)))["words"] == []
    assert hear(tmp_path, 0.1 * chance.normal(size=4 * RATE_HZ))["words"] == []
    assert hear(tmp_path, np.zeros(4 * RATE_HZ))["words"] == []


def test_two_languages_without_a_pause_are_both_kept(tmp_path: Path) -> None:
    for names, says in (
        (("crying", "testMovie.mp4"), (SCENES_SAY[1], SCENES_SAY[2])),
        (("testMovie.mp4", "laughing"), (SCENES_SAY[2], SCENES_SAY[3])),
    ):
        joined = np.concatenate([voiced(name) for name in names])
        assert len(speech_spans(joined)) == 1
        heard = hear(tmp_path, joined)
        for name, said in zip(names, says, strict=True):
            language = "zh" if name in ("crying", "laughing") else "en"
            text = " ".join(s["text"] for s in heard["segments"] if s["language"] == language)
            assert error_rate(said, text) <= MOST[language], heard["segments"]
        assert record_of(heard).language == "mixed"


def test_a_span_is_divided_where_the_language_changes_and_only_there() -> None:
    """The looker knows the languages: Chinese up to second 4, a quiet moment there, English after it."""
    samples = np.ones(12 * RATE_HZ, np.float32)
    samples[round(3.95 * RATE_HZ) : round(4.05 * RATE_HZ)] = 0

    def look(stretches: Any) -> list[Span]:
        shares = [max(0.0, min(b, 4.0) - min(a, 4.0)) / (b - a) for a, b in stretches]
        return [Span(a, b, {"en": 1 - zh, "zh": zh}) for (a, b), zh in zip(stretches, shares, strict=True)]

    found = spans_of_one_language([(0.0, 9.0), (9.5, 12.0)], samples, look)
    assert min(abs(at_s - 4.0) for at_s in quiet_moments_s(samples, 0.0, 9.0)) <= 0.05
    assert [(s.start_s, s.end_s) for s in found] == [
        (0.0, pytest.approx(4.0, abs=0.05)),
        (pytest.approx(4.0, abs=0.05), 9.0),
        (9.5, 12.0),
    ]
    assert [max(s.probs, key=lambda name, s=s: s.probs[name]) for s in found] == ["zh", "en", "en"]


def test_a_sentence_of_both_languages_is_mixed_and_a_name_alone_is_not() -> None:
    def language(text: str, own: str) -> str:
        segment = {"start_s": 0.0, "end_s": 2.0, "text": text, "language": own}
        empty = {"words": [], "speech_spans": [], "language_windows": []}
        return str(slice_speech({"segments": [segment], **empty}, 0.0, 3.0)["language"])

    assert language("我们去 shopping mall 吧", "zh") == "mixed"
    assert language("我用PsychoPy做实验", "zh") == "zh"
    assert language("I really miss 北京烤鸭 you know", "en") == "mixed"
    assert language("I really miss you", "en") == "en"


@pytest.mark.once
def test_the_words_do_not_depend_on_the_size_of_a_batch(tmp_path: Path) -> None:
    model = opened().transcriber.model  # type: ignore[attr-defined]
    pieces = [voiced(name).astype(np.float32) for name in ("testMovie.mp4", "jwpIntro.mp4", "crying")]
    seen = [detect(model, pieces, n) for n in (1, 3)]
    assert [max(one.languages, key=lambda name, o=one: o.languages[name]) for one in seen[0]] == [
        max(one.languages, key=lambda name, o=one: o.languages[name]) for one in seen[1]
    ]
    written = [write_down(model, pieces, "en", n, beam_size=5) for n in (1, 3)]
    assert all(len(words) > 5 for words in written[0][:2])
    assert [[w.word for w in words] for words in written[0]] == [[w.word for w in words] for words in written[1]]
    pause = np.zeros(2 * RATE_HZ, np.float32)
    film = np.concatenate([part for name in ("crying", "testMovie.mp4") for part in (spoken(name), pause)])
    one, other = [hear(tmp_path, film, batch_size=n) for n in (1, 8)]
    assert [w["word"] for w in one["words"]] == [w["word"] for w in other["words"]]
    assert [s["language"] for s in one["segments"]] == [s["language"] for s in other["segments"]] != []
