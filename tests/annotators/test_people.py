"""Who is who in a clip: a face and a voice are one person only where the face is seen to speak with the voice."""

from __future__ import annotations

from typing import Any

from factory import make_dict

from ver_pipeline.annotators.cues.people import people_of
from ver_pipeline.export.dyads import listener_rows
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.strict import relation_errors

Spans = list[tuple[float, float]]


def face(track_id: str, x: float, seen: tuple[float, float], speaks: Spans | None, expression: str) -> dict[str, Any]:
    """A face in view; ``speaks`` None: nobody looked at its mouth."""
    start_s, end_s = seen
    step = (end_s - start_s) / 8
    box = [x, 0.2, 0.25, 0.4]
    scores = {expression: 0.97, "neutral" if expression != "neutral" else "sadness": 0.03}
    boxes = [{"t_s": round(start_s + k * step, 3), "box": box, "conf": 0.95, "expression": scores} for k in range(9)]
    spans = [{"start_s": a, "end_s": b} for a, b in speaks or ()]
    speaking = {"score": 0.9 if spans else 0.0, "motion_in_voice": 0.04, "motion_outside": 0.008, "spans": spans}
    return {"track_id": track_id, "start_s": start_s, "end_s": end_s, "mean_conf": 0.95, "mean_box": box,
            "boxes": boxes, "expression": scores, "dominant": expression, "peak_s": boxes[4]["t_s"], "shape": None,
            "speaking": None if speaks is None else speaking}  # fmt: skip


def scene(
    tracks: list[dict[str, Any]], turns: list[tuple[str | None, float, float, str]] | None, decision: str = "unknown"
) -> dict[str, Any]:
    """A clip of ten seconds in which these faces are in view and these turns are heard."""
    data = make_dict(0)
    data["clip"] |= {"duration_s": 10.0, "end_s": data["clip"]["start_s"] + 10.0, "n_frames": 250}
    data["measured"]["faces"] |= {
        "n_tracks": len(tracks), "max_simultaneous": len(tracks), "tracks": tracks,
        "sampled_s": [round(0.25 * k, 2) for k in range(41)],
        "voice_on_screen": {"decision": decision, "voice_s": 6.0, "known_s": 6.0, "speaking_s": 3.0},
    }  # fmt: skip
    said = [
        {"speaker": who, "start_s": a, "end_s": b, "overlap_s": 0.0, "words": [], "text": text}
        for who, a, b, text in turns or ()
    ]
    data["speech"] |= {"turns": None if turns is None else said, "words": [], "segments": [], "speech_s": 6.0}
    return data


def people(data: dict[str, Any], subject: str | None = None) -> list[dict[str, Any]]:
    emotion = {"subject": "person" if subject else "none", "subject_track_id": subject}
    return people_of(data["clip"], data["speech"], data["measured"], emotion)


def told(data: dict[str, Any]) -> list[tuple[list[str], str | None, str]]:
    return [(person["track_ids"], person["speaker"], person["role"]) for person in people(data)]


def test_the_face_that_speaks_gets_the_voice_and_the_other_one_listens() -> None:
    left = face("f1", 0.1, (0.0, 10.0), [(1.0, 4.0)], "happiness")
    right = face("f2", 0.6, (0.0, 10.0), [], "neutral")
    assert told(scene([left, right], [("S1", 1.0, 4.0, "Good news.")], "on")) == [
        (["f1"], "S1", "speaker"), (["f2"], None, "listener"),
    ]  # fmt: skip


def test_two_who_answer_each_other_get_each_their_own_turns() -> None:
    left = face("f1", 0.1, (0.0, 10.0), [(1.0, 3.0), (7.0, 9.0)], "happiness")
    right = face("f2", 0.6, (0.0, 10.0), [(3.5, 6.5)], "sadness")
    turns = [("S2", 1.0, 3.0, "One."), ("S1", 3.5, 6.5, "Two."), ("S2", 7.0, 9.0, "Three.")]
    first, second = people(scene([left, right], turns, "on"))
    assert (first["speaker"], first["turns"], first["speaking_s"]) == ("S2", [0, 2], 4.0)
    assert (second["speaker"], second["turns"], second["speaking_s"]) == ("S1", [1], 3.0)


