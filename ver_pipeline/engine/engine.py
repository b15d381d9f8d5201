"""The engine: brings rows through stages from the cache, in this process, or on Ray, whichever is cheapest.

What is known comes from the cache.  Little work is done here: it would wait for Ray to start.  Everything else
streams through Ray's actor pools (``on_ray.py``).  The results are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from types import TracebackType

from ver_pipeline.engine.cache import Cache, project, stage_digest, unit_key
from ver_pipeline.engine.cache_lookup import CacheLookup, added
from ver_pipeline.engine.local_runner import LocalRunner
from ver_pipeline.engine.on_ray import RayPools
from ver_pipeline.engine.runner import StageStats, relativize
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Chunked, Row, Stage

FEW_ROWS = 64
"""A stage on its own with at most this many rows to do runs here."""

LITTLE_VIDEO_S = 30.0
"""So many seconds of video, together, are through the whole DAG sooner here than on Ray (a judgement for two
cores; ``benchmarks/overhead.py`` measures what Ray takes to start)."""


class Placement(StrEnum):
    """Where stages run."""

    AUTO = "auto"
    LOCAL = "local"
    RAY = "ray"


class Engine:
    """Runs stages over rows.  Use as a context manager.

    Args:
        work: the build's work folder, on a filesystem that every node sees.
        cpus: logical CPUs to offer (all of the host's when None); ignored when joining a cluster.
        address: a cluster to join, None to start one on this machine when it is needed.
        where: ``auto`` decides by the amount of work, and with a cluster for Ray; a stage on a GPU always means Ray.
        when_busy: called once, when there is work that the cache does not know.
    """

    def __init__(
        self,
        work: WorkFolder,
        cpus: int | None = None,
        address: str | None = None,
        where: Placement = Placement.AUTO,
        when_busy: Callable[[], None] | None = None,
    ) -> None:
        self.work = work
        self.cpus = cpus
        self.address = address
        self.where = where
        self._when_busy = when_busy
        self._here: dict[str, StageStats] = {}
        self._ray: RayPools | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._ray is not None:
            self._ray.stop(interrupted=bool(kind and issubclass(kind, KeyboardInterrupt)))

    @property
    def notes(self) -> list[str]:
        """What was scaled down to fit this machine."""
        return self._ray.notes if self._ray is not None else []

    def stats_by_stage(self) -> dict[str, StageStats]:
        """What each stage did so far, over all workers."""
        total = dict(self._here)
        for name, stats in (self._ray.stats_by_stage() if self._ray is not None else {}).items():
            total[name] = added(total.get(name, StageStats()), stats)
        return total

    def run(self, stages: Sequence[Stage], rows: Sequence[Row], keep: set[str]) -> Iterator[Row]:
        """Finished rows in any order, with only the columns in ``keep``; a rejected row carries ``reject``.

        Raises:
            VerError: when a stage cannot work at all (a missing model, a broken set-up).
        """
        lookup = CacheLookup(stages, self.work)
        todo: list[Row] = []
        for row in rows:
            done = lookup.follow(row)
            if done is None:
                todo.append(row)
            else:
                yield from (_kept(row, keep) for row in done)
        for name, stats in lookup.known.items():
            self._note(name, stats)
        if todo:
            run = self._run_here if self._is_little(stages, todo) else self._run_on_ray
            yield from (_kept(row, keep) for row in run(stages, todo, keep))

    def _is_little(self, stages: Sequence[Stage], rows: Sequence[Row]) -> bool:
        """The work is done before Ray would have started."""
        if any(stage.resources.gpus for stage in stages):
            return False
        if self.where is Placement.LOCAL:
            return True
        if len(stages) == 1:
            return len(rows) <= FEW_ROWS
        if self.where is Placement.RAY or self.address is not None:
            return False
        return sum(_video_s(row) for row in rows) <= LITTLE_VIDEO_S

    def _run_here(self, stages: Sequence[Stage], rows: Sequence[Row], keep: set[str]) -> Iterator[Row]:
        runner = LocalRunner(stages, self.work, self._note, keep)
        self._tell_busy()
        try:
            for row in rows:
                yield from runner([row])
        finally:
            runner.close()

    def _run_on_ray(self, stages: Sequence[Stage], rows: Sequence[Row], keep: set[str]) -> Iterator[Row]:
        self._ray = self._ray or RayPools(self.work, self.cpus, self.address)
        self._tell_busy()
        for stage in stages:
            chunks = (
                unfinished_chunks(stage, rows, self._ray.workers(stage), self.work)
                if isinstance(stage, Chunked)
                else []
            )
            for _ in self._ray.run([stage], chunks, keep) if chunks else ():
                pass
        yield from self._ray.run(stages, rows, keep)

    def _tell_busy(self) -> None:
        if self._when_busy is not None:
            self._when_busy()
            self._when_busy = None

    def _note(self, stage: str, stats: StageStats) -> None:
        self._here[stage] = added(self._here.get(stage, StageStats()), stats)


def unfinished_chunks(stage: Stage, rows: Sequence[Row], n_workers: int, work: WorkFolder) -> list[Row]:
    """The chunks that are still to do of rows that are fewer than the workers, who else would stand idle.

    A stage whose columns are not all known yet gives none.  What comes of the chunks is found in the cache when
    their row's turn comes: who did them, or whether anybody did, changes no byte.
    """
    columns = {name.partition(".")[0] for name in stage.reads}
    if len(rows) >= n_workers or not isinstance(stage, Chunked) or any(columns - row.keys() for row in rows):
        return []
    cache, stage_id = Cache(work, stage.name), stage_digest(stage)
    return [
        chunk
        for row in rows
        for chunk in stage.chunks(project(row, stage.reads))
        if cache.get(unit_key(stage_id, relativize(chunk, work))) is None
    ]


def _video_s(row: Row) -> float:
    """Seconds of video in a row; without end where nobody has measured it yet."""
    return float((row.get("source") or {}).get("duration_s", math.inf))


def _kept(row: Row, keep: set[str]) -> Row:
    return {name: value for name, value in row.items() if name in keep}
