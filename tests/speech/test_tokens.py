"""Words come out spaced as the recogniser spaced them: whole segments, cut ones, and across segments."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ver_pipeline.assets import store
from ver_pipeline.timeline.transcript import join_words, slice_speech
from ver_pipeline.transcribers import tokens
from ver_pipeline.transcribers.base import Transcript, TranscriptSegment, TranscriptWord, to_transcript
from ver_pipeline.transcribers.clean import clean_segment, simplifier
from ver_pipeline.transcribers.whisperx import to_segment

EACH_S = 0.3
ENGLISH = ("well-known", "$1,500", "3.5", "10.30", "mother-in-law", "50/50", "AT&T", "don't", "3.5%", "U.S.A.", '"so,"',
           "(e.g.", "rock'n'roll", "plain", "words", "co-op:", "1,234,567.89", "x@y.org", "20-30", "well,")  # fmt: skip
CHINESE = (
    "你好",
    "我叫",
    "用",
    "iPhone15",
    "3.5元",
    "10:30",
    "“真的？”",
    "《红楼梦》",
    "打折50%",
    "，",
    "。",
    "……",
    "OK",
)


@cache
def whisper_tokenizer() -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(store.resolve("whisper-base") / "tokenizer.json"))


def heard(text: str, language: str, at_s: float = 0.0) -> TranscriptSegment:
    """``text`` in the words that faster-whisper makes of it, with its own code."""
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import merge_punctuations

    tokenizer = Tokenizer(whisper_tokenizer(), True, task="transcribe", language=language)
    split = tokenizer.split_to_word_tokens([*tokenizer.encode(text), tokenizer.eot])[0][:-1]
    found = [{"word": word, "tokens": []} for word in split]
    merge_punctuations(found, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
    pieces = [str(word["word"]) for word in found if word["word"]]
    words = tuple(TranscriptWord(w, at_s + i * EACH_S, at_s + (i + 1) * EACH_S, 0.9) for i, w in enumerate(pieces))
    return TranscriptSegment(at_s, at_s + len(words) * EACH_S, text, language, words)


def cleaned(segment: TranscriptSegment) -> TranscriptSegment:
    done = clean_segment(segment, simplifier(), check_rate=False)
    assert done is not None
    return done


@pytest.mark.parametrize("word", ENGLISH)
def test_a_word_with_signs_and_figures_inside_is_one_word(word: str) -> None:
    done = cleaned(heard(f" it was {word} then", "en"))
    assert done.text == f"it was {word} then"
    assert [w.word for w in done.words] == ["it", "was", word, "then"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ENGLISH), min_size=1, max_size=12, unique=True), st.integers(0, 12), st.integers(0, 12))
def test_english_comes_out_as_it_was_written_whole_and_cut(words: list[str], one: int, other: int) -> None:
    done = cleaned(heard(" " + " ".join(words), "en"))
    assert done.text == " ".join(words) == join_words(w.word for w in done.words)
    assert [w.word for w in done.words] == words
    first, last = sorted((min(one, len(words)), min(other, len(words))))
    video = to_transcript(Transcript((done,), ((0.0, done.end_s),)), {}, True)
    start_s = video["words"][first]["start_s"] if first < len(words) else done.end_s
    end_s = video["words"][last]["start_s"] if last < len(words) else done.end_s
    assert slice_speech(video, start_s, end_s)["text"] == " ".join(words[first:last])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(CHINESE), st.sampled_from(("", " Apple ", " K-pop"))), min_size=1, unique=True)
)
def test_chinese_with_english_inside_comes_out_as_it_was_written(pieces: list[tuple[str, str]]) -> None:
    text = "你" + "".join(map("".join, pieces)) + "好"
    text = re.sub(" ?([《》，。]) ?", r"\1", re.sub(" +", " ", text))  # a full-width sign takes no space
    done = cleaned(heard(text, "zh"))
    assert done.text == text
    assert "".join(w.word for w in done.words) == text.replace(" ", "")
    video = to_transcript(Transcript((done,), ((0.0, done.end_s),)), {}, True)
    middle_s = done.words[len(done.words) // 2].start_s
    halves = [slice_speech(video, a, b)["text"] for a, b in ((0.0, middle_s), (middle_s, 99.0))]
    assert "".join(halves).replace(" ", "") == text.replace(" ", "")
    assert all(half in text for half in halves)


def test_a_chinese_word_in_english_keeps_the_spaces_around_it_also_in_a_clip() -> None:
    done = cleaned(heard(" I really love 北京 in the spring", "en"))
    assert done.text == "I really love 北京 in the spring"
    video = to_transcript(Transcript((done,), ((0.0, done.end_s),)), {}, True)
    assert slice_speech(video, 2 * EACH_S, done.end_s)["text"] == "love 北京 in the spring"


def test_a_word_that_two_segments_share_is_whole_in_the_first() -> None:
    first = heard(" he is a well", "en")
    second = heard("-known fact", "en", first.end_s)
    done = [cleaned(s) for s in tokens.reunite([first, second])]
    assert [s.text for s in done] == ["he is a well-known", "fact"]
    first = heard(" it costs $1", "en")
    done = [cleaned(s) for s in tokens.reunite([first, heard(",500", "en", first.end_s)])]
    assert [s.text for s in done] == ["it costs $1,500"]
    assert done[0].end_s == done[0].words[-1].end_s
    apart = tokens.reunite([heard(" he is well", "en"), heard("-known fact", "en", 20.0)])
    assert len(apart) == 2 and apart[1].text == "-known fact"
    chinese = heard("我叫", "zh")
    assert len(tokens.reunite([chinese, heard("小明", "zh", chinese.end_s)])) == 2


def test_an_empty_token_is_a_space() -> None:
    """WhisperX aligns Chinese by the character, the space between two English words among them."""
    letters = [{"word": c, "start": i * 0.1, "end": i * 0.1 + 0.1, "score": 0.9} for i, c in enumerate("去Apple Store")]
    done = cleaned(to_segment({"start": 0.0, "end": 1.2, "text": "去 Apple store", "words": letters}, "zh"))
    assert [w.word for w in done.words] == ["去", "Apple", "Store"]


def test_signs_of_both_scripts_stand_beside_chinese_without_a_space() -> None:
    assert join_words(["你……", "OK", "“好”", "I", "—", "yes"]) == "你……OK“好”I — yes"
