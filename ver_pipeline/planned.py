"""How long the clips of a build will be, told before anything is encoded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ver_pipeline.engine.cache_lookup import CacheLookup
from ver_pipeline.engine.local_runner import LocalRunner
from ver_pipeline.engine.runner import StageStats
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Row, Stage
from ver_pipeline.stages.chunks import ChunksStage

BINS_S = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0)
BAR_WIDTH = 40


@dataclass(frozen=True, slots=True)
class PlannedClips:
    """Lengths of the planned clips in seconds, and of how many of how many sources they are."""

    lengths_s: tuple[float, ...]
    n_sources: int
    n_listed: int

    def lines(self) -> str:
        """A histogram for a terminal; says so where nothing is known."""
        if not self.lengths_s:
            return "clips: not known yet; ver plan --clips cuts nothing, but finds out where it would"
        ordered = sorted(self.lengths_s)
        middle = ordered[len(ordered) // 2]
        head = f"clips: {len(ordered)} from {self.n_sources} of {self.n_listed} sources"
        rows = [f"{head}, {ordered[0]:.1f} to {ordered[-1]:.1f} s, median {middle:.1f} s"]
        bins = list(itertools.pairwise([*BINS_S, math.inf]))
        counts = [sum(low <= length < high for length in ordered) for low, high in bins]
        for (low, high), count in zip(bins, counts, strict=True):
            if count:
                name = f"{low:g} s and more" if math.isinf(high) else f"{low:g} to {high:g} s"
                rows.append(f"  {name:14} {count:6}  {'#' * max(1, round(BAR_WIDTH * count / max(counts)))}")
        return "\n".join(rows)


def planned_clips(dag: Sequence[Stage], rows: Sequence[Row], work: WorkFolder, run: bool) -> PlannedClips:
    """The clips that the stage ``chunks`` plans for listed sources.

    Args:
        run: bring the sources there that have not come so far; what is found out is kept for the build.  Else only
            what the cache holds is told.
    """
    stages = list(dag[: next(at for at, stage in enumerate(dag) if isinstance(stage, ChunksStage)) + 1])
    lengths: list[float] = []
    n_sources = 0
    lookup = CacheLookup(stages, work)
    runner = LocalRunner(stages, work, _ignore, {"chunk"}) if run else None
    try:
        for row in rows:
            planned = runner([row]) if runner is not None else lookup.follow(row)
            found = [
                (clip["end"] - clip["first"]) * chunk["chunk"]["fps"][1] / chunk["chunk"]["fps"][0]
                for chunk in planned or ()
                if "chunk" in chunk
                for clip in chunk["chunk"]["clips"]
            ]
            n_sources += bool(found)
            lengths += found
    finally:
        if runner is not None:
            runner.close()
    return PlannedClips(tuple(lengths), n_sources, len(rows))


def _ignore(stage: str, stats: StageStats) -> None:
    """Nobody watches the stages of a plan."""
