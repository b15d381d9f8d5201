"""withdraw: leave out clips whose consent was withdrawn, and forget them where their neighbours name them.

In the DAG only where something was withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.shards.tombstone_hash import tombstone_of
from ver_pipeline.stages.base import Outcome, Resources, Row


class WithdrawStage:
    """``clip`` without links to withdrawn neighbours and ``context`` without their words, or a reject that
    does not repeat the key.

    Args:
        withdrawn: sha256 of keys (``schemas.tombstones.tombstone_of``).
    """

    name = "withdraw"
    version = "2"
    unit = "clip"
    reads = ("key", "clip", "context")
    writes = ("clip", "context")
    batch_size = 1
    resources = Resources(cpus=0.1)

    def __init__(self, withdrawn: frozenset[str]) -> None:
        self.withdrawn = withdrawn

    def fingerprint(self) -> Mapping[str, Any]:
        """The hashes of all withdrawn keys."""
        return {"withdrawn": sorted(self.withdrawn)}

    def open(self) -> None:
        """Nothing to load."""

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Each clip without its withdrawn neighbours; a withdrawn clip is a reject (``takedown``)."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        if tombstone_of(row["key"]) in self.withdrawn:
            return Reject(Reason.TAKEDOWN, self.name, "the clip was withdrawn; its key is not repeated here")
        clip, context = dict(row["clip"]), dict(row["context"])
        for neighbour, side in (("prev_key", "before"), ("next_key", "after")):
            if clip[neighbour] is not None and tombstone_of(clip[neighbour]) in self.withdrawn:
                clip[neighbour] = context[side] = None
        return {"clip": clip, "context": context}
