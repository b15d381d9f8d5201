"""What of a question fits beside a model's weights: frames, pixels, context and questions at once."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.serving.catalog import GpuTeacher

TEXT_TOKENS = 4096
"""Room for prompt, examples, facts and transcript: the longest of the tests is some 3,500."""
ANSWER_TOKENS = 2048
"""``max_new_tokens`` of the options."""
UTILISATION = 0.9
WORKING_GB = 2.0
"""Activations, CUDA graphs and the vision tower's own work: a judgement, on the safe side of vLLM's defaults."""
LEAST_AT_ONCE = 4
"""Fewer questions at once leave a GPU idle; frames are given up before that."""
MOST_AT_ONCE = 64
SHAPES = ((32, 640), (16, 640), (16, 448), (8, 448), (8, 336), (4, 336), (4, 224), (2, 224))
"""Frames and their longest side in pixels, from rich to poor."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a server is started.  ``max_model_len`` is in tokens, ``max_side`` in pixels; ``spare_gb`` is left for keys
    and values, in 10^9 bytes."""

    teacher: GpuTeacher
    n_frames: int
    max_side: int
    max_model_len: int
    at_once: int
    spare_gb: float

    @property
    def max_pixels(self) -> int:
        """Of one frame."""
        return self.max_side * self.max_side

    def command(self, port: int) -> list[str]:
        """The vLLM command."""
        pixels = {"max_pixels": self.max_pixels}
        shown = {"image": self.n_frames, "video": 1, **({"audio": 1} if self.teacher.hears else {})}
        return [
            "vllm", "serve", self.teacher.model, "--port", str(port), "--host", "127.0.0.1",
            "--max-model-len", str(self.max_model_len), "--max-num-seqs", str(self.at_once),
            "--gpu-memory-utilization", str(UTILISATION), "--limit-mm-per-prompt", json.dumps(shown),
            "--mm-processor-kwargs", json.dumps(pixels), "--enable-prefix-caching",
        ]  # fmt: skip

    def options(self) -> dict[str, int | str]:
        """The annotator's options that fit this server."""
        shape = {"n_frames": self.n_frames, "max_side": self.max_side, "concurrency": self.at_once}
        return {"model": self.teacher.model, **shape}

    def lines(self) -> str:
        """The plan for a terminal."""
        return (
            f"{self.teacher.name}: weights {self.teacher.weights_gb:.1f} GB, {self.spare_gb:.1f} GB for context\n"
            f"  {self.n_frames} frames of at most {self.max_side} x {self.max_side} px, "
            f"{self.max_model_len} tokens a question, {self.at_once} questions at once\n"
        )


def plan(teacher: GpuTeacher, card_gb: float) -> Plan:
    """The richest shape of which at least four questions fit at once into a card of ``card_gb`` (10^9 bytes); where
    there is none, of which two do, or one.

    Raises:
        UsageError: the weights leave no room for even the poorest shape.
    """
    spare_gb = card_gb * UTILISATION - teacher.weights_gb - WORKING_GB
    for least in (LEAST_AT_ONCE, 2, 1):
        for n_frames, max_side in SHAPES:
            tokens = question_tokens(teacher, n_frames, max_side)
            at_once = min(MOST_AT_ONCE, int(spare_gb * 1e9 // (tokens * teacher.kv_bytes_per_token)))
            if at_once >= least:
                return Plan(teacher, n_frames, max_side, tokens, at_once, round(spare_gb, 1))
    what = f"{teacher.name} does not fit into {card_gb:g} GB: its weights alone are {teacher.weights_gb:g} GB"
    raise UsageError(what, "choose a smaller one, or a server over several cards by hand")


def question_tokens(teacher: GpuTeacher, n_frames: int, max_side: int) -> int:
    """Tokens of one question with its answer, rounded up to whole blocks of 256."""
    a_frame = math.ceil(max_side / teacher.patch_px) ** 2 + 2
    return math.ceil((TEXT_TOKENS + ANSWER_TOKENS + n_frames * a_frame) / 256) * 256
