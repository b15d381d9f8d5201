"""Metrics of a run: a line on the terminal, a JSON line a step, TensorBoard where it is installed."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class StepReport:
    """What one optimizer step gave; ``gate_emotion`` is the mean weight of the emotion expert."""

    stage: str
    step: int
    epoch: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    targets: int
    samples: int
    bad: int
    skipped: bool
    wait_s: float
    step_s: float
    gate_emotion: float | None
    gate_min: float | None
    gate_max: float | None


class Reporter:
    """Writes the reports of one stage; only the main rank has one."""

    def __init__(self, run: Path, stage: str, total_steps: int, from_step: int, every: int) -> None:
        self.path = run / "metrics.jsonl"
        self.total, self.every = total_steps, every
        _forget_after(self.path, stage, from_step)
        self.file = self.path.open("a", encoding="utf-8")
        self.board = _board(run / "tensorboard" / stage, from_step)
        self.began, self.first = time.monotonic(), from_step
        self.tokens = 0

    def step(self, report: StepReport) -> None:
        """Record a step."""
        row = {name: getattr(report, name) for name in report.__slots__} | {"memory_mb": memory_mb()}
        self.file.write(json.dumps(row, sort_keys=True) + "\n")
        self.file.flush()
        self.tokens += report.tokens
        if self.board is not None:
            for name in ("loss", "lr", "grad_norm", "gate_emotion", "wait_s", "step_s"):
                if row[name] is not None:
                    self.board.add_scalar(f"train/{name}", row[name], report.step)
        if report.step % self.every == 0 or report.step == self.total or report.skipped:
            sys.stdout.write(self._line(report) + "\n")
            sys.stdout.flush()

    def close(self) -> None:
        """Flush and close."""
        self.file.close()
        if self.board is not None:
            self.board.close()

    def _line(self, r: StepReport) -> str:
        spent = time.monotonic() - self.began
        rate = (r.step - self.first) / spent
        gate = "" if r.gate_emotion is None else f"  gate {r.gate_emotion:.2f} [{r.gate_min:.2f}-{r.gate_max:.2f}]"
        return (
            f"{r.stage} {r.step}/{self.total}  loss {r.loss:.4f}  lr {r.lr:.1e}  norm {r.grad_norm:.2f}"
            f"  {self.tokens / spent:.0f} tok/s  wait {100 * r.wait_s / max(r.step_s, 1e-9):.0f}%"
            f"  {memory_mb()} MB{gate}  left {_clock((self.total - r.step) / max(rate, 1e-9))}"
            + (f"  bad {r.bad}" if r.bad else "")
            + ("  SKIPPED: not finite" if r.skipped else "")
        )


def memory_mb() -> int:
    """Peak memory: of the GPU where there is one, else of the process (Linux counts in KiB)."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _forget_after(path: Path, stage: str, step: int) -> None:
    """Drop lines of steps that a resume will do again, so that each step stands once."""
    if not path.is_file():
        return
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if _whole(line)]
    earlier = [line for line in rows if (row := json.loads(line))["stage"] != stage or row["step"] <= step]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(line + "\n" for line in earlier), encoding="utf-8")
    temporary.replace(path)  # a kill here loses no line


def _whole(line: str) -> bool:
    """Whether a line was written to its end (a kill may cut the last one)."""
    return line.startswith("{") and line.endswith("}")


def _board(folder: Path, from_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        LOG.info("TensorBoard is not installed; metrics go to metrics.jsonl")
        return None
    return SummaryWriter(str(folder), purge_step=from_step + 1)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
