"""Follow a source through the DAG with the cache alone: what is known needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ver_pipeline.engine.cache import Cache, pick, stage_digest, unit_key
from ver_pipeline.engine.runner import Tally, portable
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.shards.workdir import Work
from ver_pipeline.stages.base import Row, Stage


@dataclass
class Walk:
    """Walks sources.

    ``known`` tallies the sources that were followed to their end; ``seen`` and ``missing`` count units per
    stage, found and not found, over all sources (stages after a gap are not looked at).
    """

    dag: Sequence[Stage]
    work: Work
    known: dict[str, Tally] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = [(stage, stage_digest(stage), Cache(self.work, stage.name)) for stage in self.dag]

    def follow(self, row: Row) -> list[Row] | None:
        """All rows that one source ends in (samples and rejects), or None when something must run."""
        rows: list[Row] = [row]
        ended: list[Row] = []
        tallies: dict[str, Tally] = {}
        for stage, stage_id, cache in self._steps:
            after: list[Row] = []
            gaps = 0
            for one in rows:
                outcome = cache.get(unit_key(stage_id, portable(pick(one, stage.reads), self.work)))
                if outcome is None:
                    gaps += 1
                    continue
                tally = tallies.setdefault(stage.name, Tally())
                tally.done += 1
                tally.cached += 1
                self.seen[stage.name] = self.seen.get(stage.name, 0) + 1
                if isinstance(outcome, Reject):
                    tally.rejected += 1
                    ended.append({**one, "reject": outcome.to_row()})
                else:
                    tally.rows_out += len(outcome)
                    after.extend({**one, **made} for made in outcome)
            if gaps:
                self.missing[stage.name] = self.missing.get(stage.name, 0) + gaps
                return None
            rows = after
        for name, tally in tallies.items():
            self.known[name] = added(self.known.get(name, Tally()), tally)
        return [*rows, *ended]


def added(a: Tally, b: Tally) -> Tally:
    """The sum of two tallies."""
    return Tally(**{part.name: getattr(a, part.name) + getattr(b, part.name) for part in fields(Tally)})
