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


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers of one stage: logical CPUs and GPUs each, and how many."""

    stage: str
    cpus: float
    gpus: float
    min_size: int
    max_size: int
    note: str = ""


def fit_pools(stages: Sequence[Stage], cpus: float, gpus: float) -> list[Pool]:
    """One pool per stage such that all of them fit at once.

    Logical CPUs are a share to schedule by, not a limit: on a small machine every stage is scaled down
    alike and says so.

    Raises:
        VerError: when a stage needs a GPU and there is none.
    """
    wanted = sum(stage.resources.cpus for stage in stages)
    scale = min(1.0, HEADROOM * cpus / wanted) if wanted else 1.0
    pools = []
    for stage in stages:
        needs = stage.resources
        if needs.gpus > gpus:
            cure = "choose another annotator or engine, or add a GPU node"
            raise VerError(f"stage {stage.name} asks for {needs.gpus:g} GPU(s), this machine has {gpus:g}", cure)
        share = max(0.01, round(needs.cpus * scale, 3))
        most = max(1, int(cpus // max(needs.cpus, 0.25))) if cpus >= AUTOSCALE_FROM_CPUS else 1
        if needs.gpus:
            most = max(1, int(gpus // needs.gpus))
        note = f"asks for {needs.cpus:g} CPUs, scaled to {share:g} of {cpus:g}" if scale < 1 else ""
        pools.append(Pool(stage.name, share, needs.gpus, 1, most, note))
    return pools
