"""Open a trained checkpoint and ask it about a video: what ``ver infer`` and the annotator use."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig

from ver_pipeline.model.configuration import EmotionQwenConfig
from ver_pipeline.model.data.chat import Turn, encode_chat
from ver_pipeline.model.data.collate import collate
from ver_pipeline.model.data.visual import load_visual
from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration
from ver_pipeline.model.opening import model_type_of, opening, require_fit
from ver_pipeline.model.vision import Sampling
from ver_pipeline.schemas.errors import MissingModelError, UsageError
from ver_pipeline.schemas.untrusted import SAFE_TOKENIZER, SAFE_WEIGHTS, first_line

MODEL_TYPE = "emotion_qwen"
NEEDED_TOKENS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


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
        """One video and one question, as :meth:`batch` gives them; the batch is 1.

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
        """Several videos, each with its question, left-padded so that answers start in one column.

        Args:
            requests: each a video (its bytes or its path) and a question.
            system: the system message; Qwen's default when None.
            sampling: frames and pixels; the defaults when None.

        Returns:
            What :func:`collate` gives, without labels, on ``device``.

        Raises:
            UndecodableError: a video cannot be decoded.
        """
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
    """See :func:`ver_pipeline.model.load`.

    Raises:
        MissingModelError: the folder holds no Emotion-Qwen, or weights are missing, unknown or damaged.
    """
    require_checkpoint(path)
    tokenizer = load_tokenizer(path)
    model, info = load_weights(path, output_loading_info=True, dtype=torch_dtype(dtype))
    lost = sorted(info["missing_keys"]) + sorted(info["unexpected_keys"])
    if lost:
        raise MissingModelError(f"{path}: weights missing or unknown: {lost[:5]}", "the checkpoint is not whole")
    with opening(path):
        require_own_tokens(tokenizer, model.config)
    return to_device(model, device).eval(), tokenizer, Preprocess(tokenizer, model.config, device)


def load_weights(path: Path, **kwargs: Any) -> Any:
    """An Emotion-Qwen of a folder's config and weights; ``kwargs`` go to ``from_pretrained``.

    Raises:
        MissingModelError: the folder is refused or damaged.
    """
    with opening(path):
        config = EmotionQwenConfig.from_pretrained(path, local_files_only=True)
        require_small(path, EmotionQwenForConditionalGeneration, config)
        loaded = EmotionQwenForConditionalGeneration.from_pretrained(path, config=config, **SAFE_WEIGHTS, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        model.generation_config = own_generation(model.generation_config)
        return loaded


def require_small(path: Path, model_class: Any, config: Any) -> None:
    """Refuse a config whose model is far larger than the weights beside it (:func:`require_fit`)."""
    with torch.device("meta"):
        require_fit(path, model_class(copy.deepcopy(config)))


def load_tokenizer(path: Path) -> Any:
    """The tokenizer that stands beside the weights.

    Raises:
        MissingModelError: there is none.
    """
    from transformers import AutoTokenizer

    with opening(path):
        try:
            return AutoTokenizer.from_pretrained(path, **SAFE_TOKENIZER)
        except (OSError, ValueError) as error:
            raise MissingModelError(f"{path} holds no readable tokenizer", "copy tokenizer.json beside it") from error


def require_own_tokens(tokenizer: Any, config: Any) -> None:
    """Refuse a tokenizer of another model: each token that a question needs is in it, and in the model's vocabulary.

    Raises:
        MissingModelError: naming the token.
    """
    size = config.get_text_config().vocab_size
    vocabulary = tokenizer.get_vocab()
    ids = {name: vocabulary.get(name) for name in NEEDED_TOKENS}
    ids |= {"eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    wrong = [name for name, i in ids.items() if not isinstance(i, int) or not 0 <= i < size]
    if (ids["<|video_pad|>"], ids["<|image_pad|>"]) != (config.video_token_id, config.image_token_id):
        wrong.append("<|video_pad|>")
    if wrong or max(vocabulary.values()) >= size:
        raise MissingModelError(f"the tokenizer is another model's: it differs at {wrong[:3]}", "copy the model's own")


def own_generation(found: GenerationConfig) -> GenerationConfig:
    """Of a checkpoint's settings for answers: where one ends, and repetition; the rest could cost any time."""
    special_tokens = {name: getattr(found, name, None) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    penalty = getattr(found, "repetition_penalty", None)
    if isinstance(penalty, float) and 1.0 <= penalty <= 2.0:
        special_tokens["repetition_penalty"] = penalty
    return GenerationConfig(**special_tokens)


def torch_dtype(name: str) -> torch.dtype:
    """A number format by its name.

    Raises:
        UsageError: there is none of that name.
    """
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise UsageError(f"{name!r} is no number format of weights", "float32, bfloat16 or float16")
    return dtype


def to_device(model: Any, device: str) -> Any:
    """The model, moved.

    Raises:
        UsageError: torch cannot use the device.
    """
    try:
        return model.to(device)
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was compiled for the device
        raise UsageError(f"device {device!r}: {first_line(error)}", "cpu, or cuda where there is one") from error


def require_checkpoint(path: Path) -> None:
    """Refuse a folder that is not an Emotion-Qwen checkpoint.

    Raises:
        MissingModelError: with what was found instead.
    """
    kind = model_type_of(path)
    if kind == "qwen2_5_vl":
        raise MissingModelError(f"{path} is a plain Qwen2.5-VL", f"run `ver checkpoint init --from {path} OUT` first")
    if kind != MODEL_TYPE:
        raise MissingModelError(f"{path} is a {kind!r} model", "give an Emotion-Qwen folder")
