"""One optimizer step: the same gradient for any split of the global batch over ranks and micro-batches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ver_pipeline.model.data.chat import IGNORED
from ver_pipeline.model.data.collate import Batch, pack
from ver_pipeline.model.data.loader import MicroBatch
from ver_pipeline.model.data.order import mix
from ver_pipeline.model.gate import balance_loss
from ver_pipeline.model.train.distributed import DistributedContext, no_sync
from ver_pipeline.model.train.modules import Named
from ver_pipeline.model.train.recipe import StageConfig


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step came to, over the global batch.

    Attributes:
        loss: nats a target token.
        grad_norm: the gradient's global norm before clipping.
        gate: this rank's gate weights, [clips, 2]; None where the gate was not used.
    """

    loss: float
    grad_norm: float
    gate: torch.Tensor | None

    @property
    def finite(self) -> bool:
        """Whether both numbers are finite."""
        return bool(torch.isfinite(torch.tensor([self.loss, self.grad_norm])).all())


def backward(
    model: nn.Module, inner: Any, named: Named, micro_batches: Sequence[MicroBatch], n_targets: int,
    stage: StageConfig, distributed: DistributedContext, step: int,
) -> StepResult:  # fmt: skip
    """Gradients of the mean loss over all target tokens of the global batch, clipped.

    The loss is summed over tokens and divided by the global count, so the gradient does not depend on
    how samples fall on ranks and micro-batches (up to rounding).

    Args:
        model: what is called (possibly wrapped).
        inner: the Emotion-Qwen inside it.
        named: trainable parameters.
        micro_batches: this rank's micro-batches; every rank has the same number.
        n_targets: target tokens of the global batch, at least 1.
        stage: precision, packing, balance, clipping.
        distributed: the ranks.
        step: the optimizer step; dropout is seeded from (seed, stage, step, rank).
    """
    torch.manual_seed(mix(stage.seed, stage.name, step, distributed.rank) % 2**63)
    gate = inner.log_gate() if stage.expert_mode == "mix" else None
    total, seen = 0.0, []
    for number, micro_batch in enumerate(micro_batches):
        with no_sync(model, last=number == len(micro_batches) - 1):
            batch = {name: value.to(distributed.device, non_blocking=True) for name, value in micro_batch.batch.items()}
            with autocast(stage.precision, distributed.device):
                loss_sum = token_loss_sum(model, inner, batch, packed=stage.batch.pack)
            weights = gate.take() if gate is not None else None
            # DDP and FSDP average gradients over ranks; times size makes it the sum.
            loss = loss_sum * (distributed.size / n_targets) + touch(named, distributed)
            if weights is not None:
                seen.append(weights.detach())
                if stage.balance_weight:
                    loss = loss + stage.balance_weight / len(micro_batches) * balance_loss(weights)
            loss.backward()
            total += float(loss_sum.detach())
    norm = clip([p for _, p in named], stage.optimizer.clip_norm)
    (summed,) = distributed.sum([total])
    return StepResult(summed / n_targets, norm, torch.cat(seen) if seen else None)


def token_loss_sum(model: nn.Module, inner: Any, batch: Batch, *, packed: bool) -> torch.Tensor:
    """Cross entropy in nats, summed over the target tokens of one micro-batch: a float32 scalar."""
    if packed:
        batch = pack(batch, inner.model)
    labels = batch["labels"]
    logits = model(**{name: value for name, value in batch.items() if name != "labels"}, use_cache=False).logits
    return functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


def touch(named: Named, distributed: DistributedContext) -> torch.Tensor | float:
    """A scalar zero that depends on every trainable parameter.

    A text-only batch then gives zero gradients instead of none, so every rank exchanges the same tensors and one
    process behaves as several.
    """
    if any(hasattr(parameter, "full_tensor") for _, parameter in named):
        return 0.0  # sharded: the loader puts every kind of sample into every micro-batch instead
    return sum(
        (0.0 * parameter.flatten()[0] for _, parameter in named), start=torch.zeros((), device=distributed.device)
    )


def clip(parameters: list[nn.Parameter], max_norm: float) -> float:
    """Clip the gradient's global norm; returns the norm before clipping."""
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """bf16 autocast, or nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()
