"""The cues annotator's text: true of the looks and words it is written from, and not the same sentence each time."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cues import annotate, clip, faceless, say, set_face, silent

from ver_pipeline.annotators.cues.features import read_features
from ver_pipeline.annotators.cues.labeling_sources import label_votes, word_features
from ver_pipeline.annotators.cues.phrases import PHRASES
from ver_pipeline.annotators.cues.quotes import choose_quote
from ver_pipeline.measure.sentiment import SentimentMeter

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
OF_ALL_EN = ("throughout", "all that time", "each of the frames", "from first to last")
OF_ALL_ZH = ("始终", "整段时间", "每一帧", "自始至终")
REST_EN = ("no marked movement", "nearly at rest", "in their usual place", "gives little away")


def look(name: str, p: float) -> dict[str, float]:
    rest = "neutral" if name != "neutral" else "sadness"
    return {name: round(p, 3), rest: round(1 - p, 3)}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EXPRESSIONS), st.floats(0.51, 1.0)), min_size=2, max_size=24))
def test_what_is_said_of_all_the_time_holds_of_every_look(shown: list[tuple[str, float]]) -> None:
    data = set_face(silent(clip(0), audio=True), [look(*one) for one in shown])
    text = annotate(data)["description"]
    names = {name for name, _ in shown}
    en = text["en"].replace("stays in a single shot", "")
    zh = text["zh"].replace("镜头始终没有切换", "")
    if any(phrase in en for phrase in OF_ALL_EN) or any(phrase in zh for phrase in OF_ALL_ZH):
        assert len(names) == 1
    for phrase in REST_EN:
        for at in (m.start() for m in re.finditer(phrase, en)):
            sentence = en[:at].rpartition(". ")[2]
            assert names == {"neutral"} or re.search(
                r"mostly|at times|until|up to second|etween|rom .* to|moment|Briefly", sentence
            )


def test_the_words_that_are_looked_for_here_are_those_that_are_used() -> None:
    ways = yaml.safe_load(PHRASES.read_text(encoding="utf-8"))
    assert all(any(phrase in way["en"] for phrase in OF_ALL_EN) for way in ways["looks_all"])
    assert all(any(phrase in way["zh"] for phrase in OF_ALL_ZH) for way in ways["looks_all"])
    assert all(any(phrase in way["en"] for phrase in REST_EN) for way in ways["look_neutral"])
    text = annotate(set_face(silent(clip(0), audio=True), [look("surprise", 0.9)] * 6))["description"]
    assert any(phrase in text["en"] for phrase in OF_ALL_EN) and any(phrase in text["zh"] for phrase in OF_ALL_ZH)


@pytest.mark.parametrize("places", [(2, 7, 12), (3, 4, 11), (1, 8, 15)])
def test_three_strong_looks_of_surprise_are_told_wherever_they_come(places: tuple[int, ...]) -> None:
    looks = [look("surprise", 0.92) if i in places else look("neutral", 0.85) for i in range(16)]
    annotation = annotate(set_face(silent(clip(0), audio=True), looks))
    text = annotation["description"]
    assert not any(phrase in text["en"] for phrase in OF_ALL_EN)
    assert re.search(r"raised brows|lifted brows", text["en"]) and re.search("扬起眉毛|眉毛上扬", text["zh"])
    assert "surprise" in {label["canon"] for label in annotation["emotion"]["labels_open"]} or (
        annotation["emotion"]["primary"] == "undetermined"
    )


def test_the_most_telling_phases_are_told_and_not_the_first() -> None:
    looks = []
    for name, n in (("neutral", 4), ("sadness", 3), ("neutral", 3), ("anger", 3), ("neutral", 3), ("happiness", 8)):
        looks += [look(name, 0.95)] * n
    data = set_face(silent(clip(0), audio=True), looks)
    data["clip"]["duration_s"] = 24.0
    data["measured"]["faces"]["tracks"][0]["boxes"] = [
        {**box, "t_s": float(i)} for i, box in enumerate(data["measured"]["faces"]["tracks"][0]["boxes"])
    ]
    data["measured"]["faces"]["tracks"][0] |= {"start_s": 0.0, "end_s": 23.0}
    annotation = annotate(data)
    shown = [seen for seen in annotation["observations"] if seen["modality"] == "face"]
    assert "happiness" in {label for seen in shown for label in seen["supports"]}
    assert [seen["start_s"] for seen in shown] == sorted(seen["start_s"] for seen in shown)
    assert {"sadness", "anger"} <= {label for seen in shown for label in seen["supports"]}


def test_the_same_shot_always_reads_the_same() -> None:
    first, second = clip(4), clip(4)
    second["key"] = "0123456789abcdef_00000000_00004000"
    assert annotate(first)["description"] == annotate(second)["description"]


def spoken(text: str, language: str = "en") -> dict[str, Any]:
    data = say(faceless(silent(clip(0), audio=True)), text, language)
    meter = SentimentMeter()
    meter.open()
    data["measured"]["sentiment"] = meter.measure(data["speech"])
    return data


@pytest.mark.parametrize(
    "text", ["This is terrible, the worst of all plans.", "This plan is good and useful and better than the others."]
)
def test_polarity_alone_casts_no_vote_and_makes_no_label(text: str) -> None:
    data = spoken(text)
    assert abs(data["measured"]["sentiment"]["polarity"]) >= 0.2
    votes = label_votes(read_features(data["clip"], data["speech"], data["measured"]), data["speech"], data["measured"])
    assert [vote.voter for vote in votes if vote.vote() is not None] in ([], ["voice"])
    assert annotate(data)["emotion"]["primary"] in ("undetermined", "neutral")


@pytest.mark.parametrize(
    ("text", "language"),
    [("I'm afraid we're closed today.", "en"), ("I am very afraid that your card was declined.", "en"),
     ("We're afraid not.", "en"), ("I'd be happy to help you with that.", "en"), ("Happy birthday to you!", "en"),
     ("Sorry to bother you again.", "en"), ("Thank you for calling.", "en"), ("恐怕来不了了。", "zh"),
     ("不好意思，请让一下。", "zh"), ("祝你生日快乐！", "zh"), ("谢谢你打电话来。", "zh"), ("很高兴认识你。", "zh"),
     ("Don't be sad.", "en"), ("Please don't cry.", "en"), ("You must not be afraid.", "en"), ("别难过了。", "zh"),
     ("你别哭了。", "zh"), ("Why are you crying?", "en"), ("She was furious with us.", "en"), ("Are you angry?", "en"),
     ("你为什么哭了，请不要难过。", "zh"), ("他们都很害怕。", "zh"), ("She said that he was furious.", "en"),
     ("I am not angry.", "en")],
)  # fmt: skip
def test_politeness_prohibitions_and_reports_are_nothing_that_the_speaker_feels(text: str, language: str) -> None:
    data = spoken(text, language)
    assert word_features(data["speech"], data["measured"]) == ()
    assert annotate(data)["emotion"]["primary"] in ("undetermined", "neutral")


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [("I'm afraid of the dark.", "en", "fear"), ("I am so sad.", "en", "sadness"), ("我好害怕。", "zh", "fear"),
     ("Leave me alone, I hate you!", "en", "anger"), ("You make me so angry.", "en", "anger"),
     ("你让我很难过。", "zh", "sadness")],
)  # fmt: skip
def test_what_the_speaker_does_feel_still_counts(text: str, language: str, label: str) -> None:
    data = spoken(text, language)
    assert label in {feature.label for feature in word_features(data["speech"], data["measured"])}


@pytest.mark.parametrize("text", ["Don't be sad, it will be over soon.", "别难过，很快就过去了。"])
def test_what_is_forbidden_leans_neither_way(text: str) -> None:
    data = spoken(text, "zh" if "别" in text else "en")
    told = annotate(data)["description"]
    assert "leans" not in told["en"] and "措辞" not in told["zh"]


def test_the_quote_is_the_phrase_that_carries_the_feeling() -> None:
    far = "So we walked along the river for an hour with all the dogs and children, and honestly I was terrified of it"
    data = spoken(far)
    quote = choose_quote(data["speech"], word_features(data["speech"], data["measured"]))
    assert quote is not None and "terrified" in quote.text and len(quote.text.split()) <= 16
    assert far[quote.start : quote.end] == quote.text
    data = spoken("We met at nine. The food there was awful. Then we left.")
    hits = data["measured"]["sentiment"]["hits"]
    quote = choose_quote(data["speech"], (), hits)
    assert quote is not None and quote.text == "The food there was awful"


def made_up(number: int) -> dict[str, Any]:
    """A clip as measurements of ordinary videos come: half with a face, two in three with speech."""
    rng = random.Random(number)
    data = clip(number % 60)
    data = data if rng.random() < 0.65 else silent(data, audio=rng.random() < 0.8)
    if rng.random() < 0.45:
        data = faceless(data)
    else:
        main = rng.choice(EXPRESSIONS)
        names = [main if rng.random() < 0.85 else rng.choice(EXPRESSIONS) for _ in range(rng.randint(3, 12))]
        data = set_face(data, [look(name, rng.uniform(0.55, 0.99)) for name in names])
    data["measured"]["picture"] |= {"brightness": rng.uniform(0.1, 0.8), "motion_mean": rng.uniform(0.0, 0.1)}
    data["clip"]["n_shots"] = rng.choice([1, 1, 2, 3])
    return data


def skeleton(sentence: str) -> str:
    """A sentence without what is filled in: numbers and quotations."""
    return re.sub(r"\d+(?:\.\d+)?", "#", re.sub(r"\"[^\"]*\"|“[^”]*”", "Q", sentence)).strip()


@pytest.fixture(scope="module")
def descriptions() -> list[dict[str, str]]:
    return [annotate(made_up(number))["description"] for number in range(500)]


@pytest.mark.parametrize(("language", "ends"), [("en", r"(?<=[.!?])\s+"), ("zh", r"(?<=[。！？])")])
def test_no_sentence_is_heard_in_more_than_one_description_of_twenty(
    descriptions: list[dict[str, str]], language: str, ends: str
) -> None:
    counts: Counter[str] = Counter()
    for text in descriptions:
        counts.update({skeleton(sentence) for sentence in re.split(ends, text[language]) if sentence.strip()})
    worst, n = counts.most_common(1)[0]
    assert n <= len(descriptions) / 20, (n, worst)


def test_chinese_is_said_as_chinese_is(descriptions: list[dict[str, str]]) -> None:
    for odd in ("大小适中", "近景特写", "嗓音", "声音量", "。。", "，，", "，。"):
        assert not [text["zh"] for text in descriptions if odd in text["zh"]], odd
