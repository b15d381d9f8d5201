"""Who speaks: the face whose mouth moves with the voice; nobody, where the voice belongs to no face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factory import make_dict
from test_evidence_stage import SILENT_SPEECH, ffmpeg, measure

from ver_pipeline.footage.compose import bilingual_video
from ver_pipeline.measure.speaking import Mouth, voice_spans, who_speaks
from ver_pipeline.schemas.config import EvidenceConfig, ShardConfig, ValidateConfig
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.stages.evidence import EvidenceStage
from ver_pipeline.stages.validate import ValidateStage

MAN_SPEAKS, MANDARIN = (0.8, 5.3), (0.3, 2.8)


@pytest.fixture(scope="module")
def stage() -> EvidenceStage:
    opened = EvidenceStage(EvidenceConfig())
    opened.open()
    return opened


def spoken(*spans: tuple[float, float]) -> dict[str, Any]:
    words = [{"word": "word", "start_s": a, "end_s": b, "prob": 1.0} for a, b in spans]
    return {**SILENT_SPEECH, "present": True, "text": "word", "language": "en", "words": words}


def cut(target: Path, *graph: str) -> Path:
    ffmpeg("-i", str(bilingual_video()), *graph, "-an", "-pix_fmt", "yuv420p", "-threads", "1", str(target))
    return target


def moving(level: float, start_s: float = 0.0, end_s: float = 4.0) -> Mouth:
    times = tuple(n * 0.125 for n in range(33) if start_s <= n * 0.125 <= end_s)
    return Mouth(times, (level,) * len(times))


def test_a_man_who_talks_is_the_speaker_and_his_voice_is_on_the_screen(stage: EvidenceStage, tmp_path: Path) -> None:
    faces = measure(stage, cut(tmp_path / "man.mp4", "-t", "5.76"), spoken(MAN_SPEAKS))["faces"]
    (track,) = faces["tracks"]
    assert faces["voice_on_screen"]["decision"] == "on"
    assert track["speaking"]["score"] > 0.7
    said = sum(span["end_s"] - span["start_s"] for span in track["speaking"]["spans"])
    assert said > 0.75 * (MAN_SPEAKS[1] - MAN_SPEAKS[0])


@pytest.mark.parametrize("start_s", [5.76, 20.64])  # she cries; she laughs
def test_a_voice_laid_over_a_woman_who_does_not_speak_is_off_the_screen(
    stage: EvidenceStage, tmp_path: Path, start_s: float
) -> None:
    film = cut(tmp_path / "woman.mp4", "-vf", f"trim={start_s}:{start_s + 5},setpts=PTS-STARTPTS")
    faces = measure(stage, film, spoken(MANDARIN))["faces"]
    assert faces["voice_on_screen"]["decision"] == "off"
    assert [track["speaking"]["spans"] for track in faces["tracks"]] == [[]]


def test_of_two_people_side_by_side_the_one_who_talks_is_named(stage: EvidenceStage, tmp_path: Path) -> None:
    graph = (
        "split[a][b];[a]trim=0:5.5,setpts=PTS-STARTPTS,crop=360:360[man];"
        "[b]trim=20.64:26.14,setpts=PTS-STARTPTS,crop=360:360:280:0[woman];[man][woman]hstack"
    )
    faces = measure(stage, cut(tmp_path / "two.mp4", "-vf", graph), spoken(MAN_SPEAKS))["faces"]
    man, woman = sorted(faces["tracks"], key=lambda track: track["mean_box"][0])
    assert man["speaking"]["spans"] and not woman["speaking"]["spans"]
    assert man["speaking"]["score"] > woman["speaking"]["score"] + 0.5


def test_a_mouth_that_moves_as_much_when_nobody_is_heard_is_not_believed() -> None:
    chewing = moving(0.02)
    (one,), decided = who_speaks([chewing], [(0.0, 1.5)], 4.0)
    assert (one.score, one.spans, decided.decision) == (0.0, (), "off")
    (talking,), decided = who_speaks([chewing], [(0.0, 4.0)], 4.0)  # heard throughout: nothing speaks against it
    assert talking.score == 1.0 and decided.decision == "on"


def test_one_voice_is_given_to_the_mouth_that_moves_most() -> None:
    faces, _ = who_speaks([moving(0.012), moving(0.02)], [(0.0, 4.0)], 4.0)
    assert [bool(face.spans) for face in faces] == [False, True]


def test_where_a_visible_mouth_cannot_be_read_nothing_is_decided() -> None:
    hidden = Mouth(tuple(n * 0.125 for n in range(33)), (None,) * 33)
    _, decided = who_speaks([hidden], [(0.0, 4.0)], 4.0)
    assert (decided.decision, decided.known_s) == ("unknown", 0.0)


def test_without_any_face_or_without_a_voice_nothing_is_decided() -> None:
    assert who_speaks([], [(0.0, 4.0)], 4.0)[1].decision == "unknown"
    assert who_speaks([moving(0.02)], [(0.0, 0.25)], 4.0)[1].decision == "unknown"


def test_a_speaker_who_is_seen_for_a_half_is_mixed() -> None:
    listener = moving(0.002, 2.0, 4.0)
    _, decided = who_speaks([moving(0.02, 0.0, 1.9), listener], [(0.0, 4.0)], 4.0)
    assert decided.decision == "mixed"


def test_the_voice_is_known_by_words_joined_over_short_gaps_else_by_segments() -> None:
    speech = spoken((0.0, 0.5), (0.6, 1.0), (2.0, 9.0))
    assert voice_spans(speech, 4.0) == [(0.0, 1.0), (2.0, 4.0)]
    assert voice_spans({"words": [], "segments": [{"start_s": 1.0, "end_s": 2.0}]}, 4.0) == [(1.0, 2.0)]


def test_what_was_decided_stands_in_the_record_and_the_rule_of_off_screen_speakers_runs() -> None:
    data = make_dict(0)
    number = {"voice_s": 2.0, "known_s": 2.0, "speaking_s": 0.0}
    data["measured"]["faces"]["voice_on_screen"] = {"decision": "off", **number}
    record = validated(data)["record"]
    assert record["speech"]["onscreen"] == "off"
    assert not any(entry.startswith("G10:") for entry in record["verdict"]["not_run"])
    data["emotion"] |= {"subject": "speaker", "subject_track_id": data["measured"]["faces"]["tracks"][0]["track_id"]}
    outcome = validated(data)
    assert isinstance(outcome, Reject) and "G10" in outcome.message


def validated(data: dict[str, Any]) -> Any:
    stage = ValidateStage(ValidateConfig(), ShardConfig())
    stage.open()
    parts = ("observations", "emotion", "description", "provenance")
    row = {name: data[name] for name in ("key", "source", "clip", "media", "speech", "measured", "agreement")}
    row |= {"annotation": {name: data[name] for name in parts}, "alternatives": []}
    return stage.run([row])[0]
