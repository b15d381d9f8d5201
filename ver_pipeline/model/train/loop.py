"""The training of one stage: load, step, save; resumable to the step."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ver_pipeline.model.convert import copy_tokenizer
from ver_pipeline.model.data.loader import BadBudget, BadSample, Loader, LoaderConfig, MicroBatch
from ver_pipeline.model.data.order import mix
from ver_pipeline.model.train import checkpoint, sharded
from ver_pipeline.model.train.checkpoint import TrainingState
from ver_pipeline.model.train.distributed import DistributedContext, shared
from ver_pipeline.model.train.job import Job, Outcome, open_sources
from ver_pipeline.model.train.metrics import Reporter, StepReport
from ver_pipeline.model.train.modules import make_optimizer, prepare, set_lr, trainable
from ver_pipeline.model.train.step import StepResult, backward
from ver_pipeline.model.train.termination import Terminated
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import ConfigError, VerError

LOG = logging.getLogger(__name__)
SMOOTHING = 0.95


class DivergedError(VerError):
    """The loss is not finite, or has left its best value far behind."""


def train_stage(job: Job, distributed: DistributedContext) -> Outcome:
    """Train one stage, going on from its newest checkpoint.

    Guarantees: losses and weights are bit-identical to those of an undisturbed run, wherever it was
    killed and whatever the number of loader workers; the batches are the same for any number of ranks;
    parameters that the stage does not name keep their bits.

    Raises:
        DivergedError, CorruptDataError, UsageError, ConfigError: see the policies.
    """
    from ver_pipeline.model.loading import load_tokenizer, load_weights

    stage = job.stage
    tokenizer = load_tokenizer(job.model)
    # FSDP wants one number format per group; sharded fp32 costs each rank little.
    halved = stage.precision == "bf16" and stage.parallel != "fsdp"
    dtype = torch.bfloat16 if halved else torch.float32
    inner = load_weights(job.model, dtype=dtype, attn_implementation=stage.attention)
    torch.manual_seed(mix(stage.seed, stage.name, "adapters") % 2**63)  # adapters start at random values
    whole, named = prepare(inner, stage)
    whole.to(distributed.device).train()
    config = LoaderConfig(
        stage.batch.global_batch, stage.batch.micro_batch, stage.seed, stage.batch.drop_last, stage.batch.bucket,
        job.workers, every_kind=stage.parallel == "fsdp" and distributed.size > 1,
    )  # fmt: skip
    loader = Loader(
        open_sources(job), tokenizer, inner.config, config, rank=distributed.rank, world_size=distributed.size
    )
    identity = {"data": loader.identity(), "stage": stage.semantics()}
    if distributed.is_main:
        checkpoint.clean(job.folder)
    training_state = TrainingState()
    resumed = _resume(job, identity)
    if resumed is not None:
        training_state = resumed.training_state
        with checkpoint.reading(checkpoint.checkpoints(job.folder)[-1]):
            sharded.load_weights(named, resumed.weights)
    model = shared(whole, distributed, stage.parallel)
    named = trainable(whole)  # FSDP has put sharded parameters in their place
    optimizer = make_optimizer(named, stage.optimizer)
    if resumed is not None:
        with checkpoint.reading(checkpoint.checkpoints(job.folder)[-1]):
            sharded.load_optimizer(whole, optimizer, resumed.optimizer)
    run = _Run(job, distributed, model, whole, inner, named, optimizer, loader, training_state, identity)
    return run.train()


@dataclass(slots=True)
class _Run:
    """The moving parts of a stage in training."""

    job: Job
    distributed: DistributedContext
    model: Any
    whole: Any
    inner: Any
    named: Any
    optimizer: torch.optim.Optimizer
    loader: Loader
    training_state: TrainingState
    identity: dict[str, Any]

    def train(self) -> Outcome:
        """Steps until the stage is done or stopped."""
        stage, at = self.job.stage, self.training_state
        total = self.total_steps()
        bad = BadBudget(stage.policy.max_bad_samples, [BadSample(*b) for b in at.bad_samples])
        reporter = self._reporter(total)
        last = None if self.job.stop_after is None else at.step + self.job.stop_after
        try:
            with Terminated() as terminated:
                stream = self._stream()
                while at.step < total:
                    waited = time.monotonic()
                    micro_batches = next(stream)
                    result = self._step(micro_batches, bad, total, time.monotonic() - waited, reporter)
                    stop = self._agree(terminated() or at.step == last)
                    if stop or at.step == total or at.step % stage.checkpoint_every == 0:
                        self._save()
                    self._check(result)
                    if stop and at.step < total:
                        return Outcome(False, at.step, None)
            return self._finish()
        finally:
            if reporter is not None:
                reporter.close()

    def _stream(self) -> Iterator[list[MicroBatch]]:
        """This rank's micro-batches of every step from the position on, epoch after epoch."""
        at = self.training_state
        while True:
            yield from self.loader.steps(at.epoch, at.step_in_epoch)
            at.epoch, at.step_in_epoch = at.epoch + 1, 0

    def total_steps(self) -> int:
        """Optimizer steps of the whole stage."""
        steps = self.loader.steps_per_epoch * self.job.stage.epochs
        limit = self.job.stage.max_steps
        if steps == 0:
            raise ConfigError("the data set is smaller than one global batch", "set batch.drop_last=false")
        return steps if limit is None else min(steps, limit)

    def _step(
        self, micro_batches: list[MicroBatch], bad: BadBudget, total: int, wait_s: float, reporter: Reporter | None
    ) -> StepResult:
        stage, at, distributed = self.job.stage, self.training_state, self.distributed
        began = time.monotonic()
        bad_samples = [b for micro_batch in micro_batches for b in micro_batch.bad]
        targets, tokens, samples, n_bad = (
            int(v)
            for v in distributed.sum(
                [sum(m.n_targets for m in micro_batches), sum(m.n_tokens for m in micro_batches),
                 sum(len(m.names) for m in micro_batches), len(bad_samples)]
            )
        )  # fmt: skip
        if n_bad:
            self._note_bad([b for rank in distributed.gather(bad_samples) for b in rank], bad)
        factor = set_lr(self.optimizer, stage.optimizer, at.step, total)
        result = StepResult(0.0, 0.0, None)
        if targets:
            result = backward(self.model, self.inner, self.named, micro_batches, targets, stage, distributed, at.step)
            if result.finite:
                self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        at.step, at.step_in_epoch, at.samples = at.step + 1, at.step_in_epoch + 1, at.samples + samples
        at.skipped_in_row = 0 if result.finite else at.skipped_in_row + 1
        if result.finite and targets:
            self._smooth(result.loss)
        if reporter is not None:
            reporter.step(self._report(result, factor, tokens, targets, samples, n_bad, wait_s, began))
        return result

    def _note_bad(self, found: list[BadSample], bad: BadBudget) -> None:
        for sample in found:
            LOG.warning("bad sample %s: %s", sample.name, sample.reason)
        bad.add(found)
        self.training_state.bad_samples = [[b.name, b.reason] for b in bad.seen]

    def _smooth(self, loss: float) -> None:
        at, policy = self.training_state, self.job.stage.policy
        at.smooth_loss = loss if at.smooth_loss is None else SMOOTHING * at.smooth_loss + (1 - SMOOTHING) * loss
        at.best_loss = at.smooth_loss if at.best_loss is None else min(at.best_loss, at.smooth_loss)
        far = at.smooth_loss > policy.divergence_factor * at.best_loss
        at.steps_diverged = at.steps_diverged + 1 if far else 0

    def _check(self, result: StepResult) -> None:
        at, policy = self.training_state, self.job.stage.policy
        cure = f"lower the learning rate; checkpoints are in {self.job.folder}"
        if not result.finite and (policy.on_nonfinite == "stop" or at.skipped_in_row > policy.max_skipped):
            raise DivergedError(
                f"loss {result.loss} or gradient {result.grad_norm} is not finite at step {at.step} "
                f"({at.skipped_in_row} in a row), samples {self.loader.global_batch(at.epoch, at.step_in_epoch - 1)}",
                cure,
            )
        if at.steps_diverged > policy.divergence_patience:
            raise DivergedError(f"the loss rose from {at.best_loss:.3f} to {at.smooth_loss:.3f} (smoothed)", cure)

    def _agree(self, stop: bool) -> bool:
        """All ranks stop after the same step."""
        return self.distributed.sum([float(stop)])[0] > 0

    def _save(self) -> None:
        weights = sharded.full_weights(self.named)
        optimizer = sharded.full_optimizer(self.whole, self.optimizer)
        if self.distributed.is_main:
            checkpoint.save(
                self.job.folder,
                self.training_state,
                weights,
                optimizer,
                self.identity,
                self._lineage(),
                self.job.stage.keep,
            )
        self.distributed.barrier()

    def _finish(self) -> Outcome:
        """Merge adapters, write the model with its tokenizer and lineage, all at once."""
        weights = sharded.full_weights(self.named)
        if self.distributed.is_main:
            temporary = self.job.folder / ".model.tmp"
            shutil.rmtree(temporary, ignore_errors=True)
            sharded.write_model(self.job, weights, temporary)
            copy_tokenizer(self.job.model, temporary)
            (temporary / "lineage.json").write_bytes(canonical_json(self._lineage()))
            checkpoint.publish(temporary, self.job.result)
        self.distributed.barrier()
        return Outcome(True, self.training_state.step, self.job.result)

    def _lineage(self) -> dict[str, Any]:
        from ver_pipeline.model.train.lineage import stage_lineage

        return stage_lineage(self.job, self.identity, self.loader, self.training_state)

    def _reporter(self, total: int) -> Reporter | None:
        if not self.distributed.is_main:
            return None
        self.job.run.mkdir(parents=True, exist_ok=True)
        return Reporter(self.job.run, self.job.stage.name, total, self.training_state.step, self.job.stage.log_every)

    def _report(
        self, result: StepResult, factor: float, tokens: int, targets: int, samples: int, n_bad: int,
        wait_s: float, began: float,
    ) -> StepReport:  # fmt: skip
        at = self.training_state
        gate = None if result.gate is None else result.gate[:, 1]
        return StepReport(
            stage=self.job.stage.name, step=at.step, epoch=at.epoch, loss=result.loss,
            lr=self.job.stage.optimizer.lr * factor, grad_norm=result.grad_norm, tokens=tokens, targets=targets,
            samples=samples, bad=n_bad, skipped=not result.finite, wait_s=round(wait_s, 4),
            step_s=round(time.monotonic() - began + wait_s, 4),
            gate_emotion=None if gate is None else float(gate.mean()),
            gate_min=None if gate is None else float(gate.min()),
            gate_max=None if gate is None else float(gate.max()),
        )  # fmt: skip


def _resume(job: Job, identity: dict[str, Any]) -> checkpoint.Loaded | None:
    saved = checkpoint.checkpoints(job.folder)
    if not saved:
        return None
    loaded = checkpoint.load(saved[-1])
    if not job.force:
        checkpoint.refuse_other(loaded.state["identity"], identity)
    LOG.info("resuming from %s", saved[-1])
    return loaded
