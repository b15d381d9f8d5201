"""Whose word it is, and whose turn: pure functions, over drawn talks."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ver_pipeline.timeline.transcript import slice_speech
from ver_pipeline.timeline.turns import slice_turns, speaker_changes, tell_speakers, turns_of


def voice(speaker: str | None, start_s: float, end_s: float) -> dict[str, Any]:
    return {"speaker": speaker, "start_s": start_s, "end_s": end_s}


def transcript(*words: tuple[str, float, float], language: str = "en") -> dict[str, Any]:
    told = [{"word": w, "start_s": a, "end_s": b, "prob": 1.0, "segment": 0} for w, a, b in words]
    segment = {
        "start_s": words[0][1],
        "end_s": words[-1][2],
        "text": " ".join(w for w, *_ in words),
        "language": language,
    }
    return {"words": told, "segments": [segment], "speech_spans": [[words[0][1], words[-1][2]]]}


def speakers(*words: tuple[str, float, float], voices: list[dict[str, Any]]) -> list[str | None]:
    return [word["speaker"] for word in tell_speakers(transcript(*words), voices)["words"]]


def test_a_word_is_that_of_the_voice_that_speaks_during_most_of_it() -> None:
    voices = [voice("S1", 0.0, 1.0), voice("S2", 1.1, 2.0)]
    assert speakers(("hello", 0.2, 0.6), ("so", 0.9, 1.15), ("what", 1.3, 1.6), voices=voices) == ["S1", "S1", "S2"]


def test_a_word_that_two_voices_say_at_once_has_no_speaker() -> None:
    voices = [voice("S1", 0.0, 2.0), voice("S2", 0.9, 2.0)]
    assert speakers(("yes", 0.2, 0.5), ("no", 1.0, 1.4), voices=voices) == ["S1", None]


def test_a_word_far_from_every_voice_and_one_of_a_voice_not_known_have_no_speaker() -> None:
    voices = [voice("S1", 0.0, 1.0), voice(None, 5.0, 6.0)]
    assert speakers(("far", 2.0, 2.4), ("near", 1.1, 1.2), ("who", 5.2, 5.6), voices=voices) == [None, "S1", None]


def test_a_segment_of_two_speakers_has_none() -> None:
    voices = [voice("S1", 0.0, 1.0), voice("S2", 1.0, 2.0)]
    both = tell_speakers(transcript(("you", 0.1, 0.4), ("me", 1.2, 1.6)), voices)
    assert both["segments"][0]["speaker"] is None
    assert tell_speakers(transcript(("you", 0.1, 0.4)), voices)["segments"][0]["speaker"] == "S1"


def test_a_turn_goes_on_across_a_short_pause_and_across_what_another_puts_in() -> None:
    voices = [
        voice("S1", 0.0, 2.0),
        voice("S2", 1.0, 1.3),
        voice("S1", 2.5, 3.0),
        voice("S2", 3.2, 4.0),
        voice("S1", 4.1, 5.0),
    ]
    assert [(t["speaker"], t["start_s"], t["end_s"]) for t in turns_of(voices)] == [
        ("S1", 0.0, 3.0), ("S2", 1.0, 1.3), ("S2", 3.2, 4.0), ("S1", 4.1, 5.0),
    ]  # fmt: skip


def test_chinese_words_of_a_turn_are_written_without_spaces() -> None:
    words = [
        {"word": w, "start_s": 0.1 + i / 10, "end_s": 0.2 + i / 10, "speaker": "S1"} for i, w in enumerate("你好吗")
    ]
    (turn,) = slice_turns(turns_of([voice("S1", 0.0, 1.0)]), words, 0.0, 2.0)
    assert (turn["text"], turn["words"]) == ("你好吗", [0, 1, 2])


@st.composite
def talks(draw):
    at, words, voices = 0.0, [], []
    for _ in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([0.05, 0.2, 0.6, 2.0]))
        speaker = draw(st.sampled_from(["S1", "S2", "S3", None]))
        length = draw(st.floats(0.2, 2.5))
        voices.append(voice(speaker, round(at - draw(st.sampled_from([0, 0, 0.4])), 3), round(at + length, 3)))
        n = draw(st.integers(0, 4))
        words += [
            (f"w{len(words)}", round(at + k * length / n, 3), round(at + (k + 1) * length / n, 3)) for k in range(n)
        ]
        at += length
    return (words or [("w", 0.0, 0.1)]), sorted(voices, key=lambda v: (v["start_s"], v["end_s"])), at


@settings(max_examples=200, deadline=None)
@given(talks(), st.floats(0, 20))
def test_every_word_with_a_speaker_is_in_one_turn_of_that_speaker_at_most_and_turns_lie_in_the_clip(talk, start_s):
    words, voices, end_s = talk
    start_s = round(min(start_s, end_s / 2), 3)
    speech = slice_speech(tell_speakers(transcript(*words), voices), start_s, end_s)
    turns = slice_turns(turns_of(voices), speech["words"], start_s, end_s)
    taken = [i for turn in turns for i in turn["words"]]
    assert len(taken) == len(set(taken))
    for turn in turns:
        assert 0 <= turn["start_s"] <= turn["end_s"] <= round(end_s - start_s, 3)
        assert 0 <= turn["overlap_s"] <= round(turn["end_s"] - turn["start_s"], 3) + 0.002
        assert {speech["words"][i]["speaker"] for i in turn["words"]} <= {turn["speaker"]} - {None}


@settings(max_examples=200, deadline=None)
@given(talks())
def test_a_speaker_changes_only_between_words_of_two_speakers(talk):
    words, voices, _ = talk
    told = tell_speakers(transcript(*words), voices)["words"]
    for end_s, start_s in speaker_changes(told):
        before = [w["speaker"] for w in told if w["end_s"] == end_s]
        after = [w["speaker"] for w in told if w["start_s"] == start_s]
        assert end_s <= start_s
        assert set(before) - {None} and set(after) - {None} and set(before) != set(after)
