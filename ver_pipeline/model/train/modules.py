"""Which parameters a stage trains, with which learning rate; adapters on and off."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ver_pipeline.model.train.recipe import LoraConfig, OptimizerConfig, StageConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.extras import imports

_PEFT_PREFIX = "base_model.model."
Named = list[tuple[str, nn.Parameter]]


def prepare(model: Any, stage: StageConfig) -> tuple[Any, Named]:
    """Set the stage's expert mode, add its adapters and free its parameters.

    Returns:
        The model (wrapped by peft when the stage has LoRA) and its trainable parameters by plain name,
        in a fixed order.  Everything else does not require a gradient.  Trainable parameters are
        fp32 whatever the rest is.

    Raises:
        ConfigError: a pattern matches no parameter.
    """
    model.set_expert_mode(stage.expert_mode)
    model.set_gate_pooling(stage.gate_pooling)
    if stage.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False
    if stage.lora is not None:
        model = add_lora(model, stage.lora)
    names = [plain_name(name) for name, _ in model.named_parameters()]
    for pattern in stage.train:
        if not any(pattern in name for name in names):
            raise ConfigError(
                f"stage {stage.name}: train pattern {pattern!r} matches no parameter", "names begin model.visual. ..."
            )
    for name, parameter in model.named_parameters():
        wanted = "lora_" in name or any(pattern in plain_name(name) for pattern in stage.train)
        parameter.requires_grad_(wanted)
        if wanted:
            parameter.data = parameter.data.float()
    return model, trainable(model)


def trainable(model: nn.Module) -> Named:
    """Trainable parameters by plain name."""
    return [(plain_name(name), p) for name, p in model.named_parameters() if p.requires_grad]


def plain_name(name: str) -> str:
    """The name as the model alone has it (without peft's and DDP's prefixes)."""
    return name.removeprefix("module.").removeprefix(_PEFT_PREFIX).replace(".base_layer.", ".")


def add_lora(model: Any, config: LoraConfig) -> Any:
    """Wrap with peft adapters.

    Raises:
        MissingDependencyError: peft is not installed.
        ConfigError: the target expression matches nothing.
    """
    with imports("train", "LoRA", "set lora: null"):
        import peft
    try:
        return peft.get_peft_model(
            model,
            peft.LoraConfig(
                r=config.r, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=config.targets
            ),
        )
    except ValueError as error:
        raise ConfigError(f"lora targets {config.targets!r}: {error}", "give an expression of full names") from error


def without_lora(model: Any) -> Any:
    """The model with its adapters merged into the weights (within 1e-5 of the unmerged logits)."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def make_optimizer(named: Named, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW; decay on matrices only; a group of its own for each learning rate.

    Raises:
        ConfigError: a group matches no trainable parameter.
    """
    for group in config.groups:
        if not any(group.match in name for name, _ in named):
            raise ConfigError(f"learning rate group {group.match!r} matches no trained parameter", "remove it")
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        lr = next((g.lr for g in config.groups if g.match in name), config.lr)
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((lr, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": ps, "lr": lr, "base_lr": lr, "weight_decay": decay} for (lr, decay), ps in groups.items()],
        betas=config.betas,
    )


def set_lr(optimizer: torch.optim.Optimizer, config: OptimizerConfig, step: int, total: int) -> float:
    """Learning rates of the step (counted from 0); returns the factor they were scaled by.

    Linear warm-up over ``warmup_frac`` of all steps, then a half cosine down to ``min_lr_frac``.
    """
    import math

    warm = max(1, round(config.warmup_frac * total))
    if step < warm:
        factor = (step + 1) / warm
    else:
        done = (step - warm) / max(1, total - warm)
        factor = config.min_lr_frac + (1 - config.min_lr_frac) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return factor
