"""From the arguments of ``ver train`` to the stages they ask for; used on this machine and on every Ray rank."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ver_pipeline.schemas.errors import UsageError

if TYPE_CHECKING:
    from ver_pipeline.model.data.samples import DataSpec
    from ver_pipeline.model.train.job import Job
    from ver_pipeline.model.train.recipe import StageConfig


def write_start_model(args: argparse.Namespace) -> None:
    """With ``--tiny``, make the model the run starts from, once."""
    if args.tiny and not (args.out / "tiny" / "config.json").is_file():
        from ver_pipeline.model.tiny import write_tiny

        write_tiny(args.out / "tiny", args.seed or 0)


def jobs_of(args: argparse.Namespace) -> list[Job]:
    """The stages that the arguments ask for, in order.

    Raises:
        UsageError: no stage, or no binding, of that name.
        ConfigError: a recipe is not understood.
        MissingModelError: ``--model`` is no Emotion-Qwen.
    """
    from ver_pipeline.model.loading import require_checkpoint
    from ver_pipeline.model.train.job import Job, chain
    from ver_pipeline.model.train.recipe import STAGES, built_in_stage, load_stage

    model = args.out / "tiny" if args.tiny else args.model
    require_checkpoint(model)
    names = STAGES if args.stage == "all" else (args.stage,)
    overrides = list(args.set) + ([f"seed={args.seed}"] if args.seed is not None else [])
    stages = []
    for name in names:
        path = built_in_stage(name) if name in STAGES else Path(name)
        if not path.is_file():
            raise UsageError(f"no stage {name!r}", f"all, {', '.join(STAGES)}, or a YAML file")
        stage = load_stage(path, tiny=args.tiny, overrides=tuple(overrides))
        stages.append(with_where(stage, args.where) if args.where else stage)
    return chain(Job(stages[0], model, sets_of(args), args.out, args.workers, args.force), stages[1:])


def sets_of(args: argparse.Namespace) -> dict[str, Path]:
    """The sets that the arguments bind, by name.

    Raises:
        UsageError: a binding has no name.
    """
    sets = {"shards": args.shards} | ({"general": args.general} if args.general else {})
    for binding in args.data:
        name, sign, folder = binding.partition("=")
        if not sign:
            raise UsageError(f"--data {binding!r}", "write NAME=DIR")
        sets[name] = Path(folder)
    return sets


def settle_sets(args: argparse.Namespace) -> None:
    """Finish what was begun on any of them: what shall be withdrawn is not trained on."""
    from ver_pipeline.editing.settle import settle

    for folder in sets_of(args).values():
        settle(folder)


def with_where(stage: StageConfig, where: str) -> StageConfig:
    """The stage with a query on every entry that reads ``shards``; a query of its own is kept as well."""
    from dataclasses import replace

    from ver_pipeline.catalog.where import both

    def narrowed(spec: DataSpec) -> DataSpec:
        if spec.set != "shards":
            return spec
        return replace(spec, where=both(spec.where, where) if spec.where else where)

    return replace(stage, data=tuple(narrowed(spec) for spec in stage.data))
