"""Helpers of the trainer's tests: small jobs, runs in child processes, comparison of runs."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ver_pipeline.model.data.samples import DataSpec
from ver_pipeline.model.train.distributed import DistributedContext, join_process_group, leave_process_group
from ver_pipeline.model.train.job import Job
from ver_pipeline.model.train.loop import train_stage
from ver_pipeline.model.train.recipe import StageConfig, built_in_stage, load_stage
from ver_pipeline.model.vision import Sampling

ALONE = DistributedContext(0, 1, torch.device("cpu"))
SMALL = Sampling(max_pixels=56 * 56, image_max_pixels=56 * 56)


def stage(name: str, *overrides: str, data: tuple[DataSpec, ...] | None = None) -> StageConfig:
    """A built-in stage in its tiny form, quiet, on small frames."""
    config = load_stage(built_in_stage(name), tiny=True, overrides=("log_every=1000", *overrides))
    specs = config.data if data is None else data
    return replace(config, data=tuple(replace(spec, sampling=SMALL) for spec in specs))


def losses(run: Path, name: str) -> list[float]:
    """The loss of each step as the metrics file has it; each step stands once."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["stage"] == name]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a saved model, by name."""
    from safetensors.torch import load_file

    return {k: v for file in sorted(folder.glob("*.safetensors")) for k, v in load_file(file).items()}


def same_bits(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are equal bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def in_child(work: Callable[[], Any]) -> int:
    """Run ``work`` in a forked child that leads its own process group; returns the child's pid."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    torch.set_num_threads(1)  # OpenMP's threads did not come along: waiting for them would never end
    try:
        work()
    except BaseException:  # noqa: BLE001 - the child must never return into the test runner
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def status(pid: int, limit_s: float = 240.0) -> int:
    """Wait for a child; its exit status, negative for a signal.  One that hangs is killed, so that its test fails."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(code)
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    _, code = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(code)


def kill_at_step(job: Job, step: int, sign: int = signal.SIGKILL) -> int:
    """Train in a child and send it a signal when its metrics show ``step``; its exit status."""
    pid = in_child(lambda: train_stage(job, ALONE))
    deadline = time.monotonic() + 120
    metrics = job.run / "metrics.jsonl"
    while time.monotonic() < deadline:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(code)
        if metrics.is_file() and f'"step": {step},' in metrics.read_text():
            if sign == signal.SIGKILL:
                os.killpg(pid, sign)  # loader workers too
            else:
                os.kill(pid, sign)
            break
        time.sleep(0.002)
    return status(pid)


def in_ranks(size: int, meeting: Path, work: Callable[[DistributedContext], Any]) -> None:
    """Run ``work`` in ``size`` processes that form a gloo group."""

    def rank(number: int) -> None:
        distributed = join_process_group(f"file://{meeting}", number, size)
        try:
            work(distributed)
        finally:
            leave_process_group()

    pids = [in_child(lambda number=number: rank(number)) for number in range(size)]
    assert [status(pid) for pid in pids] == [0] * size
