"""Numbers that go wrong, samples that are broken, settings that make no sense."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from runs import ALONE, SMALL, losses, same_bits, stage, weights
from video_shards import make_sample, write_data_set

from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration
from ver_pipeline.model.train import step as step_module
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.loop import DivergedError, train_stage
from ver_pipeline.model.train.modules import make_optimizer, prepare, set_lr
from ver_pipeline.model.train.recipe import OptimizerConfig, built_in_stage, load_stage
from ver_pipeline.schemas.errors import ConfigError, CorruptDataError


def poison(monkeypatch, from_step: int, to_step: int) -> None:
    """Make the loss of some steps NaN."""
    honest, count = step_module.token_loss_sum, iter(range(10**6))

    def loss(*args, **kwargs):
        number = next(count) // 2 + 1  # two forward passes a step
        value = honest(*args, **kwargs)
        return value * float("nan") if from_step <= number <= to_step else value

    monkeypatch.setattr(step_module, "token_loss_sum", loss)


def test_a_step_that_is_not_finite_is_skipped_and_marked(sets, tiny, tmp_path, monkeypatch):
    poison(monkeypatch, 2, 3)
    job = Job(stage("emotion", "max_steps=4", "epochs=9"), tiny, sets, tmp_path)
    assert train_stage(job, ALONE).done
    rows = [json.loads(line) for line in (job.run / "metrics.jsonl").read_text().splitlines()]
    assert [row["skipped"] for row in rows] == [False, True, True, False]
    assert all(torch.isfinite(v).all() for v in weights(job.result).values())


def test_too_many_such_steps_stop_the_run_and_name_the_samples(sets, tiny, tmp_path, monkeypatch):
    poison(monkeypatch, 2, 99)
    job = Job(stage("emotion", "policy.max_skipped=2", "epochs=9"), tiny, sets, tmp_path)
    with pytest.raises(DivergedError, match=r"3 in a row.*train-000000-.*checkpoints are in"):
        train_stage(job, ALONE)


def test_the_stop_policy_stops_at_once(sets, tiny, tmp_path, monkeypatch):
    poison(monkeypatch, 2, 2)
    job = Job(stage("emotion", "policy.on_nonfinite=stop"), tiny, sets, tmp_path)
    with pytest.raises(DivergedError, match="at step 2"):
        train_stage(job, ALONE)


def test_a_rising_loss_stops_the_run(sets, tiny, tmp_path):
    wild = ("optimizer.lr=3.0", "policy.divergence_patience=2", "policy.divergence_factor=1.2", "epochs=20")
    job = Job(stage("joint", *wild, "optimizer.clip_norm=1e9"), tiny, sets, tmp_path)
    with pytest.raises(DivergedError, match="rose from"):
        train_stage(job, ALONE)


@pytest.fixture
def damaged(tmp_path):
    samples = [make_sample(i, "train", media=b"no video" if i in (2, 5) else None) for i in range(8)]
    return {"shards": write_data_set(tmp_path / "damaged", samples)}


def test_bad_samples_within_the_budget_are_named_and_recorded(damaged, tiny, tmp_path, caplog):
    job = Job(stage("emotion", "policy.max_bad_samples=2", "epochs=2"), tiny, damaged, tmp_path / "run")
    with caplog.at_level(logging.WARNING):
        assert train_stage(job, ALONE).done
    assert "UndecodableError" in caplog.text
    lineage = json.loads((job.result / "lineage.json").read_bytes())
    assert len(lineage["stages"][0]["bad_samples"]) == 2
    assert lineage["stages"][0]["samples"] == 2 * 2 * 6


def test_past_the_budget_training_stops_with_the_list(damaged, tiny, tmp_path):
    job = Job(stage("emotion", "policy.max_bad_samples=1"), tiny, damaged, tmp_path / "run")
    with pytest.raises(CorruptDataError, match="2 bad samples, allowed are 1"):
        train_stage(job, ALONE)


def test_a_batch_without_any_good_sample_changes_nothing_but_the_position(tiny, tmp_path):
    samples = [make_sample(i, "train", media=b"no video") for i in range(4)]
    sets = {"shards": write_data_set(tmp_path / "all-bad", samples)}
    job = Job(stage("emotion", "policy.max_bad_samples=9", "epochs=1"), tiny, sets, tmp_path / "run")
    assert train_stage(job, ALONE).done
    assert losses(job.run, "emotion") == [0.0]
    assert same_bits(weights(job.result), weights(tiny))


def test_unknown_settings_are_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match="did you mean 'warmup_frac'"):
        load_stage(built_in_stage("general"), overrides=("optimizer.warmup_fraction=0.1",))
    with pytest.raises(ConfigError, match="expert_mode"):
        load_stage(built_in_stage("general"), overrides=("expert_mode=both",))
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        load_stage(built_in_stage("general"), overrides=("epochs",))


def test_every_built_in_stage_is_valid_with_and_without_its_tiny_section():
    for name in ("general", "emotion", "joint"):
        for tiny in (False, True):
            assert load_stage(built_in_stage(name), tiny=tiny).name == name


def test_a_missing_set_is_refused_unless_it_is_optional(sets, tiny, tmp_path):
    config = stage("joint", data=(DataSpec("mine"),))
    with pytest.raises(ConfigError, match="'mine'"):
        train_stage(Job(config, tiny, sets, tmp_path), ALONE)
    optional = replace(config, data=(DataSpec("mine", optional=True, sampling=SMALL),))
    with pytest.raises(ConfigError, match="has no data"):
        train_stage(Job(optional, tiny, sets, tmp_path), ALONE)


def test_a_pattern_that_matches_nothing_is_refused(tiny):
    model = EmotionQwenForConditionalGeneration.from_pretrained(tiny)
    with pytest.raises(ConfigError, match="resampler"):
        prepare(model, stage("general", "train=[model.visual.merger., resampler]"))
    with pytest.raises(ConfigError, match="no_such"):
        prepare(model, stage("joint", "lora={targets: no_such}"))


def test_learning_rates_by_group_and_decay_on_matrices_only(tiny):
    model = EmotionQwenForConditionalGeneration.from_pretrained(tiny)
    groups = "optimizer.groups=[{match: model.visual.gate., lr: 0.5}]"
    config = stage("joint", groups)
    _, named = prepare(model, config)
    optimizer = make_optimizer(named, config.optimizer)
    by_id = {id(p): g for g in optimizer.param_groups for p in g["params"]}
    assert len(by_id) == len(named)
    for name, parameter in named:
        group = by_id[id(parameter)]
        assert group["base_lr"] == (0.5 if "visual.gate." in name else 2e-3)
        assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0.0)
    with pytest.raises(ConfigError, match=r"visual\.blocks"):
        make_optimizer(named, OptimizerConfig(lr=1.0, groups=({"match": "visual.blocks", "lr": 1.0},)))


def test_schedule_warms_up_then_falls_to_its_floor(tiny):
    model = EmotionQwenForConditionalGeneration.from_pretrained(tiny)
    config = OptimizerConfig(lr=2.0, warmup_frac=0.1, min_lr_frac=0.1)
    _, named = prepare(model, stage("general"))
    optimizer = make_optimizer(named, config)
    factors = [set_lr(optimizer, config, step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == 1.0
    assert all(a >= b for a, b in pairwise(factors[9:]))
    assert factors[-1] == pytest.approx(0.1, abs=2e-3)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(2.0 * factors[-1])


def test_balance_loss_keeps_the_gate_from_one_expert(sets, tiny, tmp_path):
    means = []
    for weight in (0.0, 5.0):
        model = EmotionQwenForConditionalGeneration.from_pretrained(tiny)
        model.model.visual.gate.head.bias.data[:] = torch.tensor([-1.0, 1.0])
        start = tmp_path / f"start-{weight}"
        model.save_pretrained(start)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (start / name).write_bytes((tiny / name).read_bytes())
        config = stage("joint", f"balance_weight={weight}", "optimizer.lr=0.01", "epochs=1")
        job = Job(config, start, sets, tmp_path / f"run-{weight}")
        train_stage(job, ALONE)
        rows = [json.loads(line) for line in (job.run / "metrics.jsonl").read_text().splitlines()]
        means.append(rows[-1]["gate_emotion"])
    assert abs(means[1] - 0.5) < abs(means[0] - 0.5) - 0.1


def test_sampling_of_a_stage_holds_for_all_its_data(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{name: x, expert_mode: mix, train: [a], optimizer: {lr: 1}, sampling: {fps: 1.0, max_frames: 6},"
        " data: [{set: a}, {set: b, sampling: {max_frames: 4}}]}"
    )
    first, second = load_stage(path, overrides=("sampling.fps=0.5",)).data
    assert (first.sampling.fps, first.sampling.max_frames) == (0.5, 6)
    assert (second.sampling.fps, second.sampling.max_frames) == (0.5, 4)
