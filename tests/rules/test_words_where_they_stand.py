"""A word counts where it stands as a word, is claimed, and is the writer's own."""

# ruff: noqa: E501  (a table of words reads better unbroken)
from __future__ import annotations

import pytest
from factory import make_dict
from straddling import STRADDLING

from ver_pipeline.schemas.labels import extract
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.rules import run_rules
from ver_pipeline.schemas.segment import split, stands

WITH_FACE, SILENT, FACELESS, SOUNDLESS = 0, 3, 4, 12


@pytest.mark.parametrize("base", [WITH_FACE, SILENT, FACELESS, SOUNDLESS])
def test_a_hundred_everyday_sentences_give_no_finding(base: int) -> None:
    assert len(set(STRADDLING)) == 100
    for sentence in STRADDLING:
        data = make_dict(base)
        data["description"]["zh"] = sentence + data["description"]["zh"]
        data["observations"][0]["text_zh"] += sentence
        assert run_rules(parse_record(data)).findings == (), sentence


@pytest.mark.parametrize(
    ("text", "word", "whole"),
    [
        ("角色情绪很稳", "色情", False), ("内容涉及色情", "色情", True), ("理性行为", "性行为", False),
        ("发生性行为", "性行为", True), ("他是个明白人", "白人", False), ("一名白人男子", "白人", True),
        ("当前情况", "前情", False), ("前情提要", "前情", True), ("孩子们在玩", "孩子", True), ("笑容满面", "笑容", True),
        ("流泪满面", "泪", True), ("不同情绪交替", "同情", False), ("她很同情他", "同情", True), ("面对话筒", "对话", False),
        ("对白色墙面", "对白", False), ("abc高兴def", "高兴", True),
    ],
)  # fmt: skip
def test_word_is_told_from_a_piece_of_two(text: str, word: str, whole: bool) -> None:
    at = text.index(word)
    assert stands(text, at, at + len(word)) is whole


def test_splitting_keeps_every_character() -> None:
    for sentence in STRADDLING:
        assert "".join(split(sentence)) == sentence


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("He is far from happy.", ""), ("She is unable to feel happy.", ""), ("He does not look happy.", ""),
        ("Don't be sad about it.", ""), ("She tells him not to be sad.", ""), ("The doctor says he is angry.", ""),
        ("There is no sign of fear.", ""), ("She shows no trace of anger or joy.", ""), ("Without any fear he goes on.", ""),
        ("He says he is afraid, but he looks sad.", "sadness"), ("The person appears happy.", "happiness"),
        ("He is not only sad but angry.", "sadness anger"), ("She cannot hide her happiness.", "happiness"),
        ("Instead of joy there is anger.", "anger"), ("The tone of voice tells of sadness.", "sadness"),
        ("It is not surprising that he is angry.", "anger"),
    ],
)  # fmt: skip
def test_english_words_that_are_denied_or_only_reported_are_not_claimed(text: str, labels: str) -> None:
    assert set(extract(text, "en")) == set(labels.split())


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("别担心，一切都好。", ""), ("不要难过，会过去的。", ""), ("他高兴不起来。", ""), ("她并不生气。", ""),
        ("他没有感到害怕。", ""), ("医生说他很焦虑。", ""), ("请你不要为此难过。", ""), ("他一点也不高兴。", ""),
        ("看不出任何愤怒。", ""), ("她毫无恐惧地站着。", ""), ("语气中没有一丝愤怒。", ""), ("不同情绪交替出现。", ""),
        ("他提高兴趣。", ""), ("此人看起来很高兴。", "happiness"), ("他不禁感到悲伤。", "sadness"),
        ("她难以掩饰内心的喜悦。", "happiness"), ("他说话时显得十分愤怒。", "anger"), ("她无比愤怒。", "anger"),
    ],
)  # fmt: skip
def test_chinese_words_that_are_denied_or_only_reported_are_not_claimed(text: str, labels: str) -> None:
    assert set(extract(text, "zh")) == set(labels.split())


def test_a_comforting_line_without_quotation_marks_is_no_conclusion() -> None:
    """C02 and C07 read claims: what is asked not to be felt is none."""
    data = make_dict(0)
    data["description"]["en"] += " It is said softly: do not be sad."
    data["description"]["zh"] += "话里的意思是不要难过。"
    assert run_rules(parse_record(data)).findings == ()


def test_words_alone_never_reject_for_a_minor() -> None:
    data = make_dict(0)
    data["description"]["en"] += " A child watches, and there is talk of suicide."
    data["description"]["zh"] += "一个孩子在看，有人谈到自杀。"
    found = {(f.code, f.severity) for f in run_rules(parse_record(data)).findings}
    assert ("S03", "flag") in found and "reject" not in {severity for _, severity in found}
    data["safety"]["minor_possible"] = True
    assert ("S03", "reject") in {(f.code, f.severity) for f in run_rules(parse_record(data)).findings}


def test_what_somebody_is_reported_to_say_of_an_illness_is_no_diagnosis_of_ours() -> None:
    data = make_dict(0)
    data["description"]["en"] += " The doctor says he is mentally ill."
    data["description"]["zh"] += "医生说他患有抑郁症。"
    assert {(f.code, f.severity) for f in run_rules(parse_record(data)).findings} >= {("S06", "flag")}
    assert "reject" not in {f.severity for f in run_rules(parse_record(data)).findings if f.code == "S06"}
    data["description"]["en"] = data["description"]["en"].replace("The doctor says he", "The person")
    assert ("S06", "reject") in {(f.code, f.severity) for f in run_rules(parse_record(data)).findings}
