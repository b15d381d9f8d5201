"""Near-duplicate search is exact: it finds what comparing every pair finds."""

from __future__ import annotations

import itertools
import random

from ver_pipeline.quality.neardup import near_frames, near_texts, near_to

WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "grey",
    "geese",
    "fly",
    "past",
    "our",
    "old",
    "garden",
    "wall",
    "today",
)


def jaccard(a: str, b: str) -> float:
    x, y = (set(n) | set(itertools.pairwise(n)) for n in (a.split(), b.split()))
    return len(x & y) / len(x | y)


def test_every_similar_pair_ends_in_one_cluster() -> None:
    draw = random.Random(5)
    texts = [" ".join(draw.choices(WORDS, k=12)) for _ in range(60)]
    for text in texts[:30]:
        words = text.split()
        words[draw.randrange(12)] = draw.choice(WORDS)
        texts.append(" ".join(words))
    for threshold in (0.6, 0.8):
        clusters = near_texts(texts, threshold, 10)
        together = {pair for cluster in clusters for pair in itertools.combinations(cluster, 2)}
        for a, b in itertools.combinations(range(len(texts)), 2):
            if jaccard(texts[a], texts[b]) >= threshold:
                assert (a, b) in together
        assert clusters, "the planted copies must be found"


def test_dissimilar_and_short_texts_are_left_alone() -> None:
    assert near_texts(["Thank you!", "Thank you!", "An entirely different sentence stands here."], 0.6, 12) == []


def test_chinese_texts_with_one_character_changed_are_near() -> None:
    texts = [
        "我们终于赢了，今天我想让大家都听到。",
        "我们终于赢了，今天我想叫大家都听到。",
        "火车九点出发，中午之前到达。",
    ]
    assert near_texts(texts, 0.6, 12) == [[0, 1]]


def test_frames_within_the_bits_are_near_and_beyond_are_not() -> None:
    base = 0x0F1E2D3C4B5A6978
    spread = [1 << (9 * k) for k in range(7)]
    for n_bits, near in ((0, True), (5, True), (6, False), (7, False)):
        other = base ^ sum(spread[:n_bits])
        found = near_frames([[f"{base:016x}"], [f"{other:016x}"]], 5)
        assert (found == [[0, 1]]) is near, n_bits


def test_flat_frames_say_nothing() -> None:
    assert near_frames([["0" * 16], ["0" * 16], ["f" * 16], ["f" * 16]], 5) == []


def test_half_of_the_frames_must_match() -> None:
    a, b, c, d = ("0f1e2d3c4b5a6978", "5555aaaa5555aaaa", "123456789abcdef0", "0ff00ff00ff00ff0")
    assert near_frames([[a, b, c], [a, d, "3333cccc3333cccc"]], 5) == []
    assert near_frames([[a, b], [a, d]], 5) == [[0, 1]]


def test_every_close_pair_of_frames_is_found() -> None:
    draw = random.Random(9)
    values = [draw.getrandbits(64) for _ in range(40)]
    values += [v ^ sum(1 << bit for bit in draw.sample(range(64), draw.randrange(8))) for v in values]
    clusters = near_frames([[f"{v:016x}"] for v in values], 5)
    together = {pair for cluster in clusters for pair in itertools.combinations(cluster, 2)}
    close = {
        (a, b) for a, b in itertools.combinations(range(len(values)), 2) if (values[a] ^ values[b]).bit_count() <= 5
    }
    assert close and close <= together


def test_streamed_search_finds_every_similar_pair_too() -> None:
    draw = random.Random(6)
    texts = [" ".join(draw.choices(WORDS, k=12)) for _ in range(40)]
    others = {}
    for n in range(40):
        words = texts[n].split()
        words[draw.randrange(12)] = draw.choice(WORDS)
        others[f"o{n}"] = " ".join(words if n % 2 else draw.choices(WORDS, k=12))
    found = set(near_to(texts, others.items(), 0.6, 10))
    wanted = {(i, n) for i, a in enumerate(texts) for n, b in others.items() if jaccard(a, b) >= 0.6}
    assert found == wanted and wanted
