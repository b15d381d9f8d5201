"""The loader's contract, point by point."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from video_shards import make_data_set, make_sample, write_data_set

from ver_pipeline.model.data.loader import BadBudget, Loader, LoaderConfig
from ver_pipeline.model.data.samples import DataSpec, open_source
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.tiny import tiny_config, tiny_tokenizer
from ver_pipeline.model.vision import Sampling
from ver_pipeline.schemas.errors import CorruptDataError, UsageError
from ver_pipeline.shards.manifest import load_manifest, manifest_bytes

torch.set_num_threads(1)
SMALL = Sampling(max_pixels=56 * 56, image_max_pixels=56 * 56)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_data_set(tmp_path_factory.mktemp("set"), n_train=11, n_test=3)


@pytest.fixture(scope="module")
def parts():
    tokenizer = tiny_tokenizer()
    return tokenizer, tiny_config(tokenizer)


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def loader_of(folder, parts, *, rank=0, world_size=1, workers=0, batch=4, micro=2, seed=0, **spec) -> Loader:
    spec = {"sampling": SMALL, "tasks": ("label", "describe")} | spec
    source = open_source(DataSpec("shards", **spec), folder)
    cut = LoaderConfig(batch, micro, seed, workers=workers)
    return Loader([source], *parts, cut, rank=rank, world_size=world_size)


def bytes_of(micro) -> str:
    """A hash over every tensor of a micro-batch."""
    h = hashlib.sha256()
    for name in sorted(micro.batch):
        h.update(name.encode() + micro.batch[name].numpy().tobytes())
    return h.hexdigest()


def test_each_sample_comes_exactly_once_per_epoch_in_each_language(folder, parts):
    loader = loader_of(folder, parts)
    names = [name for step in loader.steps(0) for micro in step for name in micro.names]
    assert loader.items_per_epoch == 22
    assert sorted(names) == sorted([loader.sources[0].name(i) for i in range(22)])
    assert len(set(names)) == 11


def test_tensors_do_not_depend_on_the_number_of_workers(folder, parts):
    runs = [[bytes_of(m) for s in loader_of(folder, parts, workers=w).steps(0) for m in s] for w in (0, 2, 5)]
    assert runs[0] == runs[1] == runs[2]


def test_resume_across_an_epoch_edge_gives_the_same_batches_for_any_workers(folder, parts):
    whole = loader_of(folder, parts)
    straight = [bytes_of(m) for epoch in (0, 1) for s in whole.steps(epoch) for m in s]
    resumed = loader_of(folder, parts, workers=2)
    again = [bytes_of(m) for s in resumed.steps(0, 4) for m in s] + [bytes_of(m) for s in resumed.steps(1) for m in s]
    assert again == straight[8:]


def test_resume_reads_nothing_of_what_lies_behind(folder, parts):
    loader = loader_of(folder, parts)
    last = loader.steps_per_epoch - 1
    read: list[str] = []
    reader = loader.sources[0].data.reader
    direct = reader.read
    reader.read = lambda name, offset, size: read.append(name) or direct(name, offset, size)
    names = [name for step in loader.steps(0, last) for micro in step for name in micro.names]
    assert names == loader.global_batch(0, last)
    assert len(read) == 2 * len(names)  # json and mp4 of the last batch, nothing else


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_together_see_the_same_global_batches(folder, parts, world_size):
    alone = loader_of(folder, parts)
    ranks = [loader_of(folder, parts, rank=r, world_size=world_size) for r in range(world_size)]
    streams = [list(r.steps(0)) for r in ranks]
    assert len({len(s) for s in streams}) == 1
    for step in range(alone.steps_per_epoch):
        assert len({len(s[step]) for s in streams}) == 1  # as many forward passes on every rank
        together = [name for s in streams for micro in s[step] for name in micro.names]
        assert together == alone.global_batch(0, step)


def test_the_epochs_remainder_is_kept_or_dropped_and_counted(folder, parts):
    source = open_source(DataSpec("shards", sampling=SMALL), folder)
    kept = Loader([source], *parts, LoaderConfig(4, 2))
    dropped = Loader([source], *parts, LoaderConfig(4, 2, drop_last=True))
    assert (kept.steps_per_epoch, kept.dropped_per_epoch) == (6, 0)
    assert (dropped.steps_per_epoch, dropped.dropped_per_epoch) == (5, 2)


def test_paired_languages_make_one_item_with_both(folder, parts):
    loader = loader_of(folder, parts, paired=True, tasks=("label",))
    assert loader.items_per_epoch == 11
    micro = next(iter(loader.steps(0)))[0]
    text = parts[0].decode(micro.batch["input_ids"][0])
    assert text.count("<|im_start|>assistant") == 2
    assert text.count("<|vision_start|>") == 1


def test_a_query_selects_the_training_set(folder, parts):
    table = open_shards(folder)
    some = open_shards(folder, where="label = 'anger' OR label = 'sadness'")
    assert 0 < len(some) < len(table)
    record = json.loads(some.read(0, "json"))
    assert record["emotion"]["primary"] in ("anger", "sadness")
    by_select = open_shards(folder, where="SELECT key FROM samples WHERE label IN ('anger', 'sadness')")
    assert by_select.keys == some.keys


@pytest.mark.parametrize(("where", "said"), [("labl = 1", "labl"), ("false", "no sample"), ("SELECT 1 AS x", "key")])
def test_a_query_that_selects_nothing_or_fails_is_refused(folder, where, said):
    with pytest.raises(UsageError, match=said):
        open_shards(folder, where=where)


def test_random_access_reads_the_member_that_was_written(folder):
    data = open_shards(folder, split="all")
    for row, key in enumerate(data.keys):
        record = json.loads(data.read(row, "json"))
        assert record["key"] == key
        assert hashlib.sha256(data.read(row, "mp4")).hexdigest() == record["media"]["sha256"]
        assert data.read(row, "jpg") is None


def test_stock_webdataset_reads_the_same_tars(folder):
    import webdataset

    data = open_shards(folder, split="train")
    tars = [str(folder / name) for name in sorted(set(data.shards))]
    seen = [s["__key__"] for s in webdataset.WebDataset(tars, shardshuffle=False)]
    assert sorted(seen) == list(data.keys)


def test_only_what_the_manifest_lists_is_visible(copy):
    (copy / "train-000099-00000000.tar").write_bytes(b"half written")
    assert len(open_shards(copy)) == 11
    victim = next(f for f in load_manifest(copy)["files"] if f["kind"] == "shard")
    (copy / victim["path"]).write_bytes((copy / victim["path"]).read_bytes()[:-512])
    with pytest.raises(CorruptDataError, match="published were"):
        open_shards(copy)


def test_a_flipped_byte_is_found_on_request(copy):
    victim = next(f for f in load_manifest(copy)["files"] if f["kind"] == "shard")
    data = bytearray((copy / victim["path"]).read_bytes())
    data[700] ^= 1
    (copy / victim["path"]).write_bytes(data)
    open_shards(copy)
    with pytest.raises(CorruptDataError, match="sha256"):
        open_shards(copy, verify=True)


def test_a_manifest_that_was_edited_is_refused(copy):
    manifest = load_manifest(copy)
    manifest["counts"]["samples"] = 99
    (copy / "manifest.json").write_bytes(manifest_bytes(manifest).replace(b'"samples":99', b'"samples":98'))
    with pytest.raises(CorruptDataError, match="checksum"):
        open_shards(copy)


def corrupt(folder: Path, n_bad: int) -> Path:
    """A data set of eight samples of which some hold media that does not decode."""
    samples = [make_sample(i, "train", media=b"no video" if i < n_bad else None) for i in range(8)]
    return write_data_set(folder, samples)


def test_corrupt_samples_are_named_counted_and_skipped(tmp_path, parts):
    loader = loader_of(corrupt(tmp_path / "bad", 2), parts, languages=("en",), workers=1)
    micro_batches = [m for s in loader.steps(0) for m in s]
    bad = [b for m in micro_batches for b in m.bad]
    assert len(bad) == 2
    assert all(b.name.startswith("train-000000-") and "UndecodableError" in b.reason for b in bad)
    assert sum(len(m.names) for m in micro_batches) == 6


def test_past_the_budget_the_run_stops_with_the_list(tmp_path, parts):
    loader = loader_of(corrupt(tmp_path / "bad", 3), parts)
    budget = BadBudget(allowed=2)
    with pytest.raises(CorruptDataError) as error:
        for step in loader.steps(0):
            for micro in step:
                budget.add(micro.bad)
    assert str(error.value).count("train-000000-") == 3


def test_one_bad_sample_counts_once_however_often_it_comes(tmp_path, parts):
    loader = loader_of(corrupt(tmp_path / "bad", 1), parts)
    budget = BadBudget(allowed=1)
    for epoch in range(3):
        for step in loader.steps(epoch):
            for micro in step:
                budget.add(micro.bad)
    assert len(budget.seen) == 1


def test_media_that_is_not_the_recorded_one_is_bad(tmp_path, parts):
    sample = make_sample(0, "train")
    sample["mp4"] = make_sample(1, "train")["mp4"]
    loader = loader_of(write_data_set(tmp_path / "swapped", [sample]), parts, languages=("en",))
    (micro,) = next(iter(loader.steps(0)))
    assert "sha256" in micro.bad[0].reason
    assert micro.n_targets == 0


def test_workers_leave_nothing_in_shared_memory(folder, parts):
    before = {p.name for p in Path("/dev/shm").iterdir()}
    stream = loader_of(folder, parts, workers=2).steps(0)
    next(stream)
    during = {p.name for p in Path("/dev/shm").iterdir() if p.name.startswith("torch_")}
    stream.close()
    assert during <= before
