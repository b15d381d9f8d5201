"""Who gets what: the pool of workers of each stage, fitted to the machine before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ver_pipeline.schemas.errors import VerError
from ver_pipeline.stages.base import Stage

HEADROOM = 0.75
"""Share of the CPUs that the smallest pools may claim together: Ray Data's own tasks need the rest, or a
two-core machine stalls without an error."""

AUTOSCALE_FROM_CPUS = 4
"""Below this, a pool has one worker, and neighbours that see the same unit share it: a worker costs three CPU
seconds to start, and the rows of one video pass through its stages one after the other anyway."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers of one stage, or of light stages that share a worker: logical CPUs and GPUs each, and how many."""

    stages: tuple[Stage, ...]
    cpus: float
    gpus: float
    min_size: int
    max_size: int
    note: str = ""

    @property
    def name(self) -> str:
        """Its stages' names, joined by ``+``; by it logs and ``ver plan`` speak of the pool."""
        return "+".join(stage.name for stage in self.stages)


def fuse(stages: Sequence[Stage], sparing: bool) -> list[tuple[Stage, ...]]:
    """Neighbours that see the same unit and need no GPU share a worker; unless ``sparing``, only those that need
    no process of their own, so that the slow ones can have more workers than the others."""
    groups: list[tuple[Stage, ...]] = []
    for stage in stages:
        last = groups[-1][-1] if groups else None
        if last and _alike(last, stage, sparing) and _can_share(last, sparing) and _can_share(stage, sparing):
            groups[-1] = (*groups[-1], stage)
        else:
            groups.append((stage,))
    return groups


def _alike(a: Stage, b: Stage, sparing: bool) -> bool:
    """They see the same unit; a worker to spare would be idle while another cuts the only video's parts."""
    return a.unit == b.unit or (sparing and {a.unit, b.unit} == {"source", "chunk"})


def _can_share(stage: Stage, sparing: bool) -> bool:
    return not stage.resources.gpus and (sparing or not stage.resources.isolated)


def fit_pools(stages: Sequence[Stage], cpus: float, gpus: float) -> list[Pool]:
    """One pool per stage such that all of them fit at once.

    Logical CPUs are a share to schedule by, not a limit: on a small machine every stage is scaled down
    alike and says so.

    Raises:
        VerError: when a stage needs a GPU and there is none.
    """
    groups = fuse(stages, sparing=cpus < AUTOSCALE_FROM_CPUS)
    needs = [max(stage.resources.cpus for stage in group) for group in groups]
    scale = min(1.0, HEADROOM * cpus / sum(needs)) if sum(needs) else 1.0
    pools = []
    for group, need in zip(groups, needs, strict=True):
        needed_gpus = max(stage.resources.gpus for stage in group)
        if needed_gpus > gpus:
            what = f"stage {group[0].name} asks for {needed_gpus:g} GPU(s), this machine has {gpus:g}"
            raise VerError(what, "leave --profile out, choose another annotator, or add a GPU node")
        share = max(0.01, round(need * scale, 3))
        most = max(1, int(cpus // max(need, 0.25))) if cpus >= AUTOSCALE_FROM_CPUS else 1
        if needed_gpus:
            most = max(1, int(gpus // needed_gpus))
        note = f"asks for {need:g} CPUs, scaled to {share:g} of {cpus:g}" if scale < 1 else ""
        pools.append(Pool(group, share, needed_gpus, 1, most, note))
    return pools
