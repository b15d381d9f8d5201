"""What a canary shows and plays: cards with codes in a known order, and beeps at known seconds, all from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (200, 30, 30),
    "green": (20, 130, 40),
    "blue": (30, 60, 200),
    "yellow": (240, 220, 40),
    "purple": (140, 40, 170),
    "white": (255, 255, 255),
    "black": (10, 10, 10),
}
"""The grounds of cards, in RGB: names that people and models agree about."""
DARK_INK_ON = frozenset({"yellow", "white"})
PITCHES_HZ = {"low": 220, "high": 1760}
"""Three octaves apart: telling them asks for ears, not for a musical one."""
BEEP_S, LONG_BEEP_S = 0.25, 0.75
WORDS = ("anchor", "basket", "candle", "desert", "engine", "forest", "garden", "harbor", "island", "jacket")


@dataclass(frozen=True, slots=True)
class Card:
    """One second of film.  ``large`` is a digit that fills half the height, ``small`` two digits beneath it that any
    further reduction makes unreadable, ``corners`` four digits at the edges that any crop takes away."""

    large: str
    small: str
    corners: str
    colour: str


@dataclass(frozen=True, slots=True)
class Deck:
    """A canary: its cards in order, its beeps (a pitch a second, None for silence; ``long_at_s`` is the long one), and
    the word and number of the control in words."""

    cards: tuple[Card, ...]
    beeps: tuple[str | None, ...]
    long_at_s: int
    word: str
    number: str

    @property
    def pitches(self) -> list[str]:
        """The pitches of the beeps, in order."""
        return [pitch for pitch in self.beeps if pitch is not None]


def deal(seed: str, n_cards: int) -> Deck:
    """The canary of ``seed``; the same everywhere.

    No two cards share their small digits, nor both large digit and colour, and no two neighbours a colour: each card is
    known by itself, and an exchange of any two shows.
    """
    # no secret and no statistics: any generator that is the same everywhere will do
    draw = random.Random(seed)
    small = draw.sample(range(10, 100), n_cards)
    cards: list[Card] = []
    free = [(digit, colour) for digit in "0123456789" for colour in COLOURS]
    for code in small:
        large, colour = draw.choice([card for card in free if not cards or card[1] != cards[-1].colour])
        free.remove((large, colour))
        corners = "".join(draw.choice("0123456789") for _ in range(4))
        cards.append(Card(large, str(code), corners, colour))
    seconds = max(8, n_cards)
    sounding = sorted(draw.sample(range(seconds - 1), draw.randint(4, 7)))
    beeps = [draw.choice(sorted(PITCHES_HZ)) if i in sounding else None for i in range(seconds)]
    return Deck(tuple(cards), tuple(beeps), draw.choice(sounding), draw.choice(WORDS), str(draw.randint(1000, 9999)))
