"""The emotion vocabulary: every name, every synonym, every taxonomy, both ways, both languages."""

from __future__ import annotations

import json

import pytest

from ver_pipeline.schemas import labels
from ver_pipeline.schemas.record_annotation import ClosedLabels

MER6_ZH = {"happy": "高兴", "sad": "悲伤", "neutral": "中性", "angry": "愤怒", "surprise": "惊讶", "worried": "担忧"}
EXACT = {
    "mer6": {"happy": "happiness", "sad": "sadness", "neutral": "neutral", "angry": "anger", "surprise": "surprise",
             "worried": "anxiety"},
    "dfew7": {"happy": "happiness", "sad": "sadness", "neutral": "neutral", "angry": "anger", "surprise": "surprise",
              "disgust": "disgust", "fear": "fear"},
    "mafw11": {name: name for name in ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear",
                                       "anxiety", "contempt", "helplessness", "disappointment")},
    "meld7": {"joy": "happiness", "sadness": "sadness", "neutral": "neutral", "anger": "anger", "surprise": "surprise",
              "disgust": "disgust", "fear": "fear"},
}  # fmt: skip
LOSSY = {
    "fear": {"mer6": "worried"},
    "anxiety": {"dfew7": "fear", "meld7": "fear"},
    "contempt": {"dfew7": "disgust", "meld7": "disgust"},
    "helplessness": {"mer6": "sad", "dfew7": "sad", "meld7": "sadness"},
    "disappointment": {"mer6": "sad", "dfew7": "sad", "meld7": "sadness"},
    "contentment": {"mer6": "happy", "dfew7": "happy", "mafw11": "happiness", "meld7": "joy"},
}


@pytest.mark.parametrize("taxonomy", list(EXACT))
def test_every_class_maps_to_its_label_and_back(taxonomy: str) -> None:
    for name, label in EXACT[taxonomy].items():
        assert labels.from_closed(taxonomy, name) == label
        assert labels.from_closed(taxonomy, name.upper()) == label
        assert labels.closed_labels(label)[taxonomy] == name
        assert taxonomy not in labels.closed_labels(label)["lossy"]
        assert labels.from_closed(taxonomy, labels.closed_display(taxonomy, name, "zh")) == label


def test_approximate_mappings_are_marked_and_never_come_back() -> None:
    for label in labels.LABEL_IDS:
        closed = labels.closed_labels(label)
        assert set(closed["lossy"]) == set(LOSSY.get(label, {}))
        for taxonomy, name in LOSSY.get(label, {}).items():
            assert closed[taxonomy] == name
            assert labels.from_closed(taxonomy, name) != label


def test_classes_that_a_taxonomy_lacks_are_none() -> None:
    assert labels.closed_labels("disgust")["mer6"] is None
    assert labels.closed_labels("contempt")["mer6"] is None
    assert {v for k, v in labels.closed_labels("undetermined").items() if k != "lossy"} == {None}


def test_closed_labels_fit_the_record_for_every_label() -> None:
    for label in labels.LABEL_IDS:
        ClosedLabels.model_validate_json(json.dumps(labels.closed_labels(label, 0.5)))


def test_dfew_codes_go_both_ways() -> None:
    names = ["happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear"]
    for code, label in enumerate(names, start=1):
        assert labels.from_closed("dfew7", code) == label
        assert labels.from_closed("dfew7", str(code)) == label
        assert labels.dfew_code(label) == code
    assert labels.from_closed("dfew7", 0) is None
    assert labels.from_closed("dfew7", 8) is None
    assert labels.dfew_code("undetermined") is None


def test_surprise_takes_its_sentiment_from_the_valence() -> None:
    assert labels.closed_labels("surprise")["sentiment3"] is None
    assert labels.closed_labels("surprise", 0.4)["sentiment3"] == "positive"
    assert labels.closed_labels("surprise", -0.4)["sentiment3"] == "negative"
    assert labels.closed_labels("surprise", 0.05)["sentiment3"] == "neutral"


