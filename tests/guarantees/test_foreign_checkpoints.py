"""A model's folder may be anybody's, or damaged: it costs one line, and reads nothing and runs nothing elsewhere."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ver_pipeline.annotators.agreement.embedding import TextEmbedding
from ver_pipeline.annotators.backends.transformers import load as load_local
from ver_pipeline.cli import main
from ver_pipeline.model.loading import load_checkpoint
from ver_pipeline.model.tiny import write_tiny
from ver_pipeline.model.train import checkpoint, sharded
from ver_pipeline.model.train.lineage import read_lineage
from ver_pipeline.schemas.errors import CorruptDataError, MissingModelError, VerError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "tiny"
    write_tiny(folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "set" / "model"))


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def text(name: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda folder: void((folder / name).write_bytes(content.encode() if isinstance(content, str) else content))


def config(path: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        told = inner = json.loads((folder / "config.json").read_text())
        *sections, last = path.split(".")
        for section in sections:
            inner = inner[section]
        inner[last] = value
        (folder / "config.json").write_text(json.dumps(told))

    return change


def void(_: Any) -> None:
    return None


def cut(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def another_shape(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["lm_head.weight"] = tensors["lm_head.weight"][:-1].clone()
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def a_weight_less(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors["lm_head.weight"]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def by_index(names: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        keys = sorted(load_file(folder / WEIGHTS))
        (folder / WEIGHTS).rename(folder.parent / "outside.safetensors")
        save_file({"x": torch.zeros(1)}, folder / "other.safetensors")
        told = {"metadata": {}, "weight_map": dict.fromkeys(keys, names) if isinstance(names, str) else names}
        (folder / INDEX).write_text(json.dumps(told))

    return change


def pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def link(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).rename(folder.parent / "outside")
        (folder / name).symlink_to(folder.parent / "outside")

    return change


def another_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="b")).save(str(folder / "tokenizer.json"))


def tokens_beyond_the_model(folder: Path) -> None:
    told = json.loads((folder / "tokenizer.json").read_text())
    last = told["added_tokens"][-1]
    told["added_tokens"] += [{**last, "id": last["id"] + n, "content": f"<|more_{n}|>"} for n in range(1, 2000)]
    (folder / "tokenizer.json").write_text(json.dumps(told))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "config: a list": text("config.json", "[1]"),
    "config: a number": text("config.json", "NaN"),
    "config: no text": text("config.json", b"\xff\xfe{"),
    "config: nested without end": text("config.json", "[" * 200_000),
    "config: a type that is a list": config("model_type", ["emotion_qwen"]),
    "config: a size that is a word": config("text_config.hidden_size", "wide"),
    "config: a size below zero": config("text_config.hidden_size", -4),
    "config: a size that is no number": config("text_config.hidden_size", float("nan")),
    "config: no heads": config("text_config.num_attention_heads", 0),
    "config: no gate heads": config("vision_config.gate_heads", 0),
    "config: a section that is a list": config("text_config", []),
    "config: an unknown function": config("text_config.hidden_act", "nonsense"),
    "config: far too wide": config("text_config.hidden_size", 1 << 20),
    "config: far too deep": config("vision_config.depth", 1 << 40),
    "config: other weights": config("transformers_weights", "adapter_model.bin"),
    "config: a quantiser": config("quantization_config", {"quant_method": "gptq", "bits": 4}),
    "config: a quantiser of a part": config("text_config.quantization_config", {"quant_method": "gptq"}),
    "config: a kernel of a hub": config("attn_implementation", "somebody/kernel"),
    "config: a kernel of a part": config("attn_implementation", {"text_config": "somebody/kernel@main:run"}),
    "config: fusions": config("fusion_config", {"x": 1}),
    "config: a pipe": pipe("config.json"),
    "config: a link": link("config.json"),
    "weights: cut": cut,
    "weights: empty": text(WEIGHTS, b""),
    "weights: a header of exabytes": text(WEIGHTS, struct.pack("<Q", 1 << 60) + b"{}"),
    "weights: a header of blanks": text(WEIGHTS, struct.pack("<Q", 4 << 20) + b" " * (4 << 20)),
    "weights: another shape": another_shape,
    "weights: one less": a_weight_less,
    "weights: a pipe": pipe(WEIGHTS),
    "weights: a link": link(WEIGHTS),
    "index: outside": by_index("../outside.safetensors"),
    "index: a pickle": by_index("weights.bin"),
    "index: a number": by_index({"a": 3}),
    "index: a list": by_index([1]),
    "index: no file there": by_index("absent.safetensors"),
    "tokenizer: missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "tokenizer: of another form": text("tokenizer.json", '{"a": 1}'),
    "tokenizer: a list": text("tokenizer.json", "[]"),
    "tokenizer: its settings are a list": text("tokenizer_config.json", "[]"),
    "tokenizer: of another model": another_tokenizer,
    "tokenizer: with tokens beyond the model": tokens_beyond_the_model,
    "tokenizer: a pipe": pipe("tokenizer.json"),
    "tokenizer: a link": link("tokenizer.json"),
    "generation: a list": text("generation_config.json", "[]"),
    "generation: nonsense": text("generation_config.json", '{"cache_implementation": "nonsense"}'),
    "generation: cut": text("generation_config.json", "["),
    "adapter: with a base of its own": text("adapter_config.json", '{"base_model_name_or_path": "/etc"}'),
    "adapter: cut": text("adapter_config.json", "["),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_hostile_folder_costs_one_line(damage: str, folder: Path) -> None:
    DAMAGES[damage](folder)
    with pytest.raises((MissingModelError, CorruptDataError)) as caught:
        load_checkpoint(folder, "cpu", "float32")
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 600
    assert str(folder) in str(caught.value) or "tokenizer" in str(caught.value)


def test_a_pickle_that_an_index_names_is_not_opened(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.write_text, (mark, "ran"))

    by_index("weights.bin")(folder)
    (folder / "weights.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MissingModelError, match="no safetensors of this folder"):
        load_checkpoint(folder, "cpu", "float32")
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["config: a list", "weights: cut", "index: outside", "tokenizer: a list", "config: a link"]
)
def test_every_door_refuses_it_in_one_line(
    name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[name](folder)
    (tmp_path / "film.mp4").write_bytes(b"x")
    for command in (
        ["infer", str(folder), str(tmp_path / "film.mp4")],
        ["checkpoint", "init", "--from", str(folder), str(tmp_path / "out")],
        ["checkpoint", "convert", "--from", str(folder), str(tmp_path / "out")],
    ):
        assert main(command) == 1
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and told.startswith(f"ver {command[0]}: "), told
    with pytest.raises(VerError):
        load_local(folder, "cpu", "float32")
    with pytest.raises(VerError):
        TextEmbedding(folder).similarity("a", "b")
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_folder_of_a_hub_cache_opens_through_its_links(whole: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "abc"
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for path in whole.iterdir():
        shutil.copy(path, blobs / path.name)
        (snapshot / path.name).symlink_to(Path("..", "..", "blobs", path.name))
    model, _, _ = load_checkpoint(snapshot, "cpu", "float32")
    assert sum(p.numel() for p in model.parameters()) > 100_000


def test_what_a_checkpoint_says_of_how_to_answer_cannot_cost_any_time(folder: Path) -> None:
    told = {"num_beams": 1 << 20, "num_return_sequences": 9, "max_new_tokens": 1 << 40, "eos_token_id": 2}
    (folder / "generation_config.json").write_text(json.dumps(told))
    model, _, _ = load_checkpoint(folder, "cpu", "float32")
    found = model.generation_config
    assert (found.eos_token_id, found.num_return_sequences or 1, found.num_beams or 1) == (2, 1, 1)
    assert found.max_new_tokens is None


@pytest.mark.parametrize("name", ["nonsense", "Tensor", "int8", "__doc__"])
def test_a_number_format_that_is_none_is_bad_usage(name: str, folder: Path) -> None:
    with pytest.raises(VerError, match="no number format"):
        load_checkpoint(folder, "cpu", name)
    with pytest.raises(VerError, match="nonsense"):
        load_checkpoint(folder, "nonsense", "float32")


@pytest.mark.parametrize("content", ["[", "[]", "{}", '{"stages": 3}', '{"stages": [3]}', "[" * 200_000])
def test_a_damaged_lineage_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "lineage.json").write_text(content)
    with pytest.raises(CorruptDataError):
        read_lineage(tmp_path)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint in mid-training."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([parameter])
    parameter.grad = torch.ones(3)
    optimizer.step()
    state = checkpoint.TrainingState(step=1)
    return checkpoint.save(tmp_path, state, {"x": parameter}, optimizer.state_dict(), {"a": 1}, {}, keep=2)


@pytest.mark.parametrize(
    "change",
    [[], {}, {"version": [1]}, {"position": []}, {"position": {"nonsense": 1}}, {"position": {"step": "many"}},
     {"identity": []}, {"identity": None}, {"lineage": 3}, {"optimizer": None}, {"optimizer": {"pairs": 3}},
     {"optimizer": {"tensor": "absent"}}, "[" * 200_000],
)  # fmt: skip
def test_a_damaged_checkpoint_of_a_run_costs_one_line(change: Any, saved: Path) -> None:
    told = json.loads((saved / "state.json").read_text())
    change = {**told, **change} if isinstance(change, dict) and change else change
    (saved / "state.json").write_text(change if isinstance(change, str) else json.dumps(change))
    with pytest.raises(CorruptDataError) as caught:
        checkpoint.load(saved)
    assert str(saved) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_weights_and_moments_of_another_run_cost_one_line(saved: Path) -> None:
    loaded = checkpoint.load(saved)
    others = [("y", torch.nn.Parameter(torch.ones(3)))], [("x", torch.nn.Parameter(torch.ones(4)))]
    for named in others:
        with pytest.raises(CorruptDataError), checkpoint.reading(saved):
            sharded.load_weights(named, loaded.weights)
    with pytest.raises(CorruptDataError), checkpoint.reading(saved):
        two = torch.nn.Linear(2, 2)
        sharded.load_optimizer(two, torch.optim.AdamW(two.parameters()), loaded.optimizer)
