"""Which split a sample belongs to: a stable function of its group and the configuration alone."""

from __future__ import annotations

import hashlib
from typing import Literal

from ver_pipeline.schemas.config import ShardConfig

_SPACE = 2**64


def split_of(group_id: str, config: ShardConfig) -> Literal["train", "val", "test"]:
    """The split of every clip of one group.

    Guarantees: clips of one group share a split; adding or removing other groups never moves a group;
    growing ``val_frac`` or ``test_frac`` only moves groups out of ``train``.

    Args:
        group_id: what must not be torn apart (series, video, channel, speaker).
        config: ``test_frac``, ``val_frac`` and ``split_seed`` are read.
    """
    seed = f"{config.split_seed}\x1f{group_id}".encode()
    point = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big") / _SPACE
    if point < config.test_frac:
        return "test"
    if point >= 1.0 - config.val_frac:
        return "val"
    return "train"
