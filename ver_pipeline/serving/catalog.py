"""The teachers that ``ver teacher up`` knows, with the sizes that a memory plan is made from.

Sizes and licences of the GPU models were written down without a hub at hand and not compared with the models' published
configurations: read ``config.json`` and the licence where the model is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuTeacher:
    """A model that vLLM serves.  ``weights_gb`` are 10^9 bytes in bfloat16; ``patch_px`` is the side, in pixels, of the
    square that becomes one token."""

    name: str
    model: str
    licence: str
    weights_gb: float
    n_layers: int
    n_kv_heads: int
    head_dim: int
    patch_px: int
    hears: bool = False

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token over all layers, two bytes each."""
        return 2 * self.n_layers * self.n_kv_heads * self.head_dim * 2


@dataclass(frozen=True, slots=True)
class CpuTeacher:
    """A model of the store that a llama.cpp server runs on the processor.  It reads text and sees nothing."""

    name: str
    asset: str
    context_tokens: int


APACHE = "Apache-2.0 as the model's publisher says"
RESEARCH = "Qwen Research License: no commercial use"
_ALL: tuple[GpuTeacher | CpuTeacher, ...] = (
    GpuTeacher("qwen2.5-vl-3b", "Qwen/Qwen2.5-VL-3B-Instruct", RESEARCH, 7.5, 36, 2, 128, 28),
    GpuTeacher("qwen2.5-vl-7b", "Qwen/Qwen2.5-VL-7B-Instruct", APACHE, 16.6, 28, 4, 128, 28),
    GpuTeacher("qwen3-vl-4b", "Qwen/Qwen3-VL-4B-Instruct", APACHE, 8.9, 36, 8, 128, 32),
    GpuTeacher("qwen3-vl-8b", "Qwen/Qwen3-VL-8B-Instruct", APACHE, 17.6, 36, 8, 128, 32),
    GpuTeacher("qwen2.5-omni-7b", "Qwen/Qwen2.5-Omni-7B", APACHE, 17.9, 28, 4, 128, 28, hears=True),
    CpuTeacher("qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b", 12288),
)
TEACHERS: dict[str, GpuTeacher | CpuTeacher] = {teacher.name: teacher for teacher in _ALL}
