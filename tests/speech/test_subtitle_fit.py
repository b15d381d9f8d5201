"""Where cues are out of step with a voice, by how much is found; where nothing says so, nothing is moved."""

from __future__ import annotations

import random

import pytest

from ver_pipeline.transcribers.subtitles.fit import Move, Token, move_by_voice, move_by_words, shares

MINUTE = 60.0


def talk(length_s: float, seed: int = 1) -> list[tuple[float, float]]:
    """Stretches of speech as in a conversation: 1 to 5 s, with pauses of 0.5 to 6 s."""
    rng, at_s, spans = random.Random(seed), 2.0, []
    while at_s < length_s - 6:
        end_s = at_s + rng.uniform(1, 5)
        spans.append((at_s, end_s))
        at_s = end_s + rng.uniform(0.5, 6)
    return spans


def inverse(move: Move, spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cues that ``move`` brings onto ``spans``."""
    return [((a - move.offset_s) / move.rate, (b - move.offset_s) / move.rate) for a, b in spans]


@pytest.mark.parametrize(
    "move", [Move(2.5), Move(-7.0), Move(41.0), Move(0.0, 25 / 24), Move(3.0, 24 / 25), Move(-1.5, 1001 / 1000)]
)
def test_offset_and_rate_are_found_from_the_voice_alone(move: Move) -> None:
    voice = talk(40 * MINUTE)
    found = move_by_voice(inverse(move, voice), voice, 40 * MINUTE)
    assert found is not None
    assert found.rate == pytest.approx(move.rate, abs=1e-9)
    assert found.offset_s == pytest.approx(move.offset_s, abs=0.11)


def test_cues_in_step_stay_and_cues_of_another_video_are_not_moved() -> None:
    voice = talk(20 * MINUTE)
    early = [(a - 0.2, b + 0.3) for a, b in voice]
    assert move_by_voice(early, voice, 20 * MINUTE) == Move()
    assert move_by_voice(talk(20 * MINUTE, seed=2), voice, 20 * MINUTE) is None
    assert move_by_voice(voice[:3], voice[:3], 30.0) is None


def words(seed: int, n: int, from_s: float, step_s: float = 0.5) -> list[Token]:
    rng = random.Random(seed)
    return [Token(f"w{rng.randrange(400)}", from_s + i * step_s) for i in range(n)]


@pytest.mark.parametrize("move", [Move(3.2), Move(-20.0), Move(0.0, 25 / 24), Move(-2.0, 24 / 25)])
def test_offset_and_rate_are_found_from_words_that_are_heard(move: Move) -> None:
    said = words(1, 2400, 0.0)
    cues = [Token(token.text, (token.at_s - move.offset_s) / move.rate) for token in said]
    heard = [[token for token in said if begin <= token.at_s < begin + 28] for begin in (40.0, 500.0, 950.0)]
    found = move_by_words(heard, cues)
    assert found is not None
    assert found.rate == pytest.approx(move.rate, abs=1e-9)
    assert [found(t) for t in (10.0, 900.0)] == [pytest.approx(move(t), abs=0.1) for t in (10.0, 900.0)]


def test_half_the_words_misheard_move_nothing_wrongly() -> None:
    said, rng = words(1, 200, 0.0), random.Random(3)
    heard = [Token(token.text if rng.random() < 0.6 else "misheard", token.at_s) for token in said]
    assert move_by_words([heard], said) == Move()
    assert move_by_words([words(2, 60, 0.0)], said) is None
    assert move_by_words([[]], said) is None


def test_a_file_that_is_cut_differently_has_no_one_move() -> None:
    said = words(1, 2400, 0.0)
    cues = [Token(t.text, t.at_s - (9.0 if t.at_s > 700 else 0.0)) for t in said]
    heard = [[t for t in said if begin <= t.at_s < begin + 28] for begin in (40.0, 500.0, 950.0)]
    assert move_by_words(heard, cues) is None


def test_how_much_of_the_voice_has_words_is_measured() -> None:
    assert shares([(0.0, 2.0), (1.0, 3.0), (8.0, 9.0)], [(1.0, 4.0), (20.0, 21.0)]) == (0.5, pytest.approx(2 / 3))
    assert shares([(0.0, 1.0)], []) == (0.0, 0.0)
