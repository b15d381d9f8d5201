"""Checkpoints that are whole or not there: trained weights, optimizer, position, identity of the data.

A folder ``step-00000120`` is renamed into place after everything in it reached the disk.  Nothing in
it is a pickle: weights and the optimizer's moments are safetensors, the rest is JSON.  The random state needs
no file: each step seeds it from (seed, stage, step, rank).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import CorruptDataError, UsageError, VerError
from ver_pipeline.schemas.untrusted import first_line

VERSION = 2
_PREFIX = "step-"


@dataclass(slots=True)
class TrainingState:
    """Where a stage stands, and what its policies remember."""

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    samples: int = 0
    skipped_in_row: int = 0
    smooth_loss: float | None = None
    best_loss: float | None = None
    steps_diverged: int = 0
    bad_samples: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint in memory.

    Attributes:
        weights: trained parameters by name, whole, in the shape and dtype in which they were trained.
        optimizer: what the optimizer's ``load_state_dict`` takes.
        training_state: where the stage stood.
        state: ``state.json`` as it was read: version, identity, lineage.
    """

    weights: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    training_state: TrainingState
    state: dict[str, Any]


def save(folder: Path, training_state: TrainingState, weights: dict[str, torch.Tensor], optimizer: dict[str, Any],
         identity: dict[str, Any], lineage: dict[str, Any], keep: int) -> Path:  # fmt: skip
    """Write a checkpoint and drop the oldest beyond ``keep``.

    After it returns, a crash of the process or of the machine leaves this checkpoint or, if it came
    earlier, the one before: never half of one.
    """
    from safetensors.torch import save_file

    final = folder / f"{_PREFIX}{training_state.step:08d}"
    temporary = folder / f".{final.name}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, temporary / "trained.safetensors")
    tensors: dict[str, torch.Tensor] = {}
    settings = _without_tensors(optimizer, tensors)
    save_file(tensors, temporary / "optimizer.safetensors")
    state = {
        "version": VERSION, "position": asdict(training_state), "identity": identity, "lineage": lineage,
        "optimizer": settings,
    }  # fmt: skip
    (temporary / "state.json").write_bytes(canonical_json(state))
    publish(temporary, final)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def publish(temporary: Path, final: Path) -> None:
    """Sync everything in ``temporary`` to the disk, then rename it to ``final`` (replacing it)."""
    for path in sorted(temporary.rglob("*")):
        if path.is_file():
            _sync(path)
    _sync(temporary)
    if final.exists():
        shutil.rmtree(final)
    temporary.replace(final)
    _sync(final.parent)


def checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(p for p in folder.glob(f"{_PREFIX}*") if p.is_dir())


def load(path: Path, device: str | torch.device = "cpu") -> Loaded:
    """Read a checkpoint.

    Raises:
        CorruptDataError: it is not one, its state holds other fields or types, or another version wrote it.
    """
    from safetensors.torch import load_file

    with reading(path):
        state = json.loads((path / "state.json").read_bytes())
        weights = load_file(path / "trained.safetensors", device=str(device))
        tensors = load_file(path / "optimizer.safetensors", device=str(device))
        optimizer: dict[str, Any] = _with_tensors(state["optimizer"], tensors)
        if state["version"] != VERSION:
            raise CorruptDataError(f"{path} has version {state['version']}", f"this release reads version {VERSION}")
        position = TypeAdapter(TrainingState).validate_python(state["position"])
        if state["position"].keys() != asdict(position).keys() or not isinstance(optimizer, dict):
            raise TypeError("its state has other fields")
        if not all(isinstance(state[name], dict) for name in ("identity", "lineage")):
            raise TypeError("its state is no table")
        return Loaded(weights, optimizer, position, state)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Stands around what a checkpoint is read by or put into place by: a damaged one is one line.

    Raises:
        CorruptDataError: anything went wrong.
    """
    try:
        yield
    except VerError:
        raise
    except Exception as error:  # what a library meets in a damaged file
        what = f"{path} is not a whole checkpoint: {type(error).__name__}: {first_line(error)[:300]}"
        raise CorruptDataError(what, "delete the folder; the run goes on from the one before") from error


def _without_tensors(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """An optimizer's state as JSON; its tensors go into ``tensors``.  Dicts become pairs: their keys may be numbers."""
    if isinstance(value, torch.Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.detach().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"pairs": [[key, _without_tensors(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(inner, tensors) for inner in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of :func:`_without_tensors`; tuples come back as lists, which no optimizer minds."""
    if isinstance(value, list):
        return [_with_tensors(inner, tensors) for inner in value]
    if isinstance(value, dict) and "tensor" in value:
        return tensors[value["tensor"]]
    if isinstance(value, dict):
        return {key: _with_tensors(inner, tensors) for key, inner in value["pairs"]}
    return value


def clean(folder: Path) -> None:
    """Remove what a killed save left behind."""
    for path in folder.glob(f".{_PREFIX}*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def refuse_other(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise when a run would go on with other data or settings than it began with.

    Raises:
        UsageError: naming the first field that differs, with both values.
    """
    before, after = _flat(saved), _flat(now)
    # What follows from another field (hashes, counts) explains least and comes last.
    names = sorted(before.keys() | after.keys(), key=lambda n: ("sha256" in n or n.endswith(".n"), n))
    for name in names:
        if before.get(name) != after.get(name):
            raise UsageError(
                f"cannot resume: {name} was {before.get(name)!r}, now {after.get(name)!r}",
                "use the settings and data of the first run, another --out, or --force to go on regardless",
            )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in _flat(inner, f"{name}.{key}" if name else key).items()}
    if isinstance(value, list | tuple):
        return {k: v for i, inner in enumerate(value) for k, v in _flat(inner, f"{name}[{i}]").items()} | {
            f"{name}.count": len(value)
        }
    return {name: value}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
