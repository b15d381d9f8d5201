"""What to train: a stage, the model it starts from, its data, where it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ver_pipeline.model.data.samples import Source, open_source
from ver_pipeline.model.train.recipe import StageConfig
from ver_pipeline.schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Job:
    """What to train.

    Attributes:
        stage: the stage's configuration.
        model: folder of the model to start from.
        sets: folders by the names that the stage's ``data`` uses.
        run: folder of the run; the stage writes below ``run/NAME``.
        workers: loader processes.
        force: resume although data or settings differ.
        stop_after: stop (with a checkpoint) after this many steps of this call; for tests and time slots.
    """

    stage: StageConfig
    model: Path
    sets: Mapping[str, Path]
    run: Path
    workers: int = 0
    force: bool = False
    stop_after: int | None = None

    @property
    def folder(self) -> Path:
        """Where the stage's checkpoints and its result stand."""
        return self.run / self.stage.name

    @property
    def result(self) -> Path:
        """The trained model, present only when the stage is done."""
        return self.folder / "model"


def chain(first: Job, stages: Sequence[StageConfig]) -> list[Job]:
    """``first``, then each further stage from the result of the one before, with the same data and settings."""
    jobs = [first]
    for stage in stages:
        jobs.append(replace(first, stage=stage, model=jobs[-1].result))
    return jobs


@dataclass(frozen=True, slots=True)
class Outcome:
    """``done`` is False when the stage was stopped (SIGTERM, ``stop_after``) and saved."""

    done: bool
    step: int
    model: Path | None


def open_sources(job: Job) -> list[Source]:
    """The stage's sets; optional ones that were not given are left out.

    Raises:
        ConfigError: a set is not given, or none is left.
    """
    sources = []
    for spec in job.stage.data:
        folder = job.sets.get(spec.set)
        if folder is None and Path(spec.set).is_dir():
            folder = Path(spec.set)
        if folder is not None:
            sources.append(open_source(spec, folder))
        elif not spec.optional:
            raise ConfigError(f"stage {job.stage.name}: no folder for the set {spec.set!r}", f"give --{spec.set} DIR")
    if not sources:
        raise ConfigError(f"stage {job.stage.name} has no data", "give --shards or --general")
    return sources
