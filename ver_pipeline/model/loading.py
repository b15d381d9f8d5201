"""Open a trained checkpoint and ask it about a video: what ``ver infer`` and the annotator use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ver_pipeline.model.data.chat import Turn, encode_chat
from ver_pipeline.model.data.collate import collate
from ver_pipeline.model.data.visual import load_visual
from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration
from ver_pipeline.model.vision import Sampling
from ver_pipeline.schemas.errors import MissingModelError
from ver_pipeline.schemas.untrusted import SAFE_TOKENIZER, SAFE_WEIGHTS

MODEL_TYPE = "emotion_qwen"


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Turns videos and questions into keyword arguments of ``model.generate``."""

    tokenizer: Any
    model_config: Any
    device: str = "cpu"

    def __call__(
        self,
        media: bytes | str | Path,
        question: str,
        *,
        system: str | None = None,
        sampling: Sampling | None = None,
    ) -> dict[str, torch.Tensor]:
        """One video and one question.

        Raises:
            UndecodableError: the video cannot be decoded.
        """
        return self.batch([(media, question)], system=system, sampling=sampling)

    def batch(
        self,
        requests: list[tuple[bytes | str | Path, str]],
        *,
        system: str | None = None,
        sampling: Sampling | None = None,
    ) -> dict[str, torch.Tensor]:
        """Several videos, each with its question, left-padded so that answers start in one column."""
        samples = []
        for media, question in requests:
            data = media if isinstance(media, bytes) else Path(media).read_bytes()
            visual = load_visual("video", data, sampling or Sampling())
            turns = [Turn("user", question)]
            samples.append(encode_chat(self.tokenizer, turns, visual, system=system, prompt_only=True))
        batch = collate(samples, self.tokenizer.pad_token_id, self.model_config, left=True)
        batch.pop("labels")
        return {name: value.to(self.device) for name, value in batch.items()}


def load_checkpoint(path: Path, device: str, dtype: str) -> tuple[EmotionQwenForConditionalGeneration, Any, Preprocess]:
    """See :func:`ver_pipeline.model.load`."""
    require_checkpoint(path)
    model, info = EmotionQwenForConditionalGeneration.from_pretrained(
        path, dtype=getattr(torch, dtype), output_loading_info=True, **SAFE_WEIGHTS
    )
    lost = sorted(info["missing_keys"]) + sorted(info["unexpected_keys"])
    if lost:
        raise MissingModelError(f"{path}: weights missing or unknown: {lost[:5]}", "the checkpoint is not whole")
    tokenizer = load_tokenizer(path)
    return model.to(device).eval(), tokenizer, Preprocess(tokenizer, model.config, device)


def load_tokenizer(path: Path) -> Any:
    """The tokenizer that stands beside the weights.

    Raises:
        MissingModelError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, **SAFE_TOKENIZER)
    except (OSError, ValueError) as error:
        raise MissingModelError(f"{path} holds no readable tokenizer", "copy tokenizer.json beside it") from error


def require_checkpoint(path: Path) -> None:
    """Refuse a folder that is not an Emotion-Qwen checkpoint.

    Raises:
        MissingModelError: with what was found instead.
    """
    config = path / "config.json"
    if not config.is_file():
        raise MissingModelError(
            f"{path} holds no config.json", "make one with `ver checkpoint init` or `ver checkpoint tiny`"
        )
    kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    if kind == "qwen2_5_vl":
        raise MissingModelError(f"{path} is a plain Qwen2.5-VL", f"run `ver checkpoint init --from {path} OUT` first")
    if kind != MODEL_TYPE:
        raise MissingModelError(f"{path} is a {kind!r} model", "give an Emotion-Qwen folder")