def test_every_synonym_in_both_languages_finds_its_label_and_its_counterpart() -> None:
    for meaning in labels.open_words():
        for form in (*meaning.en, *meaning.zh):
            assert labels.canonical(form) == meaning.canon
            assert labels.canonical(f" {form.upper()}。") == meaning.canon
        assert labels.counterpart(meaning.en[0]) == meaning.zh[0]
        assert labels.counterpart(meaning.zh[0]) == meaning.en[0]


@pytest.mark.parametrize(
    ("word", "label"),
    [("worried", "anxiety"), ("担忧", "anxiety"), ("焦虑", "anxiety"), ("生气", "anger"), ("mad", "anger"),
     ("无奈", "helplessness"), ("沮丧", "disappointment"), ("欣慰", "contentment"), ("content", "contentment"),
     ("calm-neutral", "neutral"), ("平静", "neutral"), ("joy", "happiness"), ("不屑", "contempt"),
     ("happiness", "happiness"), ("无法判断", "undetermined"), ("尴尬", None),
     ("flabbergasted", None), ("", None), ("高 兴", None)],
)  # fmt: skip
def test_well_known_words_and_unknown_ones(word: str, label: str | None) -> None:
    assert labels.canonical(word) == label


@pytest.mark.parametrize(
    ("english", "chinese", "label"),
    [("relieved", "释然", "contentment"), ("gratified", "欣慰", "contentment"), ("blissful", "幸福", "happiness"),
     ("triumphant", "得意", "happiness"), ("arrogant", "傲慢", "contempt"), ("dissatisfied", "不满", "anger"),
     ("fed up", "厌烦", "anger"), ("anxious", "着急", "anxiety"), ("restless", "忐忑不安", "anxiety"),
     ("shocked", "错愕", "surprise"), ("panicked", "慌乱", "fear"), ("livid", "火冒三丈", "anger"),
     ("distressed", "痛苦", "sadness"), ("gloomy", "郁闷", "sadness"), ("worried", "放心不下", "anxiety")],
)  # fmt: skip
def test_common_words_mean_the_same_in_both_languages(english: str, chinese: str, label: str) -> None:
    told, said = labels.open_word(english), labels.open_word(chinese)
    assert told is not None
    assert said is not None
    assert told.canon == said.canon == label


def test_names_and_adjectives_extract_to_the_label_they_name() -> None:
    for label in labels.LABEL_IDS:
        if label == "undetermined":
            continue
        assert labels.extract(f"The person appears {labels.adjective(label, 'en')}.", "en") == (label,)
        assert labels.extract(f"There is some {labels.display(label, 'en')}.", "en") == (label,)
        assert labels.extract(f"此人显得{labels.display(label, 'zh')}。", "zh") == (label,)


def test_quoted_and_denied_words_are_not_claims() -> None:
    assert labels.extract('She says "I am so happy" and looks sad, not angry.', "en") == ("sadness",)
    assert labels.extract("她说“我很高兴”，却显得悲伤，并不生气。", "zh") == ("sadness",)
    assert labels.extract("He is unhappy.", "en") == ("sadness",)
    assert labels.extract("The contents of the box.", "en") == ()


def test_longest_word_wins() -> None:
    assert [hit.word for hit in labels.find_words("他显得无可奈何", "zh")] == ["无可奈何"]
    assert labels.extract("他坐立不安", "zh") == ("anxiety",)


def test_wheel_groups_lead_back_to_words_and_labels_of_both_languages() -> None:
    table = labels.wheel()
    for group in set(table.values()):
        words = [word for word in table if table[word] == group]
        english = [word for word in words if word.isascii()]
        assert english, group
        assert len(english) < len(words), group
        for word in words:
            assert table[labels.fold(word)] == group
            other = labels.counterpart(word)
            assert other is None or table[labels.fold(other)] == group
    for label in labels.LABEL_IDS:
        if label != "undetermined":
            assert table[labels.fold(labels.display(label, "en"))] == table[labels.display(label, "zh")]
    assert "flabbergasted" not in table


def test_every_label_word_has_one_place_on_the_wheel() -> None:
    table = labels.wheel()
    for meaning in labels.open_words():
        if meaning.canon not in (None, "undetermined"):
            assert len({table[form] for form in (*meaning.en, *meaning.zh)}) == 1
    assert table["neutral"] == "neutral"
    assert table["自豪"] == table["joyful"]
