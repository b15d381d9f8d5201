"""Several ranks do what one process does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from runs import ALONE, in_ranks, losses, stage, weights

from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.loop import train_stage

# Frames, videos and text alone; 6 + 22 + 11 items in batches of 8 leave a short one at each epoch's end.
MIXED = (
    DataSpec("general"),
    DataSpec("shards"),
    DataSpec("shards", media="none", languages=("en",), tasks=("label",)),
)


@pytest.fixture(scope="module")
def mixed_stage():
    return stage("joint", "epochs=2", "optimizer.lr=1e-4", "batch.micro_batch=3", data=MIXED)


@pytest.fixture(scope="module")
def alone(mixed_stage, sets, tiny, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("alone")
    train_stage(Job(mixed_stage, tiny, sets, run), ALONE)
    return run


def test_two_ranks_equal_one_process_with_mixed_batches_and_uneven_ends(mixed_stage, alone, sets, tiny, tmp_path):
    job = Job(mixed_stage, tiny, sets, tmp_path / "two")
    in_ranks(2, tmp_path / "meeting", lambda distributed: train_stage(job, distributed))
    # Sums in another order: float32 rounding.
    assert losses(job.run, "joint") == pytest.approx(losses(alone, "joint"), abs=1e-5)
    one, two = weights(alone / "joint" / "model"), weights(job.result)
    worst = max(float((one[name] - two[name]).abs().max()) for name in one)
    assert worst < 1e-5
    assert any(not torch.equal(one[name], weights(tiny)[name]) for name in one)


def test_a_run_goes_on_with_another_number_of_ranks(mixed_stage, alone, sets, tiny, tmp_path):
    job = Job(mixed_stage, tiny, sets, tmp_path / "run", stop_after=3)
    in_ranks(2, tmp_path / "meeting", lambda distributed: train_stage(job, distributed))
    assert train_stage(Job(mixed_stage, tiny, sets, job.run), ALONE).done
    assert losses(job.run, "joint") == pytest.approx(losses(alone, "joint"), abs=1e-5)


def test_more_ranks_than_samples_in_the_last_batch_do_not_hang(sets, tiny, tmp_path):
    config = stage("joint", "epochs=1", "max_steps=2", "batch.global_batch=4", data=(DataSpec("general", weight=0.84),))
    job = Job(config, tiny, sets, tmp_path / "run")
    in_ranks(3, tmp_path / "meeting", lambda distributed: train_stage(job, distributed))
    rows = [json.loads(line) for line in (job.run / "metrics.jsonl").read_text().splitlines()]
    assert [row["samples"] for row in rows] == [4, 1]


def test_sharded_weights_train_and_resume_as_one_process(mixed_stage, alone, sets, tiny, tmp_path):
    config = replace(mixed_stage, parallel="fsdp", checkpoint_every=2)
    first = Job(config, tiny, sets, tmp_path / "run", stop_after=3)
    in_ranks(2, tmp_path / "first", lambda distributed: train_stage(first, distributed))
    job = replace(first, stop_after=None)
    in_ranks(2, tmp_path / "second", lambda distributed: train_stage(job, distributed))
    assert losses(job.run, "joint") == pytest.approx(losses(alone, "joint"), abs=1e-5)
    one, two = weights(alone / "joint" / "model"), weights(job.result)
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
