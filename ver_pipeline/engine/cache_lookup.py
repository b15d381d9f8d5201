"""Follow a source through the DAG with the cache alone: what is known needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ver_pipeline.engine.cache import Cache, project, stage_digest, unit_key
from ver_pipeline.engine.runner import StageStats, relativize
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Row, Stage


@dataclass
class CacheLookup:
    """Walks sources.

    ``known`` tallies the sources that were followed to their end; ``seen`` and ``missing`` count units per
    stage, found and not found, over all sources (stages after a gap are not looked at).
    """

    dag: Sequence[Stage]
    work: WorkFolder
    known: dict[str, StageStats] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = [(stage, stage_digest(stage), Cache(self.work, stage.name)) for stage in self.dag]

    def follow(self, row: Row) -> list[Row] | None:
        """All rows that one source ends in (samples and rejects), or None when something must run."""
        rows: list[Row] = [row]
        ended: list[Row] = []
        stats_by_stage: dict[str, StageStats] = {}
        for stage, stage_id, cache in self._steps:
            after: list[Row] = []
            gaps = 0
            for current in rows:
                outcome = cache.get(unit_key(stage_id, relativize(project(current, stage.reads), self.work)))
                if outcome is None:
                    gaps += 1
                    continue
                stats = stats_by_stage.setdefault(stage.name, StageStats())
                stats.done += 1
                stats.cached += 1
                self.seen[stage.name] = self.seen.get(stage.name, 0) + 1
                if isinstance(outcome, Reject):
                    stats.rejected += 1
                    ended.append({**current, "reject": outcome.to_row()})
                else:
                    joined = [{**current, **each} for each in outcome]
                    rejected = [each for each in joined if "reject" in each]
                    stats.rejected += len(rejected)
                    stats.rows_out += len(joined) - len(rejected)
                    ended.extend(rejected)
                    after.extend(each for each in joined if "reject" not in each)
            if gaps:
                self.missing[stage.name] = self.missing.get(stage.name, 0) + gaps
                return None
            rows = after
        for name, stats in stats_by_stage.items():
            self.known[name] = added(self.known.get(name, StageStats()), stats)
        return [*rows, *ended]


def added(a: StageStats, b: StageStats) -> StageStats:
    """The sum of two tallies."""
    return StageStats(**{part.name: getattr(a, part.name) + getattr(b, part.name) for part in fields(StageStats)})
