"""From what a model read back to what is proven of a sense, and to what happened on the way where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ver_pipeline.annotators.canaries.cards import Card, Deck

State = Literal["proven", "refused", "unproven"]
MISREAD = 0.25
"""Share of cards of which a model that sees may misread digits; none may be missing or out of place."""
LEAST_READ = 0.5
"""Below this share of right answers a kind of digits counts as lost on the way."""
GUESSED = "answers right without being shown anything"
NOT_ANSWERING = "does not repeat two words of the question"


@dataclass(frozen=True, slots=True)
class Sense:
    """What is known of one sense.  ``hit_rate`` is the share of things read back right, None where nobody was asked;
    ``failed`` says what went wrong."""

    state: State = "unproven"
    hit_rate: float | None = None
    failed: tuple[str, ...] = ()


def judge_sight(deck: Deck, answered: Sequence[Mapping[str, str]], fine: bool) -> Sense:
    """What a list of cards proves.

    Args:
        fine: whether small digits can be read at the size that is sent; else only the large ones count.
    """
    cards = deck.cards
    rate = _hits(cards, answered, fine) / (len(cards) * (4 if fine else 2))
    known = [_known(card, cards) for card in answered]
    indices = [i for i in known if i is not None]
    failed = _places(len(cards), known, indices)
    if not failed and fine:
        pairs = [(cards[i], card) for i, card in zip(known, answered, strict=True) if i is not None]
        failed = _lost_detail(pairs)
    return Sense("refused" if failed else "proven", round(rate, 3), tuple(failed))


def judge_hearing(deck: Deck, answered: Mapping[str, Any]) -> Sense:
    """What told beeps prove: all pitches in order, and the second of the long one give or take one."""
    beeps, at_s = list(answered["beeps"]), answered["long_at_s"]
    right = [beeps == deck.pitches, at_s is not None and abs(at_s - deck.long_at_s) <= 1]
    failed = [] if right[0] else ["sound missing"] if not beeps else ["sound garbled: other beeps than were played"]
    if right == [True, False]:
        failed = ["sound out of time"]
    return Sense("proven" if all(right) else "refused", sum(right) / 2, tuple(failed))


def guessed(deck: Deck, answered: Sequence[Mapping[str, str]]) -> bool:
    """A model that was shown nothing tells half of the cards: its answers come from elsewhere and prove nothing."""
    indices = {i for i in (_known(card, deck.cards) for card in answered) if i is not None}
    return 2 * len(indices) >= len(deck.cards)


def _known(answered: Mapping[str, str], cards: Sequence[Card]) -> int | None:
    """The card that an answer means: the one that it has most in common with, if that is enough and only one."""
    marks = [_likeness(answered, card) for card in cards]
    best = max(marks)
    return marks.index(best) if best >= 3 and marks.count(best) == 1 else None


def _likeness(answered: Mapping[str, str], card: Card) -> int:
    """The two small digits and the corners are worth two each: few cards share them."""
    same = {name: _digits(answered[name]) == getattr(card, name) for name in ("large", "small", "corners")}
    coloured = answered["colour"] == card.colour
    return same["large"] + coloured + 2 * same["small"] + 2 * same["corners"] + (same["large"] and coloured)


def _places(n: int, known: Sequence[int | None], found: Sequence[int]) -> list[str]:
    """What is wrong with the order and the number of cards."""
    if not found:
        return ["frames missing: no card was seen"]
    if set(found) == {0} and n > 1:
        return ["only the first image seen"]
    failed = []
    if len(set(found)) < len(found):
        failed.append("frames repeated")
    if list(found) != sorted(found):
        failed.append("frames reordered")
    misread = len(known) - len(found)
    if misread > MISREAD * n or len(set(found)) + misread < n:
        failed.append("frames dropped")
    elif len(known) > n and not failed:
        failed.append("frames that nobody sent")
    return failed


def _lost_detail(pairs: Sequence[tuple[Card, Mapping[str, str]]]) -> list[str]:
    """Which kind of digits, or the colour, did not arrive."""

    def share(name: str) -> float:
        return sum(_digits(said[name]) == getattr(card, name) for card, said in pairs) / len(pairs)

    failed = []
    if share("small") < LEAST_READ:
        failed.append("frames downscaled below reading")
    elif share("corners") < LEAST_READ:
        failed.append("frames cropped")
    if sum(said["colour"] == card.colour for card, said in pairs) / len(pairs) < LEAST_READ:
        failed.append("colours lost")
    return failed


def _hits(cards: Sequence[Card], answered: Sequence[Mapping[str, str]], fine: bool) -> int:
    """Fields told right, card by card in order."""
    names = ("large", "small", "corners") if fine else ("large",)
    n = 0
    for card, said in zip(cards, answered, strict=False):
        n += sum(_digits(said[name]) == getattr(card, name) for name in names) + (said["colour"] == card.colour)
    return n


def _digits(text: str) -> str:
    """The digits of a text: models put blanks and commas between them."""
    return "".join(c for c in text if c in "0123456789")
