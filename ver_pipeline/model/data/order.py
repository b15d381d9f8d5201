"""The order of training: a pure function of (data, seed, epoch), the same on every machine.

Positions are sorted by a 64-bit mix of (seed, epoch, index).  No library's generator is involved, so
no upgrade can change an order that a checkpoint relies on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def mix(*parts: Any) -> int:
    """A 64-bit number that depends on every part and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def choose(options: Sequence[T], *parts: Any) -> T:
    """One of the options, by :func:`mix`."""
    return options[mix(*parts) % len(options)]


def permutation(n: int, *parts: Any) -> np.ndarray:
    """A permutation of ``range(n)``, int64 [n], that depends on ``parts`` only.

    splitmix64 of (base + index), sorted; equal values, should they occur, keep their order.
    """
    with np.errstate(over="ignore"):
        z = np.uint64(mix(*parts)) + np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.argsort(z, kind="stable")


@dataclass(frozen=True, slots=True)
class Part:
    """One set of a mixture: ``n`` items, drawn ``round(n * weight)`` times an epoch."""

    name: str
    n: int
    weight: float = 1.0

    @property
    def draws(self) -> int:
        """Draws in one epoch, at least one."""
        return max(1, round(self.n * self.weight))


def draws_of(part: Part, seed: int, epoch: int) -> np.ndarray:
    """The items of one part in one epoch, int64 [draws].

    The part is an endless row of permutations; an epoch takes the next ``draws`` of it.  So with
    weight 1 each item comes exactly once an epoch, with 0.5 exactly once in two epochs, with 2 twice.
    """
    first, end = epoch * part.draws, (epoch + 1) * part.draws
    pieces = []
    for lap in range(first // part.n, -(-end // part.n)):
        order = permutation(part.n, "draw", part.name, seed, lap)
        pieces.append(order[max(first - lap * part.n, 0) : end - lap * part.n])
    return np.concatenate(pieces)


def epoch_order(
    parts: Sequence[Part], seed: int, epoch: int, *, lengths: Sequence[np.ndarray] | None = None, bucket: int = 0
) -> np.ndarray:
    """The epoch's items as an int64 array [total, 2] of (part, item).

    Args:
        parts: the mixture.
        seed: the run's seed.
        epoch: counted from 0.
        lengths: per part, the expected length of each item, [n], in any unit (used only with ``bucket``).
        bucket: when positive, the global batch size: batches are then made of items of similar length
            (sorted inside groups of 50 batches), and the batches are shuffled.
    """
    pairs = [
        np.stack([np.full(len(items), i), items], axis=1)
        for i, items in enumerate(draws_of(p, seed, epoch) for p in parts)
    ]
    order = np.concatenate(pairs).astype(np.int64)
    order = order[permutation(len(order), "order", seed, epoch)]
    if bucket and lengths is not None:
        order = _bucketed(order, lengths, bucket, seed, epoch)
    return order


def steps_in(total: int, global_batch: int, drop_last: bool) -> int:
    """Optimizer steps of an epoch."""
    return total // global_batch if drop_last else -(-total // global_batch)


def rank_share(batch: np.ndarray, rank: int, world_size: int) -> np.ndarray:
    """The rows of a global batch, [rows, 2], that one rank takes: contiguous, sizes differ by at most one."""
    return np.array_split(batch, world_size)[rank]


def _bucketed(
    order: np.ndarray, lengths: Sequence[np.ndarray], batch: int, seed: int, epoch: int, group: int = 50
) -> np.ndarray:
    size = np.array([lengths[part][item] for part, item in order])
    batches: list[np.ndarray] = []
    for start in range(0, len(order), batch * group):
        rows = np.arange(start, min(start + batch * group, len(order)))
        rows = rows[np.argsort(size[rows], kind="stable")]
        batches += [rows[i : i + batch] for i in range(0, len(rows), batch)]
    whole = [b for b in batches if len(b) == batch]
    short = [b for b in batches if len(b) < batch]  # at most one: the epoch's end
    shuffled = [whole[i] for i in permutation(len(whole), "buckets", seed, epoch)]
    return order[np.concatenate(shuffled + short)]
