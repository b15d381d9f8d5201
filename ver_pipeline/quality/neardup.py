"""Finds near-duplicates among many texts or frames, exactly: no pair above the threshold is missed.

Texts are sets of words and word pairs (Chinese: characters and character pairs) compared by Jaccard
similarity; candidates come from the prefix filter of set-similarity joins (rarest members first), so
almost no pair is compared in vain.  Frames
are 64-bit perceptual hashes compared by Hamming distance; candidates share three bytes of the hash.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ver_pipeline.schemas.rules.text import normalise, tokens

MAX_BITS = 5
"""Of the eight bytes of a hash, at most five are touched by five differing bits: three are equal."""
EQUAL_BYTES = 8 - MAX_BITS
FLAT_BITS = 6
"""A hash with fewer set bits than this (or fewer unset ones) is of a flat frame and says nothing."""


def near_texts(texts: Sequence[str], threshold: float, min_chars: int) -> list[list[int]]:
    """Clusters (two or more) of texts whose Jaccard similarity reaches ``threshold``, by position.

    Texts with fewer than ``min_chars`` letters and digits take no part: short lines recur honestly.
    Clusters are closed under similarity: A near B near C puts all three together.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        plain = normalise(text)
        if len(plain) >= min_chars:
            same[plain].append(i)
    sets = [shingles(texts[members[0]]) for members in same.values()]
    members = list(same.values())
    return [
        sorted(i for node in group for i in members[node])
        for group in _groups(len(sets), _similar_sets(sets, threshold), members)
    ]


def near_to(
    texts: Sequence[str], others: Iterable[tuple[str, str]], threshold: float, min_chars: int
) -> Iterator[tuple[int, str]]:
    """``(position in texts, name)`` for every one of ``others`` (name, text) that is near one of ``texts``.

    Memory grows with ``texts`` only; ``others`` are streamed.  Exact, as :func:`near_texts` is.
    """
    sets = {i: shingles(text) for i, text in enumerate(texts) if len(normalise(text)) >= min_chars}
    frequency = Counter(member for members in sets.values() for member in members)
    by_member: dict[str, list[int]] = defaultdict(list)
    for i, members in sets.items():
        for member in _prefix(members, frequency, threshold):
            by_member[member].append(i)
    for name, text in others:
        if len(normalise(text)) < min_chars:
            continue
        members = shingles(text)
        candidates = {i for m in _prefix(members, frequency, threshold) for i in by_member.get(m, ())}
        for i in sorted(candidates):
            shared = len(members & sets[i])
            if shared >= threshold * (len(members) + len(sets[i]) - shared):
                yield i, name


def _prefix(members: frozenset[str], frequency: Mapping[str, int], threshold: float) -> list[str]:
    """The rarest members of a set: two sets that are near share one of them (members in one fixed order)."""
    ordered = sorted(members, key=lambda m: (frequency.get(m, 0), m))
    return ordered[: len(ordered) - math.ceil(threshold * len(ordered)) + 1]


def shingles(text: str) -> frozenset[str]:
    """The words of a text (Chinese: characters) and the pairs of neighbours among them."""
    items = tokens(text)
    return frozenset(items) | {f"{a} {b}" for a, b in itertools.pairwise(items)}


def near_frames(hashes: Sequence[Sequence[str]], max_bits: int) -> list[list[int]]:
    """Clusters of clips of which at least half the (not flat) frames look alike, by position.

    Args:
        hashes: the 16-hex-digit perceptual hashes of each clip.
        max_bits: how many bits two hashes of look-alike frames may differ in, at most ``MAX_BITS``.

    Raises:
        ValueError: ``max_bits`` is out of range.
    """
    if not 0 <= max_bits <= MAX_BITS:
        raise ValueError(f"max_bits must be 0 to {MAX_BITS}, not {max_bits}")
    telling = [[int(h, 16) for h in clip if FLAT_BITS <= int(h, 16).bit_count() <= 64 - FLAT_BITS] for clip in hashes]
    showing: dict[int, list[int]] = defaultdict(list)
    for i, clip in enumerate(telling):
        for value in dict.fromkeys(clip):
            showing[value].append(i)
    candidates = {
        (min(a, b), max(a, b))
        for left, right in _close_hashes(sorted(showing), max_bits)
        for a in showing[left]
        for b in showing[right]
        if a != b
    }
    close = [(a, b) for a, b in sorted(candidates) if _alike(telling[a], telling[b], max_bits)]
    return [sorted(group) for group in _groups(len(telling), close, [[i] for i in range(len(telling))])]


def _close_hashes(values: Sequence[int], max_bits: int) -> Iterator[tuple[int, int]]:
    """Pairs of hashes (each also with itself) within ``max_bits``: those that share some three bytes are compared."""
    yield from ((value, value) for value in values)
    for places in itertools.combinations(range(8), EQUAL_BYTES):
        mask = sum(0xFF << (8 * place) for place in places)
        same: dict[int, list[int]] = defaultdict(list)
        for value in values:
            same[value & mask].append(value)
        for group in same.values():
            for a, b in itertools.combinations(group, 2):
                if (a ^ b).bit_count() <= max_bits:
                    yield a, b


def _alike(left: list[int], right: list[int], max_bits: int) -> bool:
    if len(left) > len(right):
        left, right = right, left
    matched = sum(any((a ^ b).bit_count() <= max_bits for b in right) for a in left)
    return 2 * matched >= len(left)


def _similar_sets(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of sets with Jaccard >= threshold."""
    frequency = Counter(member for members in sets for member in members)
    by_member: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(sets)), key=lambda n: (len(sets[n]), n)):
        size = len(sets[i])
        seen: set[int] = set()
        for member in _prefix(sets[i], frequency, threshold):
            seen.update(j for j in by_member[member] if len(sets[j]) >= threshold * size)
            by_member[member].append(i)
        for j in seen:
            shared = len(sets[i] & sets[j])
            if shared >= threshold * (size + len(sets[j]) - shared):
                yield j, i


def _groups(n: int, pairs: Iterable[tuple[int, int]], members: Sequence[Sequence[int]]) -> list[list[int]]:
    """Connected components (union-find) that stand for two or more members, in order of position."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        ra, rb = root(a), root(b)
        parent[max(ra, rb)] = min(ra, rb)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(n):
        groups[root(i)].append(i)
    return [group for group in groups.values() if sum(len(members[i]) for i in group) > 1]
