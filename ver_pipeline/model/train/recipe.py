"""A stage as a YAML file: data, trainable modules, optimizer, schedule, limits.  Closed and typed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.nearest import did_you_mean

STAGES = ("general", "emotion", "joint")
"""The three stages, in order."""
_CLOSED = ConfigDict(extra="forbid")
_FREE_TO_CHANGE = ("batch.micro_batch", "checkpoint_every", "keep", "log_every", "parallel")


@dataclass(frozen=True, slots=True, config=_CLOSED)
class LrGroup:
    """Another learning rate for parameters whose name contains ``match``."""

    match: str
    lr: float


@dataclass(frozen=True, slots=True, config=_CLOSED)
class OptimizerConfig:
    """AdamW with warm-up and a cosine to ``min_lr_frac``.

    Defaults (weight decay 0.1 on matrices, betas 0.9 / 0.95, 1 % warm-up, clip 1.0) are the official
    scripts' where those state them.
    """

    lr: float
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    warmup_frac: float = 0.01
    min_lr_frac: float = 0.0
    clip_norm: float = 1.0
    groups: tuple[LrGroup, ...] = ()


@dataclass(frozen=True, slots=True, config=_CLOSED)
class LoraConfig:
    """Adapters on the linear layers whose full name matches the expression ``targets``."""

    targets: str
    r: int = 64
    alpha: int = 64
    dropout: float = 0.05


@dataclass(frozen=True, slots=True, config=_CLOSED)
class BatchConfig:
    """``global_batch`` samples an optimizer step over all ranks, ``micro_batch`` a forward pass."""

    global_batch: int = 6
    micro_batch: int = 1
    drop_last: bool = False
    bucket: bool = False
    pack: bool = False


@dataclass(frozen=True, slots=True, config=_CLOSED)
class PolicyConfig:
    """When to go on and when to stop.

    A step whose loss or gradient is not finite is skipped (or stops the run); more than
    ``max_skipped`` in a row stop it.  A smoothed loss above ``divergence_factor`` times its best value
    for ``divergence_patience`` steps stops it too.  ``max_bad_samples`` bounds samples that cannot be used.
    """

    on_nonfinite: Literal["skip", "stop"] = "skip"
    max_skipped: int = 5
    divergence_factor: float = 3.0
    divergence_patience: int = 50
    max_bad_samples: int = 0


@dataclass(frozen=True, slots=True, config=_CLOSED)
class StageConfig:
    """One stage of training.

    Attributes:
        name: names the folder of its checkpoints.
        expert_mode: ``general``, ``emotion`` or ``mix``.
        data: the mixture.
        train: parts of parameter names that are trained; every one must match something.
        lora: adapters, or None.
        precision: ``fp32``, or ``bf16`` (autocast; trained weights stay fp32, frozen ones become bf16).
        balance_weight: weight of the loss that keeps the gate from using one expert only.
        attention: transformers' attention implementation (``sdpa``, ``flash_attention_2``).
        parallel: how several ranks share the work: ``ddp`` or ``fsdp``.
    """

    name: str
    expert_mode: Literal["general", "emotion", "mix"]
    data: tuple[DataSpec, ...]
    train: tuple[str, ...]
    optimizer: OptimizerConfig
    lora: LoraConfig | None = None
    batch: BatchConfig = Field(default_factory=BatchConfig)
    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    epochs: int = 1
    max_steps: int | None = None
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    gradient_checkpointing: bool = False
    balance_weight: float = 0.0
    gate_pooling: Literal["clip", "frame"] = "clip"
    attention: str = "sdpa"
    parallel: Literal["ddp", "fsdp"] = "ddp"
    checkpoint_every: int = 200
    keep: int = 2
    log_every: int = 10

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)

    def semantics(self) -> dict[str, Any]:
        """What must be equal for a resume to be exact, as flat ``a.b: value``."""
        flat = _flatten(self.to_dict())
        return {name: value for name, value in flat.items() if name not in _FREE_TO_CHANGE}

    def fingerprint(self) -> str:
        """sha256 over :meth:`semantics`."""
        return digest(self.semantics())


def load_stage(path: Path, *, tiny: bool = False, overrides: tuple[str, ...] = ()) -> StageConfig:
    """Read a stage file.

    A top-level ``sampling:`` (frames and pixels) holds for every entry of ``data``; an entry's own values win.

    Args:
        path: a YAML file; see ``model/stages``.
        tiny: apply its ``tiny:`` section (learning rates for the tiny model).
        overrides: ``batch.global_batch=8`` and the like; the values are YAML.

    Raises:
        ConfigError: unknown keys (with a suggestion), wrong values.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {error}", "the file must be YAML in UTF-8") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} is not a stage", "see model/stages for the form")
    small = raw.pop("tiny", {})
    if tiny:
        raw = merged(raw, small)
    for override in overrides:
        name, sign, value = override.partition("=")
        if not sign:
            raise ConfigError(f"--set {override!r} has no value", "write NAME=VALUE")
        raw = merged(raw, _nested(name.split("."), yaml.safe_load(value)))
    common = raw.pop("sampling", {})
    raw["data"] = [merged({"sampling": common}, entry) for entry in raw.get("data", [])]
    try:
        return TypeAdapter(StageConfig).validate_python(raw)
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {_first(error, raw)}", "see docs/training.md for the fields") from error


def built_in_stage(name: str) -> Path:
    """The file of one of the three stages."""
    return Path(__file__).parent.parent / "recipes" / f"{name}.yaml"


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, section by section."""
    out = dict(base)
    for name, value in change.items():
        nested = isinstance(value, dict) and isinstance(out.get(name), dict)
        out[name] = merged(out[name], value) if nested else value
    return out


def _nested(names: list[str], value: Any) -> dict[str, Any]:
    return {names[0]: _nested(names[1:], value) if names[1:] else value}


def _flatten(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        flat: dict[str, Any] = {}
        for key, inner in value.items():
            flat |= _flatten(inner, f"{name}.{key}" if name else key)
        return flat
    if isinstance(value, list | tuple):
        flat = {f"{name}.n": len(value)}
        for i, inner in enumerate(value):
            flat |= _flatten(inner, f"{name}.{i}")
        return flat
    return {name: value}


def _first(error: ValidationError, raw: dict[str, Any]) -> str:
    first = error.errors()[0]
    where = ".".join(str(p) for p in first["loc"])
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown key {where}: {did_you_mean(str(first['loc'][-1]), _field_names())}"
    return f"{where}: {first['msg']}"


def _field_names() -> list[str]:
    classes = (StageConfig, OptimizerConfig, LoraConfig, BatchConfig, PolicyConfig, DataSpec)
    return [name for cls in classes for name in cls.__dataclass_fields__]
