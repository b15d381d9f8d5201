"""Slicing a transcript to clips loses nothing, doubles nothing and fits the record."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.record_media import Speech
from ver_pipeline.timeline.transcript import join_words, slice_speech


def transcript(words: list[tuple[str, float, float]], language: str = "en") -> dict[str, Any]:
    """One segment that holds ``words``; speech spans and language window as wide as the words."""
    timed = [
        {"word": w, "start_s": a, "end_s": b, "prob": 0.9, "language": language, "segment": 0} for w, a, b in words
    ]
    start_s, end_s = (words[0][1], words[-1][2]) if words else (0.0, 0.0)
    segment = {
        "start_s": start_s,
        "end_s": end_s,
        "text": join_words(w for w, _, _ in words),
        "language": language,
        "avg_logprob": -0.2,
        "no_speech_prob": 0.01,
    }
    return {
        "segments": [segment] if words else [],
        "words": timed,
        "speech_spans": [[start_s, end_s]] if words else [],
        "recogniser": {"engine": "faster-whisper", "model": "whisper-base", "revision": "0" * 64},
        "language_windows": [{"start_s": start_s, "end_s": end_s, "language": language, "prob": 0.8}],
        "has_audio": True,
    }


def as_record(speech: dict[str, Any]) -> Speech:
    return Speech.model_validate_json(canonical_json(speech))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=30),
    st.lists(st.integers(1, 2000), max_size=8),
)
def test_adjacent_clips_share_no_word_and_lose_none(gaps: list[tuple[int, int]], cuts: list[int]) -> None:
    words, now = [], 0
    for number, (gap, length) in enumerate(gaps):
        words.append((f"w{number}", (now + gap) / 100, (now + gap + length) / 100))
        now += gap + length
    video = transcript(words)
    edges = [0.0, *sorted({c / 100 for c in cuts}), 1000.0]
    clips = [slice_speech(video, a, b) for a, b in pairwise(edges)]
    assert [w["word"] for c in clips for w in c["words"]] == [w for w, _, _ in words]
    assert " ".join(c["text"] for c in clips if c["text"]) == video["segments"][0]["text"]
    for clip, (a, b) in zip(clips, pairwise(edges), strict=True):
        as_record(clip)
        assert all(0 <= w["start_s"] <= w["end_s"] <= b - a + 0.001 for w in clip["words"])


def test_times_are_clip_times_and_a_word_across_the_cut_is_clamped() -> None:
    video = transcript([("one", 1.0, 2.0), ("two", 2.0, 4.2)])
    speech = slice_speech(video, 1.5, 4.0)
    assert [(w["word"], w["start_s"], w["end_s"]) for w in speech["words"]] == [("one", 0.0, 0.5), ("two", 0.5, 2.5)]


def test_chinese_is_joined_without_spaces_and_english_with() -> None:
    assert join_words(["你", "好，", "I", "am", "here", "。"]) == "你好，I am here。"


def test_a_clip_with_both_languages_is_mixed_and_names_no_single_translation() -> None:
    video = transcript([("hello", 0.0, 1.0)])
    video["segments"].append({"start_s": 1.0, "end_s": 2.0, "text": "你好", "language": "zh"})
    video["words"].append({"word": "你好", "start_s": 1.0, "end_s": 2.0, "prob": 0.9, "language": "zh", "segment": 1})
    speech = as_record(slice_speech(video, 0.0, 2.0))
    assert (speech.language, speech.text, speech.text_en) == ("mixed", "hello你好", None)
    assert as_record(slice_speech(video, 0.0, 1.0)).text_en == "hello"
    assert as_record(slice_speech(video, 1.0, 2.0)).text_zh == "你好"


def test_a_segment_without_word_times_goes_whole_to_one_clip() -> None:
    video = transcript([])
    video["segments"] = [{"start_s": 1.0, "end_s": 3.0, "text": "no word times", "language": "en"}]
    assert slice_speech(video, 0.0, 1.9)["text"] == ""
    assert slice_speech(video, 1.9, 4.0)["text"] == "no word times"


def test_no_speech_is_a_normal_outcome() -> None:
    speech = as_record(slice_speech(transcript([]), 0.0, 5.0))
    assert (speech.present, speech.language, speech.text, speech.language_prob) == (False, "und", "", None)
