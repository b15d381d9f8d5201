"""Emotion-Qwen on transformers' Qwen2.5-VL: the model, its data, its trainer, its evaluation.

``import ver_pipeline.model`` is light; :func:`load` brings torch and transformers in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ver_pipeline.model.loading import Preprocess
    from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration


def load(
    path: str | Path, device: str = "cpu", dtype: str = "float32"
) -> tuple[EmotionQwenForConditionalGeneration, Any, Preprocess]:
    """Open a checkpoint for inference.

    Args:
        path: a folder that ``ver train``, ``ver checkpoint init`` or ``ver checkpoint tiny`` wrote.
        device: a torch device name.
        dtype: a torch dtype name.

    Returns:
        The model in evaluation mode, its tokenizer, and ``preprocess(path_or_bytes, question, ...)``
        which turns a video into keyword arguments of ``model.generate``.

    Raises:
        MissingModelError: the folder is not a whole Emotion-Qwen checkpoint.
    """
    from ver_pipeline.model.loading import load_checkpoint

    return load_checkpoint(Path(path), device, dtype)
