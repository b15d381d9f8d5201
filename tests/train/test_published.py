"""From a data set that the real publisher wrote to a trained model, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from runs import losses, weights
from video_shards import make_sample

from ver_pipeline.cli import main
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.shards.layout import Sample

SMALL_FRAMES = "data=[{set: shards, tasks: [label, observe], sampling: {max_pixels: 3136, image_max_pixels: 3136}}]"


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    samples, sources = [], {}
    for i in range(12):
        made = make_sample(i, "train" if i < 9 else "test")
        key = made["record"]["key"]
        record, media = folder / f"{key}.json", folder / f"{key}.mp4"
        record.write_bytes(canonical_json(made["record"]))
        media.write_bytes(made["mp4"])
        samples.append(Sample(key, made["record"]["split"], str(record), str(media), None, len(made["mp4"])))
        sources[made["record"]["source"]["id"]] = made["record"]["source"]
    content = Content(samples, list(sources.values()), [], [], BuildConfig(), {}, {})
    publish(folder / "out", folder / "staging", content)
    return folder / "out"


def test_the_loader_reads_what_the_publisher_writes(published):
    data = open_shards(published, split="all", verify=True)
    assert len(data) == 12
    assert all(json.loads(data.read(row, "json"))["key"] == key for row, key in enumerate(data.keys))


def test_a_query_may_ask_the_catalog(published):
    with_faces = open_shards(published, where="key IN (SELECT key FROM faces)")
    assert 0 < len(with_faces) < len(open_shards(published))
    record = json.loads(with_faces.read(0, "json"))
    assert record["measured"]["faces"]["n_tracks"] > 0


def test_one_command_trains_three_stages_and_the_model_answers(published, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["train", "--shards", str(published), "--tiny", "--out", str(run), "--workers", "0", "--seed", "3"]
    arguments += ["--set", SMALL_FRAMES, "--where", "confidence > 0.5"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "joint: 6 epochs of 18 items" in capsys.readouterr().out
    assert main(arguments) == 0
    for stage in ("general", "emotion", "joint"):
        seen = losses(run, stage)
        assert seen[-1] < seen[0]
    lineage = json.loads((run / "joint" / "model" / "lineage.json").read_bytes())
    assert lineage["stages"][2]["data"][0]["where"] == "confidence > 0.5"
    before, after = weights(run / "tiny"), weights(run / "joint" / "model")
    assert not any(torch.equal(before[name], after[name]) for name in before if "merger" in name and "mlp" in name)
    video = next(published.parent.glob("*.mp4"))
    assert main(["infer", str(run / "joint" / "model"), str(video), "--lang", "zh", "--task", "label"]) == 0
    assert main([*arguments, "--seed", "4"]) == 2
    assert "seed was 3, now 4" in capsys.readouterr().err
