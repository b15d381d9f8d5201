"""Ready text is the transcript only where the sound bears it out; numbers say how far."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ver_pipeline.footage.compose import bilingual_video
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record_media import Speech
from ver_pipeline.stages.speech import SpeechStage
from ver_pipeline.timeline.transcript import slice_speech

SAID = (
    (0.9, 4.9, "Hi, I'm Jon Peirce. I'm a lecturer in psychology and the creator of PsychoPy."),
    (6.1, 8.5, "你为什么哭了？请不要难过。"),
    (13.9, 17.0, "Hi, I'm Jon Peirce. I'm a lecturer in psychology at the University of Nottingham."),
    (17.4, 19.0, "I am the principal author of PsychoPy."),
    (20.9, 24.4, "大家好，我今天非常高兴见到你们。"),
)
ELSE = (
    (1.0, 5.0, "The river froze early that winter, so nobody could cross to the market."),
    (6.0, 9.0, "他把钥匙放在窗台上的花盆下面了"),
    (13.5, 17.0, "We painted both doors green before anybody came back from the coast."),
    (20.0, 24.5, "下雨的时候屋顶总是漏水真麻烦"),
)


def srt(cues, later_s: float = 0.0) -> bytes:
    def stamp(at_s: float) -> str:
        return f"00:{int(at_s // 60):02d}:{int(at_s % 60):02d},{round(at_s % 1 * 1000):03d}"

    return "".join(
        f"{i}\n{stamp(a + later_s)} --> {stamp(b + later_s)}\n{text}\n\n" for i, (a, b, text) in enumerate(cues, 1)
    ).encode()


@pytest.fixture(scope="module")
def stage() -> SpeechStage:
    opened = SpeechStage(SpeechConfig(beam_size=1))
    opened.open()
    return opened


def hear(stage: SpeechStage, folder: Path, files: Mapping[str, bytes], **why: str) -> dict[str, Any]:
    """The transcript of the bilingual video with these subtitle files beside it, ranked as they come."""
    (folder / "film.mp4").symlink_to(bilingual_video())
    about = []
    for name, data in files.items():
        (folder / name).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        about.append({"name": name, "sha256": sha256, "language": None, "why": why.get(name)})
    source = {"id": "0" * 64, "uri": "film.mp4", "audio_track": 0, "clock_jumps": [], "duration_s": 27.0}
    row = {"source": source, "path": str(folder / "film.mp4"), "sidecar": {"language": None, "subtitles": about}}
    (outcome,) = stage.run([row])
    assert isinstance(outcome, dict), outcome
    sliced = slice_speech(outcome["transcript"], 0.0, 27.0)
    record = Speech.model_validate_json(canonical_json(sliced))
    of_speakers = {"turns", "diarizer", "voice_vectors", "events"}  # added by a later stage
    written = record.model_dump(mode="json", exclude=of_speakers)
    assert written == {**sliced, "words": written["words"]}
    return dict(outcome["transcript"])


def test_of_several_files_the_first_that_fits_the_sound_is_taken_moved_and_told(stage, tmp_path) -> None:
    files = {
        "picture.srt": b"\x89PNG no subtitles",
        "signs.srt": srt([(1.0, 2.0, "[applause]")]),
        "else.srt": srt(ELSE),
        "late.srt": srt(SAID, later_s=3.0),
        "right.srt": srt(SAID),
    }
    heard = hear(stage, tmp_path, files)
    told = {file["name"]: file for file in heard["subtitles"]}
    assert [name for name, file in told.items() if file["used"]] == ["late.srt"]
    assert "no cue" in told["picture.srt"]["why"]
    assert told["signs.srt"]["why"] == "nothing in it is spoken"
    assert told["else.srt"]["why"].startswith("they do not say what is heard")
    assert told["else.srt"]["agreement"] < 0.2
    assert told["late.srt"]["agreement"] > 0.6
    assert told["late.srt"]["offset_s"] == pytest.approx(-3.0, abs=0.4)
    assert told["late.srt"]["voice_covered"] > 0.7
    assert told["right.srt"]["why"] == "late.srt was used"
    assert [s["text"] for s in heard["segments"]] == [text for _, _, text in SAID]
    assert [s["start_s"] for s in heard["segments"]] == [pytest.approx(a, abs=0.4) for a, _, _ in SAID]
    assert heard["recogniser"] == {"engine": "subtitles", "model": "srt", "revision": told["late.srt"]["sha256"]}


def test_files_that_give_nothing_for_the_video_leave_it_to_the_recogniser_and_it_is_told(tmp_path) -> None:
    unchecked = SpeechStage(SpeechConfig(beam_size=1, check_subtitles="no"))
    unchecked.open()
    files = {"film.en.srt": srt(SAID), "film.srt": srt(SAID, later_s=60.0)}
    heard = hear(unchecked, tmp_path, files, **{"film.en.srt": "its name says en, and the told language is zh"})
    assert [(f["used"], f["why"]) for f in heard["subtitles"]] == [
        (False, "its name says en, and the told language is zh"),
        (False, "all its cues lie past the video's end"),
    ]
    assert heard["subtitles"][1]["told"] == {"cues past the video's end": 5}
    assert heard["recogniser"]["engine"] == "faster-whisper"
    assert "大家好" in "".join(s["text"] for s in heard["segments"])


def test_few_words_are_taken_at_their_word_and_without_a_recogniser_only_the_voice_is_asked(tmp_path) -> None:
    nobody = SpeechStage(SpeechConfig(engine="none"))
    nobody.open()
    heard = hear(nobody, tmp_path, {"film.srt": srt([(1.0, 2.0, "Ready text")])})
    (file,) = heard["subtitles"]
    assert [s["text"] for s in heard["segments"]] == ["Ready text"]
    assert file["used"] and file["voice_s"] > 10 and file["agreement"] is None
    ignored = SpeechStage(SpeechConfig(engine="none", use_subtitles=False))
    ignored.open()
    (tmp_path / "again").mkdir()
    deaf = hear(ignored, tmp_path / "again", {"film.srt": srt(SAID)})
    assert (deaf["segments"], deaf["subtitles"], deaf["recogniser"]["engine"]) == ([], [], "none")


def test_cues_in_which_nobody_speaks_are_refused_without_a_recogniser(tmp_path) -> None:
    nobody = SpeechStage(SpeechConfig(engine="none"))
    nobody.open()
    silent = srt([(9.2 + 0.6 * i, 9.7 + 0.6 * i, f"word {i}") for i in range(6)])
    (file,) = hear(nobody, tmp_path, {"film.srt": silent})["subtitles"]
    assert file["why"] == "they are not in step with the sound: somebody speaks in 0% of 6 cues"


def test_a_file_that_changed_since_it_was_hashed_is_a_reject_that_a_rerun_cures(tmp_path) -> None:
    nobody = SpeechStage(SpeechConfig(engine="none"))
    nobody.open()
    (tmp_path / "film.srt").write_bytes(srt(SAID))
    about = {"name": "film.srt", "sha256": "0" * 64, "language": None, "why": None}
    source = {"id": "0" * 64, "uri": "film.mp4", "audio_track": None, "clock_jumps": [], "duration_s": 27.0}
    sidecar = {"language": None, "subtitles": [about]}
    (outcome,) = nobody.run([{"source": source, "path": str(tmp_path / "film.mp4"), "sidecar": sidecar}])
    assert isinstance(outcome, Reject)
    assert outcome.reason is Reason.CHANGED_SOURCE and outcome.retryable


def test_captions_go_to_every_clip_that_shows_them_in_its_time(tmp_path) -> None:
    nobody = SpeechStage(SpeechConfig(engine="none"))
    nobody.open()
    heard = hear(nobody, tmp_path, {"film.srt": srt([(1.0, 5.0, "[rain]"), (6.1, 8.5, "你为什么哭了？")])})
    first, second = slice_speech(heard, 0.0, 3.0), slice_speech(heard, 3.0, 9.0)
    assert [c["text"] for c in first["captions"]] == ["[rain]"]
    assert [(c["start_s"], c["end_s"], c["kind"]) for c in second["captions"]] == [(0.0, 2.0, "sound")]
    assert (first["text"], second["text"]) == ("", "你为什么哭了？")
    assert first["subtitles"] == second["subtitles"] == heard["subtitles"]
