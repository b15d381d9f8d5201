"""The pure parts of hearing: runs and cleaning."""

from __future__ import annotations

import pytest

from ver_pipeline.transcribers.base import TranscriptSegment, TranscriptWord
from ver_pipeline.transcribers.clean import clean_segment, simplifier
from ver_pipeline.transcribers.runs import MAX_RUN_S, Run, Span, padded_spans, plan_runs
from ver_pipeline.transcribers.whisperx import to_segment


def span(start_s: float, end_s: float, en: float, zh: float) -> Span:
    return Span(start_s, end_s, {"en": en, "zh": zh})


def test_neighbouring_spans_of_one_language_are_heard_together_and_of_two_apart() -> None:
    runs = plan_runs([span(0, 2, 0.9, 0), span(2.2, 4, 0.8, 0), span(4.3, 7, 0, 1), span(12, 14, 0, 1)])
    assert [(r.start_s, r.end_s, r.language) for r in runs] == [(0, 4, "en"), (4.3, 7, "zh"), (12, 14, "zh")]


def test_no_run_is_longer_than_the_recogniser_hears_at_once() -> None:
    runs = plan_runs([span(i * 5, i * 5 + 4.8, 1, 0) for i in range(30)])
    assert max(r.end_s - r.start_s for r in runs) <= MAX_RUN_S
    assert (runs[0].start_s, runs[-1].end_s) == (0, 149.8)


def test_a_short_unsure_span_is_heard_in_its_neighbours_language() -> None:
    assert [r.language for r in plan_runs([span(0, 3, 0, 0.9), span(3.1, 3.5, 0.3, 0.2)])] == ["zh"]
    assert [r.language for r in plan_runs([span(0, 3, 0, 0.9), span(3.1, 3.5, 0.9, 0.01)])] == ["zh", "en"]


def test_a_run_is_heard_with_a_margin_that_never_reaches_its_neighbour() -> None:
    runs = [Run(0.1, 2, "en", 1), Run(2.2, 4, "zh", 1), Run(9, 10, "en", 1)]
    assert padded_spans(runs, 10.2) == [
        (0.0, pytest.approx(2.1)),
        (pytest.approx(2.1), pytest.approx(4.4)),
        (pytest.approx(8.6), pytest.approx(10.2)),
    ]


def segment(
    words: str, language: str = "en", prob: float = 0.9, each_s: float = 0.3, **more: float
) -> TranscriptSegment:
    """Words as Whisper writes them: a leading space where one stands in ``words``."""
    raw = words.replace(" ", "| ").split("|")
    timed = tuple(TranscriptWord(w, i * each_s, (i + 1) * each_s, prob) for i, w in enumerate(raw))
    return TranscriptSegment(0.0, len(raw) * each_s, words, language, timed, **more)


def cleaned(given: TranscriptSegment) -> TranscriptSegment | None:
    return clean_segment(given, simplifier())


def test_a_phrase_that_the_recogniser_repeats_for_ever_is_kept_once_and_a_human_repeat_stays() -> None:
    loop = cleaned(segment(" so" + " I think that" * 9 + " yes"))
    assert loop is not None
    assert loop.text == "so I think that yes"
    human = cleaned(segment(" no no no stop"))
    assert human is not None
    assert human.text == "no no no stop"


def test_traditional_chinese_becomes_simplified_with_chinese_signs() -> None:
    words = tuple(
        TranscriptWord(w, i * 0.4, i * 0.4 + 0.4, 0.9) for i, w in enumerate(["大家", "好,", "我", "很", "高興."])
    )
    done = cleaned(TranscriptSegment(0, 2, "", "zh", words))
    assert done is not None
    assert done.text == "大家好，我很高兴。"
    assert [w.word for w in done.words] == ["大家", "好，", "我", "很", "高兴。"]


def test_chunks_of_one_latin_word_are_one_word() -> None:
    words = tuple(
        TranscriptWord(w, i * 0.4, i * 0.4 + 0.4, 0.9) for i, w in enumerate(["我", "用", " Psy", "cho", "Py", "。"])
    )
    done = cleaned(TranscriptSegment(0, 3, "", "zh", words))
    assert done is not None
    assert [w.word for w in done.words] == ["我", "用", "PsychoPy。"]
    assert done.words[2].end_s == pytest.approx(2.4)


def test_captions_that_whisper_invents_over_noise_go_and_clear_thanks_stay() -> None:
    assert cleaned(segment(" Thanks for watching!", prob=0.4)) is None
    assert cleaned(segment(" Thanks for watching!", prob=0.95)) is not None


def test_text_faster_than_anybody_speaks_is_invented() -> None:
    assert cleaned(segment(" a whole sentence in no time", each_s=0.02)) is None


def test_word_times_never_run_backwards() -> None:
    words = (TranscriptWord(" a", 1.0, 1.2, 1), TranscriptWord(" b", 0.9, 1.0, 1), TranscriptWord(" c", 1.1, 1.5, 1))
    done = cleaned(TranscriptSegment(0.5, 2, "a b c", "en", words))
    assert done is not None
    times = [t for w in done.words for t in (w.start_s, w.end_s)]
    assert all(w.start_s <= w.end_s for w in done.words)
    assert [w.start_s for w in done.words] == sorted(w.start_s for w in done.words)
    assert min(times) >= 0.5


def test_aligned_words_without_times_take_them_from_their_neighbours() -> None:
    found = {
        "start": 1.0, "end": 3.0, "text": " two 2 words",
        "words": [
            {"word": "two", "start": 1.0, "end": 1.5, "score": 0.8},
            {"word": "2"},
            {"word": "words", "start": 2.0, "end": 3.0, "score": 0.9},
        ],
    }  # fmt: skip
    done = to_segment(found, "en")
    assert [(w.word.strip(), w.start_s, w.end_s) for w in done.words] == [
        ("two", 1.0, 1.5),
        ("2", 1.5, 1.5),
        ("words", 2.0, 3.0),
    ]
    bare = to_segment({"start": 1.0, "end": 3.0, "text": " ab cd"}, "en")
    assert [(w.start_s, w.end_s) for w in bare.words] == [(1.0, 2.0), (2.0, 3.0)]