def test_a_voice_that_no_face_speaks_with_is_nobody_in_the_picture_and_its_words_are_no_face_s() -> None:
    seen = face("f1", 0.4, (0.0, 10.0), [], "happiness")
    turns = [("S1", 1.0, 4.0, "I am so sad, I am crying.")]
    child, voice = people(scene([seen], turns, "off"), subject="f1")
    assert (child["role"], child["speaker"], child["is_subject"]) == ("listener", None, True)
    assert (voice["role"], voice["track_ids"], voice["onscreen_share"]) == ("offscreen_voice", [], 0.0)
    assert {felt["label"] for felt in child["emotions"]} == {"happiness"}
    assert {felt["label"] for felt in voice["emotions"]} == {"sadness"}
    assert all(felt["sources"] == ["words"] for felt in voice["emotions"])


def test_a_speaker_is_one_person_across_a_cut_and_two_faces_at_once_never_are() -> None:
    before = face("f1", 0.1, (0.0, 4.0), [(1.0, 3.9)], "neutral")
    after = face("f2", 0.5, (6.0, 10.0), [(6.1, 9.0)], "neutral")
    turns = [("S1", 1.0, 9.0, "A long line.")]
    assert told(scene([before, after], turns, "on")) == [(["f1", "f2"], "S1", "speaker")]
    together = face("f2", 0.5, (0.0, 10.0), [(1.0, 3.0)], "neutral")
    first, second = people(scene([before, together], turns, "on"))
    assert len(first["track_ids"]) == len(second["track_ids"]) == 1
    assert {first["speaker"], second["speaker"]} == {"S1", None}


def test_where_nobody_looked_at_mouths_nobody_is_said_to_speak_or_to_listen() -> None:
    seen = face("f1", 0.4, (0.0, 10.0), None, "happiness")
    assert told(scene([seen], [("S1", 1.0, 4.0, "Yes.")])) == [(["f1"], None, "unknown"), ([], "S1", "unknown")]
    assert told(scene([seen], None)) == [(["f1"], None, "unknown")]


def test_a_voice_is_somebody_also_where_nobody_told_voices_apart() -> None:
    assert told(scene([], None)) == [([], None, "offscreen_voice")]
    seen = face("f1", 0.4, (0.0, 10.0), [], "neutral")
    assert told(scene([seen], None, "off")) == [(["f1"], None, "bystander"),
                                                ([], None, "offscreen_voice")]  # fmt: skip


def test_small_faces_and_passers_by_do_not_listen() -> None:
    small = face("f1", 0.4, (0.0, 10.0), [], "neutral")
    small["mean_box"] = [0.4, 0.2, 0.03, 0.05]
    passing = face("f2", 0.6, (1.0, 2.5), [], "neutral")
    roles = [role for _, _, role in told(scene([small, passing], [("S1", 1.0, 9.0, "Yes.")], "off"))]
    assert roles == ["bystander", "bystander", "offscreen_voice"]


def test_a_listener_is_exported_with_what_the_others_say_and_nobody_else_is() -> None:
    left = face("f1", 0.1, (0.0, 10.0), [(1.0, 4.0)], "happiness")
    right = face("f2", 0.6, (0.0, 10.0), [], "surprise")
    data = scene([left, right], [("S1", 1.0, 4.0, "We won."), (None, 5.0, 5.5, "Hm.")], "on")
    rows = list(listener_rows({**data, "people": people(data, subject="f1")}))
    assert {(row["listener"], row["speakers"], row["said"]) for row in rows} == {("P2", "P1", "We won.")}
    assert {row["listener_emotion"] for row in rows} == {"surprise"} and all(row["speaker_onscreen"] for row in rows)
    assert list(listener_rows({**data, "people": None})) == []


def test_everybody_s_emotions_fit_the_record() -> None:
    left = face("f1", 0.1, (0.0, 10.0), [(1.0, 3.0)], "happiness")
    right = face("f2", 0.6, (2.0, 9.0), [(4.0, 6.5)], "surprise")
    data = scene([left, right], [("S1", 1.0, 3.0, "I'm so happy."), ("S2", 4.0, 6.5, "Really?")], "on")
    data["people"] = people(data, subject="f1")
    data["emotion"] |= {"subject": "person", "subject_track_id": "f1", "transitions": []}
    data["observations"] = [
        {**seen, "start_s": 0.0, "end_s": 4.0, "track_id": "f1" if seen["track_id"] else None}
        for seen in data["observations"]
    ]
    record = parse_record(data)
    assert record.people is not None and [p.is_subject for p in record.people] == [True, False]
    assert [error for error in relation_errors(record) if error.pointer.startswith("/people")] == []
