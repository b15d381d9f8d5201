"""Texts that say a thing twice, whole or in part (L06, L11)."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules.base import Context, Found
from ver_pipeline.schemas.rules.text import descriptions, longest_repeat, normalise, sentences, tokens


def l06_not_doubled(record: Record, context: Context) -> list[Found]:
    """The description does not begin again: its first sentence occurs once, and its second half is not its first.

    Nearly the same counts as the same (``min_similarity``): models repeat themselves with a word changed.
    """
    limits, defects = context.limits, []
    for language, pointer, text in descriptions(record):
        parts = [normalise(part) for part in sentences(text)]
        first = parts[0] if parts else ""
        enough = len(first) >= limits["min_chars_zh" if language == "zh" else "min_chars_en"]
        if enough and "".join(parts).count(first) > 1:
            defects.append(Found("holds its own first sentence twice", pointer))
        elif enough and _begins_again(parts, limits["min_similarity"]):
            defects.append(Found("says the same again in nearly the same words", pointer))
    return defects


def _begins_again(parts: list[str], least: float) -> bool:
    """Some cut between sentences near the middle leaves two halves that are nearly the same."""
    whole = sum(map(len, parts))
    for i in range(1, len(parts)):
        one, other = "".join(parts[:i]), "".join(parts[i:])
        if 0.38 * whole <= len(one) <= 0.62 * whole and _alike(one, other) >= least:
            return True
    return False


def _alike(one: str, other: str) -> float:
    """0-1, of two normalised texts: the share of characters in common, in order."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() > 0.5 else 0.0


def l11_no_repetition(record: Record, context: Context) -> list[Found]:
    """Few repeated pairs, no long repeated span, no 4-gram many times over."""
    limits, found = context.limits, []
    for _, pointer, text in descriptions(record):
        items = tokens(text)
        pairs = list(pairwise(items))
        if len(pairs) < 20:
            continue
        if len(set(pairs)) / len(pairs) < limits["min_distinct_2"]:
            found.append(Found("repeats the same word pairs", pointer))
        elif longest_repeat(items) > limits["max_repeat_share"] * len(items):
            found.append(Found("repeats a long span", pointer))
        else:
            grams = Counter(zip(items, items[1:], items[2:], items[3:], strict=False))
            if max(grams.values()) >= limits["max_4gram"]:
                found.append(Found("repeats one phrase many times", pointer))
    return found
