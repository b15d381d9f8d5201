"""Make an Emotion-Qwen from plain Qwen2.5-VL weights, or from a checkpoint with the official names.

Both are done once, offline, and every key must find its place: a key that does not match is an
error, never a random weight.  (Loading through ``key_mapping`` and saving again writes the foreign
names back; a plain reload then keeps random weights in silence.  Hence a converter.)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2_5_VLConfig

from ver_pipeline.model.configuration import EmotionQwenConfig, from_qwen_config
from ver_pipeline.model.loading import require_small, torch_dtype
from ver_pipeline.model.modeling import NEW_PREFIXES, EmotionQwenForConditionalGeneration
from ver_pipeline.model.opening import model_type_of, opening
from ver_pipeline.schemas.errors import CorruptDataError, MissingModelError
from ver_pipeline.schemas.untrusted import SAFE_WEIGHTS

OFFICIAL_NAMES: tuple[tuple[str, str], ...] = (
    (r"^vpm\.", "model.visual."),
    (r"^generalcompressor\.", "model.visual.merger."),
    (r"^emotioncompressor\.", "model.visual.emotion_merger."),
    (r"^gatenet\.", "model.visual.gate."),
    (r"^llm\.lm_head\.", "lm_head."),
    (r"^llm\.(?:model\.)?", "model.language_model."),
    (r"^lm_head\.", "lm_head."),
)
"""Top-level names as the official repository's training scripts use them (its modelling code is not
published; the names below the top level are assumed to be Qwen2.5-VL's, and checked)."""

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "special_tokens_map.json",
    "added_tokens.json", "chat_template.json", "chat_template.jinja", "generation_config.json",
    "preprocessor_config.json", "video_preprocessor_config.json",
)  # fmt: skip


def from_qwen2_5_vl(path: str | Path, **kwargs: Any) -> EmotionQwenForConditionalGeneration:
    """An Emotion-Qwen whose first forward pass equals that of the Qwen2.5-VL in ``path``.

    The emotion expert starts as a copy of the merger and the gate at one half each.  ``kwargs`` go to
    ``from_pretrained``.

    Raises:
        CorruptDataError: the checkpoint lacks a weight or has one that the model does not know.
    """
    with opening(Path(path)):
        config = from_qwen_config(Qwen2_5_VLConfig.from_pretrained(path, local_files_only=True))
        require_small(Path(path), EmotionQwenForConditionalGeneration, config)
        model, info = EmotionQwenForConditionalGeneration.from_pretrained(
            path, config=config, output_loading_info=True, **{**SAFE_WEIGHTS, **kwargs}
        )
    missing = [key for key in info["missing_keys"] if not key.startswith(NEW_PREFIXES)]
    tied = bool(getattr(config, "tie_word_embeddings", False))
    missing = [key for key in missing if not (tied and key == "lm_head.weight")]
    _refuse(path, missing, info["unexpected_keys"])
    if any(key.startswith(NEW_PREFIXES[0]) for key in info["missing_keys"]):
        visual = model.model.visual
        visual.emotion_merger.load_state_dict(visual.merger.state_dict())
    return model


def init_from(source: Path, out: Path, dtype: str = "auto") -> None:
    """``ver checkpoint init``: write an Emotion-Qwen folder made from a Qwen2.5-VL folder.

    Raises:
        MissingModelError: ``source`` is no Qwen2.5-VL.
        CorruptDataError: it lacks a weight, or has one that the model does not know.
    """
    kind = model_type_of(source)
    if kind != "qwen2_5_vl":
        raise MissingModelError(f"{source} is a {kind!r} model", "give a Qwen2.5-VL folder (model_type qwen2_5_vl)")
    model = from_qwen2_5_vl(source, dtype=dtype if dtype == "auto" else torch_dtype(dtype))
    with opening(source):
        model.save_pretrained(out)
    copy_tokenizer(source, out)


def official_name(key: str) -> str:
    """Our name of an official weight.

    Raises:
        CorruptDataError: no rule matches.
    """
    for pattern, ours in OFFICIAL_NAMES:
        if re.match(pattern, key):
            return re.sub(pattern, ours, key)
    raise CorruptDataError(
        f"weight {key!r} matches none of the official Emotion-Qwen names",
        "known beginnings: vpm, generalcompressor, emotioncompressor, gatenet, llm, lm_head",
    )


def convert_official(source: Path, out: Path, config: EmotionQwenConfig | None = None) -> None:
    """Rewrite a checkpoint with official names as one of ours; each weight is used exactly once.

    Raises:
        CorruptDataError: a key is unknown, doubled, missing, unexpected, or of another shape.
    """
    from safetensors.torch import load_file

    weights: dict[str, torch.Tensor] = {}
    with opening(source):
        for file in sorted(source.glob("*.safetensors")):
            for key, value in load_file(file).items():
                name = official_name(key)
                if name in weights:
                    raise CorruptDataError(f"{key!r} gives {name!r} a second time", f"look at {file.name}")
                weights[name] = value
        config = config or EmotionQwenConfig.from_pretrained(source, local_files_only=True)
        require_small(source, EmotionQwenForConditionalGeneration, config)
        model = EmotionQwenForConditionalGeneration(config)
    expected = model.state_dict()
    tied = {"lm_head.weight"} if getattr(config, "tie_word_embeddings", False) else set()
    _refuse(source, sorted(expected.keys() - weights.keys() - tied), sorted(weights.keys() - expected.keys()))
    wrong = [k for k in weights if weights[k].shape != expected[k].shape]
    if wrong:
        raise CorruptDataError(f"{source}: shapes differ for {wrong[:5]}", "the config belongs to another size")
    model = model.to(next(iter(weights.values())).dtype)
    model.load_state_dict(weights, strict=not tied)
    model.save_pretrained(out)
    copy_tokenizer(source, out)


def copy_tokenizer(source: Path, out: Path) -> None:
    """Copy the tokenizer and processor files that stand beside a checkpoint."""
    out.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        if (source / name).is_file() and not (out / name).exists():
            (out / name).write_bytes((source / name).read_bytes())


def _refuse(path: str | Path, missing: Any, unexpected: Any) -> None:
    missing, unexpected = sorted(missing), sorted(unexpected)
    if missing or unexpected:
        raise CorruptDataError(
            f"{path} does not match: {len(missing)} weights missing {missing[:5]}, "
            f"{len(unexpected)} unexpected {unexpected[:5]}",
            "nothing was written; give the checkpoint of the right model",
        )
