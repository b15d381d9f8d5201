"""A run that is killed anywhere and resumed is the run that was never killed."""

from __future__ import annotations

import random
import shutil
import signal
from dataclasses import replace

import pytest
from runs import ALONE, kill_at_step, losses, same_bits, stage, weights
from video_shards import make_data_set

from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.train import checkpoint
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.loop import train_stage
from ver_pipeline.model.train.run import run_stages
from ver_pipeline.schemas.errors import CorruptDataError, UsageError

EVERY_3 = "checkpoint_every=3"
LORA = 'lora={r: 4, alpha: 8, dropout: 0.2, targets: "model.language_model.layers.[0-9]+.self_attn.[qkvo]_proj"}'
CASES = {
    "general": ("general", EVERY_3, "epochs=3"),
    "emotion": ("emotion", EVERY_3, "epochs=4"),
    "joint": ("joint", EVERY_3, "epochs=2"),
    "joint with adapters and dropout": ("joint", EVERY_3, "epochs=2", LORA),
}


@pytest.mark.parametrize("case", CASES)
def test_killed_and_resumed_run_has_the_same_losses_and_weights(case, sets, tiny, tmp_path):
    config = stage(*CASES[case])
    straight = Job(config, tiny, sets, tmp_path / "straight")
    train_stage(straight, ALONE)
    expected = losses(straight.run, config.name)
    rng = random.Random(case)
    first, second = sorted(rng.sample(range(2, len(expected)), 2))
    job = Job(config, tiny, sets, tmp_path / "killed")
    assert kill_at_step(job, first) == -signal.SIGKILL
    assert kill_at_step(replace(job, workers=2), second) == -signal.SIGKILL
    assert not job.result.exists()
    assert train_stage(replace(job, workers=1), ALONE).done
    assert losses(job.run, config.name) == expected
    assert same_bits(weights(job.result), weights(straight.result))


def test_sigterm_saves_the_step_and_the_run_goes_on(sets, tiny, tmp_path):
    config = stage("general", "checkpoint_every=1000", "epochs=6")
    straight = Job(config, tiny, sets, tmp_path / "straight")
    train_stage(straight, ALONE)
    job = Job(config, tiny, sets, tmp_path / "stopped")
    assert kill_at_step(job, 4, signal.SIGTERM) == 0
    (saved,) = checkpoint.checkpoints(job.folder)
    assert checkpoint.load(saved).training_state.step >= 4
    assert not job.result.exists()
    train_stage(job, ALONE)
    assert losses(job.run, "general") == losses(straight.run, "general")
    assert same_bits(weights(job.result), weights(straight.result))


def test_a_stopped_run_says_so_with_its_exit_status(sets, tiny, tmp_path, capsys):
    jobs = [Job(stage("general"), tiny, sets, tmp_path, stop_after=2)]
    assert run_stages(jobs, ALONE) == 143
    assert "stopped and saved at step 2" in capsys.readouterr().out


@pytest.fixture
def stopped(sets, tiny, tmp_path) -> Job:
    """A job that was stopped after three steps."""
    job = Job(stage("emotion", EVERY_3), tiny, sets, tmp_path / "run")
    assert not train_stage(replace(job, stop_after=3), ALONE).done
    return job


@pytest.mark.parametrize(
    ("override", "field"),
    [("seed=1", "stage.seed"), ("batch.global_batch=4", "stage.batch.global_batch"),
     ("optimizer.lr=0.1", "stage.optimizer.lr"), ("epochs=9", "stage.epochs")],
)  # fmt: skip
def test_resume_with_other_settings_is_refused_by_name(stopped, override, field):
    other = replace(stopped, stage=stage("emotion", EVERY_3, override))
    with pytest.raises(UsageError, match=f"{field.replace('.', '[.]')} was"):
        train_stage(other, ALONE)
    assert train_stage(replace(other, force=True, stop_after=1), ALONE).step == 4


def test_resume_on_other_data_is_refused_by_name(stopped, tmp_path):
    other = make_data_set(tmp_path / "other", n_train=11, seed=1)
    with pytest.raises(UsageError, match=r"data\[0\]\.dataset_id was"):
        train_stage(replace(stopped, sets={**stopped.sets, "shards": other}), ALONE)


def test_resume_with_another_query_is_refused_by_name(stopped):
    narrowed = tuple(replace(spec, where="label <> 'anger'") for spec in stopped.stage.data)
    with pytest.raises(UsageError, match="where was ''"):
        train_stage(replace(stopped, stage=replace(stopped.stage, data=narrowed)), ALONE)


def test_micro_batch_and_workers_may_change(stopped):
    job = replace(stopped, stage=stage("emotion", EVERY_3, "batch.micro_batch=2"), workers=1)
    assert train_stage(job, ALONE).done


def test_half_a_checkpoint_is_never_taken_for_one(stopped):
    (whole,) = checkpoint.checkpoints(stopped.folder)
    torn = stopped.folder / ".step-00000099.123.tmp"
    shutil.copytree(whole, torn)
    (torn / "state.json").unlink()
    assert train_stage(stopped, ALONE).done
    assert not torn.exists()


def test_a_damaged_checkpoint_is_named(stopped):
    (whole,) = checkpoint.checkpoints(stopped.folder)
    (whole / "optimizer.safetensors").write_bytes(b"")
    with pytest.raises(CorruptDataError, match="step-00000003 is not a whole checkpoint"):
        train_stage(stopped, ALONE)
    (whole / "trained.safetensors").write_bytes(b"torn")
    with pytest.raises(CorruptDataError, match="step-00000003 is not a whole checkpoint"):
        train_stage(stopped, ALONE)


def test_checkpoints_are_pruned_and_hold_safetensors_and_json_only(sets, tiny, tmp_path):
    job = Job(stage("emotion", "checkpoint_every=1", "keep=2"), tiny, sets, tmp_path)
    train_stage(replace(job, stop_after=5), ALONE)
    kept = checkpoint.checkpoints(job.folder)
    assert [path.name for path in kept] == ["step-00000004", "step-00000005"]
    assert {p.name for p in kept[0].iterdir()} == {"trained.safetensors", "optimizer.safetensors", "state.json"}


def test_data_order_is_resumed_inside_a_mixture(sets, tiny, tmp_path):
    data = (DataSpec("general", weight=2.0), DataSpec("shards", weight=0.5), DataSpec("shards", media="none"))
    config = stage("joint", "epochs=3", EVERY_3, data=data)
    straight, job = (Job(config, tiny, sets, tmp_path / name) for name in ("straight", "stopped"))
    train_stage(straight, ALONE)
    while not train_stage(replace(job, stop_after=4), ALONE).done:
        assert not job.result.exists()
    assert losses(job.run, "joint") == losses(straight.run, "joint")
    assert same_bits(weights(job.result), weights(straight.result))
