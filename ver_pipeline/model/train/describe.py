"""``ver train --dry-run``: what a run would do, without doing it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ver_pipeline.model.data.loader import Loader, LoaderConfig
from ver_pipeline.model.train.job import Job, open_sources
from ver_pipeline.model.train.modules import prepare


def describe(jobs: Sequence[Job]) -> int:
    """Print data, steps and parameter counts of each stage, counted on the model that the first one starts from."""
    from ver_pipeline.model.loading import load_tokenizer, load_weights

    start = jobs[0].model
    tokenizer = load_tokenizer(start)
    for job in jobs:
        stage = job.stage
        model = load_weights(start)
        whole, named = prepare(model, stage)
        sources = open_sources(job)
        cut = LoaderConfig(stage.batch.global_batch, stage.batch.micro_batch, stage.seed, stage.batch.drop_last)
        loader = Loader(sources, tokenizer, model.config, cut)
        count = sum(p.numel() for p in whole.parameters())
        trained = sum(p.numel() for _, p in named)
        lines = [
            f"{stage.name}: {stage.epochs} epochs of {loader.items_per_epoch} items in "
            f"{loader.steps_per_epoch} steps of {stage.batch.global_batch} ({loader.dropped_per_epoch} left out)",
            f"  trains {trained:,} of {count:,} weights in {len(named)} tensors, experts: {stage.expert_mode}",
        ]
        lines += [f"  {s.spec.set}: {s.n_items} items, {s.spec.media}, {', '.join(s.spec.tasks)}" for s in sources]
        sys.stdout.write("\n".join(lines) + "\n")
    return 0
