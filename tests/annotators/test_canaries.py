"""A teacher that loses frames or sound on the way is found out; one that sees and hears is believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canary_eyes import HINDRANCES, InProcess, read_words
from server_kit import make_server

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.canaries.cards import deal
from ver_pipeline.annotators.canaries.check import Report, check
from ver_pipeline.annotators.teacher.chat import Chat

MANY = int(os.environ.get("VER_CANARIES", "200"))
"""1000 sends the thousand and the hundreds that docs/guarantees/senses.md tells of; fewer are the same loops."""
SEEDS = range(max(25, MANY // 10))


def proved(model: InProcess, run: int = 0) -> Report:
    return check(model, run, model.write)


@pytest.mark.parametrize("manner", sorted(HINDRANCES))
def test_a_server_that_hinders_sight_is_refused_for_it_every_time(manner: str) -> None:
    hinder, named = HINDRANCES[manner]
    reports = [proved(InProcess(hinder, seed=seed)) for seed in SEEDS]
    assert [report.sight.state for report in reports] == ["refused"] * len(SEEDS)
    assert all(named in report.sight.failed for report in reports), {report.sight.failed for report in reports}


def test_an_honest_model_is_believed_every_time() -> None:
    reports = [proved(InProcess(seed=seed, hears=seed % 4 == 0, n_frames=3 + seed % 4), seed) for seed in range(MANY)]
    assert {report.sight.state for report in reports} == {"proven"}
    assert {report.hearing.state for report in reports[::4]} == {"proven"}
    assert {report.hit_rate for report in reports} == {1.0}


def test_a_mute_server_is_refused_for_hearing_and_for_nothing_else_every_time() -> None:
    reports = [proved(InProcess(mute=True, hears=True, seed=seed)) for seed in SEEDS]
    assert {(r.sight.state, r.hearing.state, r.hearing.failed) for r in reports} == {
        ("proven", "refused", ("sound missing",))
    }


def test_a_deaf_model_that_guesses_beeps_is_refused_every_time() -> None:
    for seed in SEEDS:
        model = InProcess(mute=True, hears=True, seed=seed, reply=guessing(["low", "high", "low", "high", "low"]))
        assert proved(model).hearing.state == "refused"


def guessing(beeps: list[str]) -> Callable[[Chat], dict[str, Any]]:
    def reply(chat: Chat) -> dict[str, Any]:
        if "number is" in chat.user:
            return read_words(chat.user)
        return {"beeps": beeps, "long_at_s": 3} if "beeps" in chat.user else {"cards": []}

    return reply


def test_a_blind_model_that_invents_cards_is_refused_every_time() -> None:
    for seed in SEEDS:
        other = deal(f"other {seed}", 6).cards
        cards = [{"large": c.large, "small": c.small, "corners": c.corners, "colour": c.colour} for c in other]

        def invent(chat: Chat, cards: list[dict[str, str]] = cards) -> dict[str, Any]:
            return read_words(chat.user) if "number is" in chat.user else {"cards": cards}

        assert proved(InProcess(seed=seed, reply=invent)).sight.state == "refused"


def test_a_model_that_tells_the_cards_without_being_shown_any_proves_nothing() -> None:
    model = InProcess()

    def knows(chat: Chat) -> dict[str, Any]:
        if "number is" in chat.user:
            return read_words(chat.user)
        dealt = model.deck.cards
        return {
            "cards": [{"large": c.large, "small": c.small, "corners": c.corners, "colour": c.colour} for c in dealt]
        }

    model._reply = knows
    assert proved(model).sight.failed == ("answers right without being shown anything",)


def test_a_model_that_answers_no_plain_question_is_told_apart_from_a_blind_one() -> None:
    failed = proved(
        InProcess(reply=lambda chat: {"cards": []} if "picture" in chat.user else {"word": "", "number": ""})
    )
    assert failed.sight.failed == ("frames missing: no card was seen", "does not repeat two words of the question")


def test_a_weak_reader_that_misreads_a_card_in_six_is_believed() -> None:
    def smudge(frames: list[Any], draw: Any) -> list[Any]:
        i = draw.randrange(len(frames))
        return [one // 2 + 60 if at == i else one for at, one in enumerate(frames)]

    reports = [proved(InProcess(smudge, seed=seed)) for seed in SEEDS]
    assert {report.sight.state for report in reports} == {"proven"}
    assert max(report.sight.hit_rate or 0 for report in reports) < 1


def test_the_same_model_and_run_get_the_same_cards_and_another_run_gets_others() -> None:
    models = [InProcess(seed=1), InProcess(seed=1), InProcess(seed=2)]
    decks = []
    for model, run in zip([models[0], models[1], models[0], models[2]], [0, 0, 1, 0], strict=True):
        proved(model, run)
        decks.append(model.deck)
    assert decks[0] == decks[1]
    assert len({decks[0], decks[2], decks[3]}) == 3


@pytest.mark.parametrize(
    ("options", "hinder", "states"),
    [
        ({}, None, ("proven", "unproven")),
        ({"max_side": 224, "n_frames": 3}, None, ("proven", "unproven")),
        ({"max_side": 56, "n_frames": 2}, None, ("proven", "unproven")),
        ({"send": "video", "hears": True}, None, ("proven", "proven")),
        ({}, "sees the first", ("refused", "unproven")),
        ({"send": "nothing"}, None, ("unproven", "unproven")),
    ],
)
def test_canaries_go_the_way_of_clips_over_files_codecs_and_http(
    options: dict[str, Any], hinder: str | None, states: tuple[str, str], tmp_path: Path
) -> None:
    with make_server(1) as server:
        server.hinder = (lambda frames: frames[:1]) if hinder else None
        annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **options}, tmp_path)
        annotator.open()
        report = check(annotator)
    assert (report.sight.state, report.hearing.state) == states
    assert not list(tmp_path.rglob("*.json")), "a canary's answer is never kept"


def test_a_server_that_nobody_reaches_proves_nothing_either_way() -> None:
    quick = {"tries": 1, "timeout_s": 0.5}
    annotator = OpenAIAnnotator({"model": "m", "base_url": "http://127.0.0.1:9/v1", **quick})
    annotator.open()
    report = check(annotator)
    assert (report.reached, report.sight.state, report.refused) == (False, "unproven", ())
