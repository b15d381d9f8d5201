"""A deck as a video: frames with digits of our own segments, and the beeps as its audio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ver_pipeline.annotators.canaries.cards import BEEP_S, COLOURS, DARK_INK_ON, LONG_BEEP_S, PITCHES_HZ, Card, Deck
from ver_pipeline.media.film import write_film

RATE_HZ = 16_000
SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc",
    "5": "afgcd", "6": "afgedc", "7": "abc", "8": "abcdefg", "9": "abcdfg",
}  # fmt: skip
"""Which of the seven segments of a digit are lit: a top, b and c right, d bottom, e and f left, g middle."""


def frame_size(max_side: int) -> tuple[int, int]:
    """Width and height in pixels of a film that is not reduced on its way to a model of ``max_side``."""
    width = max(56, max_side // 2 * 2)
    return width, max(32, width * 9 // 16 // 2 * 2)


def small_height(width: int) -> int:
    """Height of the small digits in pixels: easily read as it is sent, and no longer at a third of that."""
    return max(9, width // 16)


def write_deck(path: Path, deck: Deck, max_side: int, sound: bool) -> None:
    """Write the deck as an MP4, a second a card (H.264, and AAC where ``sound``)."""
    import numpy as np

    pictures = [picture(card, max_side) for card in deck.cards]
    write_film(path, pictures, played(deck) if sound else np.zeros(0, np.float32), RATE_HZ)


def picture(card: Card, max_side: int) -> Any:
    """One card as pixels: height x width x 3, uint8, RGB."""
    import numpy as np

    width, height = frame_size(max_side)
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = COLOURS[card.colour]
    ink = (0, 0, 0) if card.colour in DARK_INK_ON else (255, 255, 255)
    for digit, place in zip(card.large + card.small + card.corners, places(width, height), strict=True):
        _draw_digit(pixels, digit, place, ink)
    return pixels


def places(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of each digit: the large one, two small ones, and the four corners row by row."""
    h = small_height(width)
    w, gap = max(5, h * 3 // 5), max(2, h // 4)
    big = min(height * 9 // 20, height - 3 * h - 4 * gap)
    top = height // 2 - (big + gap + h) // 2
    middle, below = width // 2, top + big + gap
    left, right, floor = gap, width - gap - w, height - gap - h
    return [
        (middle - big * 3 // 10, top, big * 3 // 5, big),
        (middle - w - gap // 2 - 1, below, w, h),
        (middle + gap // 2 + 1, below, w, h),
        (left, gap, w, h),
        (right, gap, w, h),
        (left, floor, w, h),
        (right, floor, w, h),
    ]


def segment_boxes(place: tuple[int, int, int, int]) -> dict[str, tuple[int, int, int, int]]:
    """Left, top, right and bottom of each segment of the digit at ``place``."""
    x, y, w, h = place
    t = max(1, round(h / 7))
    half = y + h // 2
    return {
        "a": (x, y, x + w, y + t), "g": (x, half - t // 2, x + w, half - t // 2 + t), "d": (x, y + h - t, x + w, y + h),
        "f": (x, y, x + t, half), "b": (x + w - t, y, x + w, half),
        "e": (x, half, x + t, y + h), "c": (x + w - t, half, x + w, y + h),
    }  # fmt: skip


def played(deck: Deck) -> Any:
    """The deck's beeps, a second each, as mono samples between -1 and 1."""
    import numpy as np

    samples = np.zeros(len(deck.beeps) * RATE_HZ, np.float32)
    for second, pitch in enumerate(deck.beeps):
        if pitch is None:
            continue
        n = int((LONG_BEEP_S if second == deck.long_at_s else BEEP_S) * RATE_HZ)
        wave = 0.5 * np.sin(2 * np.pi * PITCHES_HZ[pitch] * np.arange(n) / RATE_HZ)
        samples[second * RATE_HZ : second * RATE_HZ + n] = wave * np.minimum(1, np.arange(n)[::-1] / 200)
    return samples


def _draw_digit(pixels: Any, digit: str, place: tuple[int, int, int, int], ink: tuple[int, int, int]) -> None:
    boxes = segment_boxes(place)
    for name in SEGMENTS[digit]:
        left, top, right, bottom = boxes[name]
        pixels[top:bottom, left:right] = ink
