"""Batches for one rank: exactly-once order, O(1) resume, named bad samples, any number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ver_pipeline.model.data.chat import IGNORED, Encoded, Turn, Visual, encode_chat
from ver_pipeline.model.data.collate import Batch, collate
from ver_pipeline.model.data.order import Part, epoch_order, rank_share, steps_in
from ver_pipeline.model.data.samples import Source
from ver_pipeline.model.vision import FRAMES_PER_PATCH, PATCH
from ver_pipeline.schemas.errors import ConfigError, CorruptDataError, VerError

Draw = tuple[int, int, int]
"""(epoch, part, item)"""


@dataclass(frozen=True, slots=True)
class BadSample:
    """A sample that could not be used: which (shard and key), and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What one forward pass takes.  ``n_targets`` is 0 when nothing of it carries loss."""

    batch: Batch
    n_targets: int
    n_tokens: int
    names: tuple[str, ...]
    bad: tuple[BadSample, ...] = ()


@dataclass(frozen=True, slots=True)
class LoaderConfig:
    """How the stream is cut.

    The global batch is the unit of training: ranks share it, and ``micro_batch`` bounds one forward
    pass.  ``drop_last`` leaves an epoch's short last batch out (the count is reported); else it is kept.
    ``every_kind`` adds a tiny frame and a tiny video without loss to micro-batches that lack one: with
    sharded weights (FSDP) every rank must call the vision tower equally often.
    """

    global_batch: int
    micro_batch: int
    seed: int = 0
    drop_last: bool = False
    bucket: bool = False
    workers: int = 0
    every_kind: bool = False

    def __post_init__(self) -> None:
        if self.global_batch < 1 or self.micro_batch < 1:
            raise ConfigError("batch sizes must be at least 1", "see batch: in the stage file")


@dataclass(slots=True)
class BadBudget:
    """Counts bad samples over the whole run; past the budget the run stops with the list."""

    allowed: int
    seen: list[BadSample] = field(default_factory=list)

    def add(self, bad: Sequence[BadSample]) -> None:
        """Count more; a name that was seen before (another epoch, another language) counts once.

        Raises:
            CorruptDataError: the budget is exceeded.
        """
        known = {sample.name for sample in self.seen}
        self.seen += {sample.name: sample for sample in bad if sample.name not in known}.values()
        if len(self.seen) > self.allowed:
            listing = "; ".join(f"{s.name}: {s.reason}" for s in self.seen[:20])
            raise CorruptDataError(
                f"{len(self.seen)} bad samples, allowed are {self.allowed}: {listing}",
                "repair or exclude them (--where), or raise max_bad_samples",
            )


class ItemDataset(Dataset):
    """Draws to samples.  Holds no position and no random state, so any worker gives the same."""

    def __init__(
        self, sources: Sequence[Source], tokenizer: Any, model_config: Any, seed: int, *, every_kind: bool = False
    ) -> None:
        self.sources, self.tokenizer, self.model_config, self.seed = sources, tokenizer, model_config, seed
        self.every_kind = every_kind

    def __getitems__(self, draws: list[Draw]) -> list[MicroBatch]:
        """One micro-batch for the draws of one forward pass (wrapped in a list for the DataLoader)."""
        good: list[Encoded] = []
        bad: list[BadSample] = []
        for epoch, part, item in draws:
            source = self.sources[part]
            try:
                good.append(source.build(item, self.tokenizer, (self.seed, epoch)))
            except (VerError, ValueError, KeyError, OSError) as error:
                bad.append(BadSample(source.name(item), f"{type(error).__name__}: {error}"))
        names = tuple(sample.name for sample in good)
        targets, tokens = sum(sample.n_targets for sample in good), sum(len(sample.ids) for sample in good)
        if self.every_kind:
            present = {sample.visual.kind for sample in good if sample.visual is not None}
            good += [filler(self.tokenizer, blank(kind)) for kind in ("image", "video") if kind not in present]
        good = good or [filler(self.tokenizer)]
        batch = collate(good, self.tokenizer.pad_token_id, self.model_config)
        return [MicroBatch(batch, targets, tokens, names, tuple(bad))]


def blank(kind: str) -> Visual:
    """Black, 56 x 56 pixels: the smallest frame (or two frames) that the preprocessing makes, as 16 patches."""
    grid = torch.tensor([1, 4, 4])
    return Visual(kind, torch.zeros(int(grid.prod()), 3 * FRAMES_PER_PATCH * PATCH * PATCH), grid)


def filler(tokenizer: Any, visual: Visual | None = None) -> Encoded:
    """A short sample without loss: what a rank computes when its share of a batch is empty."""
    sample = encode_chat(tokenizer, [Turn("user", "."), Turn("assistant", ".")], visual, name="filler")
    return Encoded(sample.ids, [IGNORED] * len(sample.ids), visual, "filler")


class Loader:
    """The stream of one stage on one rank.

    ``steps(epoch, start)`` yields, for each optimizer step from ``start`` on, this rank's micro-batches.
    All ranks yield the same number of steps and of micro-batches.  Which samples form a global batch
    depends on (sets, seed, epoch, global batch) alone, not on ranks, workers or the point of resume.
    """

    def __init__(
        self, sources: Sequence[Source], tokenizer: Any, model_config: Any, config: LoaderConfig,
        *, rank: int = 0, world_size: int = 1,
    ) -> None:  # fmt: skip
        self.sources, self.config, self.rank, self.world_size = list(sources), config, rank, world_size
        self.parts = [
            Part(f"{i}:{s.identity.dataset_id[:16]}", s.n_items, s.spec.weight) for i, s in enumerate(sources)
        ]
        self.lengths = [s.lengths() for s in sources] if config.bucket else None
        self.dataset = ItemDataset(self.sources, tokenizer, model_config, config.seed, every_kind=config.every_kind)
        self._orders: dict[int, np.ndarray] = {}

    @property
    def items_per_epoch(self) -> int:
        """Draws in an epoch over all sets."""
        return sum(part.draws for part in self.parts)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return steps_in(self.items_per_epoch, self.config.global_batch, self.config.drop_last)

    @property
    def dropped_per_epoch(self) -> int:
        """Items that ``drop_last`` leaves out of an epoch."""
        return max(0, self.items_per_epoch - self.steps_per_epoch * self.config.global_batch)

    def identity(self) -> list[dict[str, Any]]:
        """What must be the same for a resume to be exact."""
        return [
            {**s.identity.to_dict(), "weight": s.spec.weight, "tasks": list(s.spec.tasks), "media": s.spec.media,
             "languages": list(s.spec.languages), "paired": s.spec.paired}
            for s in self.sources
        ]  # fmt: skip

    def order(self, epoch: int) -> np.ndarray:
        """The epoch's draws, int64 [total, 2] of (part, item)."""
        if epoch not in self._orders:
            bucket = self.config.global_batch if self.config.bucket else 0
            self._orders = {
                epoch: epoch_order(self.parts, self.config.seed, epoch, lengths=self.lengths, bucket=bucket)
            }
        return self._orders[epoch]

    def global_batch(self, epoch: int, step: int) -> list[str]:
        """Names of the samples of one global batch, in order."""
        rows = self.order(epoch)[step * self.config.global_batch : (step + 1) * self.config.global_batch]
        return [self.sources[part].name(int(item)) for part, item in rows]

    def draws(self, epoch: int, step: int) -> list[list[Draw]]:
        """This rank's micro-batches of one step; some may be empty, the number is equal on all ranks."""
        size, per_pass = self.config.global_batch, self.config.micro_batch
        batch = self.order(epoch)[step * size : (step + 1) * size]
        share = rank_share(batch, self.rank, self.world_size)
        largest = -(-len(batch) // self.world_size)
        count = -(-largest // per_pass)
        return [[(epoch, int(p), int(i)) for p, i in share[k * per_pass : (k + 1) * per_pass]] for k in range(count)]

    def steps(self, epoch: int, start: int = 0) -> Iterator[list[MicroBatch]]:
        """Micro-batches of each step from ``start`` to the epoch's end."""
        plan = [self.draws(epoch, step) for step in range(start, self.steps_per_epoch)]
        stream = iter(
            DataLoader(
                self.dataset,
                batch_sampler=_Plan([draws for step in plan for draws in step]),
                collate_fn=_only,
                num_workers=self.config.workers,
                prefetch_factor=4 if self.config.workers else None,
                # Without its own generator, seeding the workers would advance the global random state.
                generator=torch.Generator().manual_seed(0),
            )
        )
        for step in plan:
            yield [next(stream) for _ in step]


class _Plan:
    """A batch sampler that is a list."""

    def __init__(self, batches: list[list[Draw]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[Draw]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def _only(batches: list[MicroBatch]) -> MicroBatch:
    return batches[0]
