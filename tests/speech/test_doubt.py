"""What the recogniser wrote is kept, marked or discarded, and the reason is told."""

from __future__ import annotations

import numpy as np
import pytest

from ver_pipeline.transcribers.base import RATE_HZ, Transcript, TranscriptSegment, TranscriptWord, to_transcript
from ver_pipeline.transcribers.clean import sift, simplifier
from ver_pipeline.transcribers.doubt import Doubt, Verdict, judge
from ver_pipeline.transcribers.packs import PACK_S, Piece, by_run, into_spans, pack, sound
from ver_pipeline.transcribers.runs import UNKNOWN, Span, plan_runs
from ver_pipeline.transcribers.sentences import sentences


def segment(
    text: str, prob: float = 0.9, each_s: float = 0.3, language: str = "en", **more: float
) -> TranscriptSegment:
    """Words as Whisper writes them: Latin ones with a leading space, Chinese ones by the character."""
    raw = [f" {w}" for w in text.split()] if text.isascii() else list(text)
    words = tuple(TranscriptWord(w, i * each_s, (i + 1) * each_s, prob) for i, w in enumerate(raw))
    return TranscriptSegment(0.0, len(raw) * each_s, "".join(raw), language, words, **more)


def test_clear_speech_is_kept_without_a_mark() -> None:
    assert judge(segment("I never said that you were wrong"), 0.99) == Verdict(True)


@pytest.mark.parametrize(
    ("heard", "language_prob", "kept", "doubt"),
    [
        (segment("one two three four", prob=0.4), 0.99, True, Doubt.LOW_PROBABILITY),
        (segment("one two three four", prob=0.2), 0.99, False, Doubt.LOW_PROBABILITY),
        (segment("one two three four", avg_logprob=-1.5), 0.99, False, Doubt.LOW_PROBABILITY),
        (segment("one two three four", no_speech_prob=0.4), 0.99, True, Doubt.NO_SPEECH),
        (segment("I'm sorry", prob=0.7, no_speech_prob=0.7), 0.99, False, Doubt.NO_SPEECH),
        (segment("a whole sentence in no time", each_s=0.01), 0.99, False, Doubt.TOO_FAST),
        (segment("I'm sorry, " * 30, each_s=0.02), 0.99, False, Doubt.TOO_FAST),
        (segment("I'm sorry, " * 30, no_speech_prob=0.5), 0.99, False, Doubt.REPETITION),
        (segment("come back to me " * 12), 0.99, True, Doubt.REPETITION),
        (segment("one two three four"), 0.05, False, Doubt.OTHER_LANGUAGE),
        (segment("one two three four", prob=0.6), 0.3, False, Doubt.OTHER_LANGUAGE),
        (segment("one two three four", prob=0.45), 0.7, False, Doubt.OTHER_LANGUAGE),
        (segment("one two three four", prob=0.9), 0.3, True, None),
    ],
)
def test_each_ground_for_doubt_marks_or_discards(
    heard: TranscriptSegment, language_prob: float, kept: bool, doubt: Doubt | None
) -> None:
    assert judge(heard, language_prob) == Verdict(kept, doubt)


def test_a_told_language_is_not_doubted() -> None:
    assert judge(segment("one two three four", prob=0.6), None).kept


def test_what_is_discarded_stands_beside_the_transcript_with_its_reason() -> None:
    kept, gone = sift([segment("mumble mumble", prob=0.1), segment("that I heard", prob=0.4)], simplifier())
    assert [(s.text, s.doubt) for s in kept] == [("that I heard", "low_probability")]
    assert [(d.text, d.reason, d.language) for d in gone] == [("mumble mumble", "low_probability", "en")]
    column = to_transcript(Transcript(tuple(kept), discarded=tuple(gone)), {}, True)
    assert column["discarded"][0]["reason"] == "low_probability"
    assert column["segments"][0]["doubt"] == "low_probability"


INVENTED = (
    "Subtitles by the Amara.org community", "Please subscribe to my channel.", "Please like, comment and subscribe!",
    "Don't forget to like and subscribe.", "I'll see you in the next video.", "Transcription by CastingWords",
    "Captions by GetTranscribed.com", "For more information, visit www.FEMA.gov", "Hit the bell icon.",
    "I hope you enjoyed this video.", "Thanks for watching this video.", "Copyright WDR 2021", "(upbeat music)",
    "Sync and corrected by somebody", "Thank you for watching. Thank you for watching.",
    "字幕由Amara.org社区提供", "请不吝点赞、订阅、转发、打赏支持明镜与点点栏目", "中文字幕志愿者李宗盛",
    "字幕制作：贝尔",
    "感谢大家观看本期视频", "我们下期再见", "记得点赞订阅", "请订阅我的频道", "词曲李宗盛", "谢谢观看。谢谢观看。",
)  # fmt: skip
COURTESY = ("Thank you for watching.", "Thanks for watching, everyone!", "See you next time.", "Please subscribe.",
            "谢谢观看", "感谢您的收看。", "下次再见。")  # fmt: skip
SAID = (
    "Thank you for watching me.", "Thanks for watching over her.", "I was translated by my mother.",
    "The copyright was mine.", "I hope you enjoyed dinner.", "Hit the bell and run.", "I'm sorry.", "Thank you.",
    "Did you like the comment and the video?", "这个字幕制作得很好。", "我订阅了那份报纸。", "谢谢你看着我。",
    "他是作曲家。",
    "下次我来看你。", "感谢您的支持。", "我喜欢你的频道。",
)  # fmt: skip


def language_of(text: str) -> str:
    return "en" if text.isascii() else "zh"


