"""Where Chinese words begin and end: whether a piece of Chinese is a word where it stands, or straddles two.

色情 in 角色情绪 is no word, and neither is 白人 in 明白人.  The most probable way to split a run of characters into
words is found by dynamic programming over word frequencies (a unigram model), as jieba does it.  The words in
``words_zh.txt`` and their counts are those of jieba 0.42.1's dictionary (Copyright 2013 Sun Junyi, MIT licence) with up
to four characters that occur at least twenty times there.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from pathlib import Path

LONGEST = 4
AROUND = 8
"""Characters looked at on either side: what is further away does not move a border here."""
_HAN = re.compile(r"[\u3400-\u9fff]")


def stands(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end)`` begins and ends where words do; an edge that is not Chinese always does."""
    if start >= end:
        return True
    low = start
    while low > max(0, start - AROUND) and _HAN.match(text[low - 1]) and _HAN.match(text[start]):
        low -= 1
    high = end
    while high < min(len(text), end + AROUND) and _HAN.match(text[high]) and _HAN.match(text[end - 1]):
        high += 1
    return (low == start and high == end) or _stands(text[low:high], start - low, end - low)


@lru_cache(maxsize=65_536)
def _stands(run: str, start: int, end: int) -> bool:
    at = 0
    for word in split(run):
        first, last = at, at + len(word)
        at = last
        if first <= start and end <= last and (first, last) != (start, end):
            inner = split(word, whole=False)  # inside a longer word: 孩子 in 孩子们 is one, 白人 in 明白人 is none
            borders = {0, *(sum(map(len, inner[: i + 1])) for i in range(len(inner)))}
            return start - first in borders and end - first in borders
        if first < start < last or first < end < last:
            return False
    return True


@lru_cache(maxsize=16_384)
def split(run: str, whole: bool = True) -> tuple[str, ...]:
    """The words of a run of characters; with ``whole`` false the run itself is not taken for one."""
    costs, unknown = _costs()
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(run) + 1):
        ways = []
        for start in range(max(0, end - LONGEST), end):
            word = run[start:end]
            cost = costs.get(word, unknown if end - start == 1 else math.inf)
            if len(word) < len(run) or whole or len(run) == 1:
                ways.append((best[start][0] + cost, start))
        best.append(min(ways))
    words: list[str] = []
    end = len(run)
    while end:
        start = best[end][1]
        words.append(run[start:end])
        end = start
    return tuple(reversed(words))


@cache
def _costs() -> tuple[dict[str, float], float]:
    """Each word's negative log probability, and that of a character in no word."""
    lines = (Path(__file__).parent / "words_zh.txt").read_text(encoding="utf-8").splitlines()
    counts = {word: int(count) for word, count in (line.split(" ") for line in lines)}
    whole = math.log(sum(counts.values()))
    return {word: whole - math.log(count) for word, count in counts.items()}, whole
