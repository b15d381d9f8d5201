"""Which split a sample belongs to: a stable function of what must not be torn apart, and of the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

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


def group_unit(source: Mapping[str, Any]) -> dict[str, Any]:
    """The unit of a video by itself: its group."""
    return {"name": source["group_id"], "groups": [source["group_id"]]}


def split_units(sources: Iterable[Mapping[str, Any]], config: ShardConfig) -> dict[str, dict[str, Any]]:
    """Source id to what must not be torn apart: ``name`` (what :func:`split_of` hashes) and ``groups``.

    With ``split_by: speaker``, videos that share a group or a named speaker are one unit, and so are those that a third
    one joins (connected components); a unit is named by the first of its groups, so one without named speakers goes
    where its group would.  All clips of a video share a split, so voices told apart within one (``S1``) cannot leak.
    """
    known = list(sources)
    if config.split_by == "group":
        return {source["id"]: group_unit(source) for source in known}
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(one: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(one, one) != one:
            one = parent[one]
        return one

    for source in known:
        for name in source.get("speakers") or ():
            first, second = sorted((root(("group", source["group_id"])), root(("speaker", name))))
            parent[second] = first
    groups: dict[tuple[str, str], set[str]] = {}
    for source in known:
        groups.setdefault(root(("group", source["group_id"])), set()).add(source["group_id"])
    units = {one: {"name": min(members), "groups": sorted(members)} for one, members in groups.items()}
    return {source["id"]: units[root(("group", source["group_id"]))] for source in known}
