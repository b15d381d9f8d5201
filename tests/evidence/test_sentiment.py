"""Sentiment of words in both languages, quoted as they stand and placed in time."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from opencc import OpenCC

from ver_pipeline.measure.sentiment import SentimentMeter, lexicon
from ver_pipeline.schemas.record_types import LabelId
from ver_pipeline.timeline.transcript import is_wide, join_words


@pytest.fixture(scope="module")
def meter() -> SentimentMeter:
    opened = SentimentMeter()
    opened.open()
    return opened


def speech(*words: str, language: str | None = None) -> dict[str, Any]:
    timed = [{"word": w, "start_s": i * 0.5, "end_s": i * 0.5 + 0.4, "prob": 1.0} for i, w in enumerate(words)]
    chinese = [any(is_wide(c) for c in w) for w in words]
    spoken = language or ("zh" if all(chinese) else "mixed" if any(chinese) else "en")
    languages = {"zh" if c else "en" for c in chinese}
    segments = [{"language": name} for name in sorted(languages)]
    return {"language": spoken, "text": join_words(words), "words": timed, "segments": segments}


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("I", "am", "so", "happy", "today!"), 1),
        (("I", "am", "not", "happy."), -1),
        (("this", "is", "terrible"), -1),
        (("the", "table", "is", "brown"), 0),
        (("我", "今天", "非常", "高", "兴"), 1),
        (("我", "不", "高", "兴"), -1),
        (("他", "死", "了，", "我", "很", "伤心"), -1),
        (("没", "有", "不", "开", "心"), 1),
        (("桌", "子", "是", "棕", "色", "的"), 0),
        (("大家好，", "你好"), 0),
    ],
)
def test_polarity_has_the_right_sign(meter: SentimentMeter, words: tuple[str, ...], sign: int) -> None:
    polarity = meter.measure(speech(*words))["polarity"]
    assert (polarity > 0.1) - (polarity < -0.1) == sign


def test_a_chinese_word_across_characters_is_one_hit_with_both_their_times(meter: SentimentMeter) -> None:
    (hit,) = meter.measure(speech("我", "高", "兴"))["hits"]
    assert (hit["word"], hit["start_s"], hit["end_s"], hit["emotion"]) == ("高兴", 0.5, 1.4, "happiness")


def test_an_english_hit_stands_as_in_the_transcript(meter: SentimentMeter) -> None:
    (hit,) = meter.measure(speech("That's", "Wonderful!"))["hits"]
    assert (hit["word"], hit["start_s"], hit["emotion"]) == ("Wonderful!", 0.5, "happiness")


def test_a_denied_emotion_is_not_named(meter: SentimentMeter) -> None:
    (hit,) = meter.measure(speech("我", "不", "生", "气"))["hits"]
    assert hit["emotion"] is None
    assert hit["polarity"] > 0


def test_stronger_words_weigh_more(meter: SentimentMeter) -> None:
    plain = meter.measure(speech("我", "难过"))["polarity"]
    very = meter.measure(speech("我", "非常", "难过"))["polarity"]
    little = meter.measure(speech("我", "有点", "难过"))["polarity"]
    assert very < plain < little < 0


def test_a_sign_ends_the_reach_of_a_denial(meter: SentimentMeter) -> None:
    assert meter.measure(speech("不，", "我", "开心"))["polarity"] > 0


def test_mixed_speech_uses_both_lexicons(meter: SentimentMeter) -> None:
    hits = meter.measure(speech("I", "am", "happy", "高", "兴"))["hits"]
    assert [h["word"] for h in hits] == ["happy", "高兴"]


def test_a_language_without_a_lexicon_and_no_speech_have_no_polarity(meter: SentimentMeter) -> None:
    assert meter.measure(speech("bonheur", language="fr"))["polarity"] is None
    assert meter.measure(speech(language="und"))["polarity"] is None


def test_the_chinese_lexicon_is_large_simplified_and_names_known_emotions_only() -> None:
    simplify = OpenCC("t2s").convert
    words = lexicon().zh
    assert len(words) >= 300
    assert [w for w in words if simplify(w) != w] == []
    assert {e for _, e in words.values() if e} <= set(get_args(LabelId))
    assert set(lexicon().en_emotion.values()) <= set(get_args(LabelId))
    assert all(-1 <= polarity <= 1 and polarity for polarity, _ in words.values())
