"""Whole weights and optimizer state out of a run, sharded (FSDP) or not, and back in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ver_pipeline.model.train.modules import Named, prepare, trainable, without_lora

if TYPE_CHECKING:
    from ver_pipeline.model.train.job import Job


def is_sharded(model: Any) -> bool:
    """Whether FSDP holds the parameters in pieces."""
    return any(hasattr(p, "full_tensor") for p in model.parameters())


def full_weights(named: Named) -> dict[str, torch.Tensor]:
    """Whole copies on the CPU by name, each in its parameter's shape and dtype.

    With FSDP every rank must call it.
    """
    whole = ((name, p.full_tensor() if hasattr(p, "full_tensor") else p) for name, p in named)
    return {name: tensor.detach().cpu().clone() for name, tensor in whole}


def load_weights(named: Named, weights: dict[str, torch.Tensor]) -> None:
    """Fill parameters that are not sharded yet; names and shapes must be the same on both sides.

    Raises:
        KeyError: a parameter is missing in ``weights``.
        RuntimeError: one has another shape.
    """
    with torch.no_grad():
        for name, parameter in named:
            parameter.copy_(weights[name])


def full_optimizer(model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimizer's whole state.  With FSDP every rank must call it."""
    if not is_sharded(model):
        return optimizer.state_dict()
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return get_optimizer_state_dict(model, optimizer, options=options)


def load_optimizer(model: Any, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """The counterpart of :func:`full_optimizer`."""
    if not is_sharded(model):
        optimizer.load_state_dict(state)
        return
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict

    set_optimizer_state_dict(model, optimizer, state, options=StateDictOptions(full_state_dict=True))


def write_model(job: Job, weights: dict[str, torch.Tensor], out: Path) -> None:
    """The stage's result: the starting model with the trained weights in place, adapters merged.

    Everything that was not trained is copied from the starting model, bit for bit; the number format
    is that of the starting model.
    """
    from ver_pipeline.model import loading

    model = loading.load_weights(job.model, dtype="auto")
    dtype = model.dtype
    model.config.use_cache = True
    whole, _ = prepare(model, job.stage)
    load_weights(trainable(whole), weights)
    plain = without_lora(whole).to(dtype)
    plain.config.use_cache = True
    plain.save_pretrained(out)
