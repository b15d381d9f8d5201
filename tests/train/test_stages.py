"""The three stages learn, change what they declare and nothing else, and leave a usable model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from runs import ALONE, losses, same_bits, stage, weights

from ver_pipeline.model import load
from ver_pipeline.model.train import checkpoint
from ver_pipeline.model.train.job import Job, chain
from ver_pipeline.model.train.loop import train_stage
from ver_pipeline.model.train.recipe import STAGES
from ver_pipeline.model.train.run import run_stages
from ver_pipeline.schemas.errors import UsageError

TRAINED = {
    "general": ("model.visual.merger.",),
    "emotion": ("model.visual.emotion_merger.",),
    "joint": ("model.visual.gate.", "model.visual.emotion_merger.", "model.language_model.", "lm_head."),
}


@pytest.fixture(scope="module")
def jobs(sets, tiny, tmp_path_factory):
    first, *later = [stage(name) for name in STAGES]
    jobs = chain(Job(first, tiny, sets, tmp_path_factory.mktemp("run")), later)
    assert run_stages(jobs, ALONE) == 0
    return jobs


@pytest.mark.parametrize("name", STAGES)
def test_the_loss_falls(jobs, name):
    seen = losses(jobs[0].run, name)
    fifth = len(seen) // 5
    assert sum(seen[-fifth:]) < sum(seen[:fifth])


def model_before(jobs, name):
    index = STAGES.index(name)
    return jobs[index].model


@pytest.mark.parametrize("name", STAGES)
def test_exactly_the_declared_parameters_change(jobs, name):
    before, after = weights(model_before(jobs, name)), weights(jobs[STAGES.index(name)].result)
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    # On disk 4.57 writes older names ("visual."); compare from the part that both share.
    declared = {key for key in before if in_stage(key, name)}
    assert changed == declared


def in_stage(key: str, name: str) -> bool:
    key = key if key.startswith(("model.visual", "lm_head", "model.language_model")) else old_name(key)
    return key.startswith(TRAINED[name])


def old_name(key: str) -> str:
    if key.startswith("visual."):
        return "model." + key
    return "model.language_model." + key.removeprefix("model.")


@pytest.mark.parametrize("name", STAGES)
def test_every_declared_parameter_received_a_gradient(jobs, name):
    """Weight decay moves a weight without any gradient; the optimizer's second moment does not lie."""
    state = checkpoint.load(checkpoint.checkpoints(jobs[0].run / name)[-1])
    moments = state.optimizer["state"].values()
    assert len(moments) == len(state.weights)
    assert all(float(m["exp_avg_sq"].max()) > 0 for m in moments)


def test_the_experts_differ_when_they_enter_the_joint_stage(jobs):
    model, _, _ = load(jobs[1].result)
    visual = model.model.visual
    pairs = zip(visual.merger.parameters(), visual.emotion_merger.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)


def test_the_result_names_its_data_and_settings_for_every_stage(jobs):
    lineage = json.loads((jobs[2].result / "lineage.json").read_bytes())
    assert [entry["stage"] for entry in lineage["stages"]] == list(STAGES)
    joint = lineage["stages"][-1]
    manifest = json.loads((jobs[0].sets["shards"] / "manifest.json").read_bytes())
    assert manifest["dataset_id"] in [entry["dataset_id"] for entry in joint["data"]]
    assert joint["samples"] == joint["items_per_epoch"] * joint["epochs"]
    assert joint["config"]["optimizer"]["lr"] == 2e-3


def test_the_trained_model_loads_and_mixes(jobs):
    model, tokenizer, _ = load(jobs[2].result)
    assert model.config.vision_config.expert_mode == "mix"
    assert model.model.visual.gate.head.weight.any()
    assert tokenizer.eos_token == "<|im_end|>"


def test_finished_stages_are_not_trained_again(jobs, capsys):
    stamps = [(jobs[STAGES.index(name)].result / "lineage.json").stat().st_mtime_ns for name in STAGES]
    assert run_stages(jobs, ALONE) == 0
    assert [(jobs[STAGES.index(name)].result / "lineage.json").stat().st_mtime_ns for name in STAGES] == stamps
    assert capsys.readouterr().out.count("done already") == 3


def test_a_finished_stage_with_other_settings_is_not_built_upon(jobs):
    other = [replace(jobs[0], stage=stage("general", "optimizer.lr=0.5")), *jobs[1:]]
    with pytest.raises(UsageError, match=r"optimizer\.lr was 0\.003, now 0\.5"):
        run_stages(other, ALONE)


def test_gate_weights_are_visible_in_the_metrics(jobs):
    rows = [json.loads(line) for line in (jobs[0].run / "metrics.jsonl").read_text().splitlines()]
    joint = [row for row in rows if row["stage"] == "joint"]
    assert joint[0]["gate_emotion"] == pytest.approx(0.5, abs=1e-6)
    assert any(abs(row["gate_emotion"] - 0.5) > 1e-3 for row in joint)
    assert all(row["gate_emotion"] is None for row in rows if row["stage"] != "joint")


def test_adapters_train_alone_and_are_merged_into_the_result(sets, tiny, tmp_path):
    lora = '{r: 4, alpha: 8, dropout: 0.1, targets: "model.language_model.layers.[0-9]+.self_attn.[qkvo]_proj"}'
    config = stage("joint", f"lora={lora}", "train=[model.visual.gate.]", "epochs=1", "optimizer.groups=[]")
    job = Job(config, tiny, sets, tmp_path)
    assert train_stage(job, ALONE).done
    before, after = weights(tiny), weights(job.result)
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {key.split(".")[-2] for key in changed if "self_attn" in key} == {"q_proj", "k_proj", "v_proj", "o_proj"}
    assert not any("mlp" in key and "gate" not in key for key in changed)
    load(job.result)


def test_packing_gives_the_same_losses(sets, tiny, tmp_path):
    seen = []
    for pack in ("false", "true"):
        job = Job(stage("joint", f"batch.pack={pack}", "max_steps=6"), tiny, sets, tmp_path / pack)
        train_stage(job, ALONE)
        seen.append(losses(job.run, "joint"))
    assert seen[0] == pytest.approx(seen[1], abs=1e-4)


def test_gradient_checkpointing_does_not_change_the_run(sets, tiny, tmp_path):
    results = []
    for on in ("false", "true"):
        job = Job(stage("joint", f"gradient_checkpointing={on}", "max_steps=3"), tiny, sets, tmp_path / on)
        train_stage(job, ALONE)
        results.append(weights(job.result))
    assert same_bits(*results)


def test_bf16_trains_with_fp32_weights_and_comes_close(sets, tiny, tmp_path):
    seen = []
    for precision in ("fp32", "bf16"):
        job = Job(stage("joint", f"precision={precision}", "max_steps=6"), tiny, sets, tmp_path / precision)
        train_stage(job, ALONE)
        seen.append(losses(job.run, "joint"))
    assert seen[0] == pytest.approx(seen[1], rel=0.05)
    assert seen[0] != seen[1]