@pytest.mark.parametrize("phrase", INVENTED)
def test_a_phrase_that_nobody_says_goes_alone_and_from_within(phrase: str) -> None:
    zh = not phrase.isascii()
    before, after = ("我爱你。", "你走吧。") if zh else ("I love you. ", " Go home now.")
    kept, gone = sift([segment(phrase, 0.95, language=language_of(phrase))], simplifier())
    assert (kept, {d.reason for d in gone}) == ([], {"invented"})
    kept, gone = sift([segment(f"{before}{phrase}", 0.95, language=language_of(phrase))], simplifier())
    assert [s.text for s in kept] == [before.strip()]
    assert kept[0].end_s == pytest.approx(kept[0].words[-1].end_s)
    end = "" if phrase[-1] in ".!。" else ("。" if zh else ".")
    kept, _ = sift([segment(f"{before}{phrase}{end}{after}", 0.95, language=language_of(phrase))], simplifier())
    assert "".join(s.text for s in kept).replace(" ", "") == f"{before}{after}".replace(" ", "")


@pytest.mark.parametrize("phrase", COURTESY)
def test_a_courtesy_goes_where_it_is_doubtful_and_stays_where_somebody_says_it(phrase: str) -> None:
    language = language_of(phrase)
    for doubtful in (
        segment(phrase, 0.5, language=language),
        segment(phrase, 0.9, language=language, no_speech_prob=0.5),
    ):
        kept, gone = sift([doubtful], simplifier())
        assert (kept, [d.reason for d in gone]) == ([], ["invented"])
    assert [s.text for s in sift([segment(phrase, 0.95, language=language)], simplifier())[0]] == [phrase]


def test_a_phrase_that_two_segments_share_is_found() -> None:
    first, second = segment("I love you. Subtitles by the"), segment("Amara.org community")
    kept, gone = sift([first, second.shifted(first.end_s)], simplifier())
    assert [s.text for s in kept] == ["I love you."]
    assert [d.text for d in gone] == ["Subtitles by the Amara.org community"]


@pytest.mark.parametrize("sentence", SAID)
def test_what_people_say_stays(sentence: str) -> None:
    kept, gone = sift([segment(sentence, 0.9, language=language_of(sentence))], simplifier())
    assert ([s.text for s in kept], gone) == ([sentence], [])


def test_speech_in_no_allowed_language_is_a_run_of_its_own() -> None:
    spans = [Span(0, 2, {"en": 0.9, "zh": 0}), Span(2.2, 4, {"en": 0.04, "zh": 0.01}), Span(4.2, 6, {"en": 1, "zh": 0})]
    assert [run.language for run in plan_runs(spans)] == ["en", UNKNOWN, "en"]
    short = [Span(0, 2, {"en": 0.02, "zh": 0.01}), Span(2.2, 2.6, {"en": 0.3, "zh": 0.2})]
    assert [run.language for run in plan_runs(short)] == [UNKNOWN]


def test_runs_are_packed_into_what_whisper_hears_at_once_and_keep_their_order() -> None:
    pieces = [Piece(i, "zh" if i % 3 == 2 else "en", i * 5.0, i * 5.0 + 4.0, alone=i == 4) for i in range(24)]
    packs = pack(pieces)
    assert all(one.length_s <= PACK_S for one in packs)
    assert sorted(part.run for one in packs for part in one.parts) == list(range(24))
    for one in packs:
        assert {pieces[part.run].language for part in one.parts} == {one.language}
        assert [part.run for part in one.parts] == sorted(part.run for part in one.parts)
    assert [len(one.parts) for one in packs if one.parts[0].run == 4] == [1]
    assert len(packs) == 6


def test_a_words_place_in_the_pack_is_its_place_in_the_video() -> None:
    samples = np.arange(20 * RATE_HZ, dtype=np.float32)
    (one,) = pack([Piece(0, "en", 1.0, 3.0), Piece(1, "en", 10.0, 12.0)])
    heard = sound(one, samples)
    assert heard[0] == RATE_HZ and heard[round(one.parts[1].at_s * RATE_HZ)] == 10 * RATE_HZ
    at_s = one.parts[1].at_s
    words = [
        TranscriptWord(" a", 0.5, 1.0, 1),
        TranscriptWord(" b", 1.8, at_s + 0.1, 1),
        TranscriptWord(" c", at_s + 0.5, at_s + 9, 1),
    ]
    found = by_run(one, words)
    assert [(w.word, w.start_s, w.end_s) for w in found[0]] == [(" a", 1.5, 2.0), (" b", 2.8, 3.0)]
    assert [(w.word, w.start_s, w.end_s) for w in found[1]] == [(" c", pytest.approx(10.5), 12.0)]


def test_no_word_is_stretched_over_a_pause() -> None:
    words = [TranscriptWord(" a", 0.0, 0.9, 1), TranscriptWord(" b", 0.9, 2.2, 1), TranscriptWord(" c", 2.2, 3.5, 1)]
    placed = into_spans(words, [(0.0, 1.0), (1.8, 3.0)])
    assert [(w.start_s, w.end_s) for w in placed] == [(0.0, 0.9), (1.8, 2.2), (2.2, 3.0)]


def test_a_run_is_divided_into_sentences_with_their_own_figures() -> None:
    (cleaned,), _ = sift([segment("It is Mr. Smith. Are you sure? Yes", 0.8)], simplifier())
    found = sentences(cleaned)
    assert [s.text for s in found] == ["It is Mr. Smith.", "Are you sure?", "Yes"]
    assert all(s.avg_logprob == pytest.approx(np.log(0.8)) for s in found)
    assert found[1].start_s == pytest.approx(found[1].words[0].start_s)
