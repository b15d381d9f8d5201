"""The stages in a row: what ``ver train`` does, in one process or in each of several ranks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ver_pipeline.model.train import checkpoint
from ver_pipeline.model.train.distributed import DistributedContext
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.lineage import read_lineage
from ver_pipeline.model.train.loop import train_stage
from ver_pipeline.schemas.errors import UsageError

STOPPED_EXIT = 143
"""128 + SIGTERM: the run was asked to stop, saved, and can go on."""


def run_stages(jobs: Sequence[Job], distributed: DistributedContext) -> int:
    """Train stage after stage; finished ones are left as they are.

    Returns:
        0 when every stage is done, 143 when the run was stopped and saved.

    Raises:
        UsageError: a finished stage was trained with other settings.
    """
    for job in jobs:
        if job.result.is_dir():
            _check_done(job)
            _say(distributed, f"{job.stage.name}: done already")
            continue
        _say(distributed, f"{job.stage.name}: from {job.model}")
        outcome = train_stage(job, distributed)
        if not outcome.done:
            _say(distributed, f"{job.stage.name}: stopped and saved at step {outcome.step}; the same command resumes")
            return STOPPED_EXIT
    _say(distributed, f"model: {jobs[-1].result}")
    return 0


def _check_done(job: Job) -> None:
    """Refuse to build on a stage that was trained otherwise than the plan says."""
    if job.force:
        return
    stages = read_lineage(job.result)["stages"]
    done = stages[-1] if stages else {}
    if done.get("config_sha256") != job.stage.fingerprint():
        saved = {"stage": done.get("config")}
        checkpoint.refuse_other(saved, json.loads(json.dumps({"stage": job.stage.to_dict()})))
        raise UsageError(f"{job.result} was trained with other settings", "choose another --out, or --force")


def _say(distributed: DistributedContext, text: str) -> None:
    if distributed.is_main:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
