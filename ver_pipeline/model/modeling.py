"""Emotion-Qwen: Qwen2.5-VL with a Hybrid Compressor (general expert, emotion expert, gate).

The vision tower's own ``merger`` is the general expert and keeps its name, so plain Qwen2.5-VL
weights load unchanged; ``emotion_merger`` and ``gate`` are added beside it.  With a zero gate head
and a copied expert the logits equal Qwen2.5-VL's bit for bit (``tests/model``).
"""

# No postponed annotations here: transformers reads the `config: ...` annotations as classes.
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
    Qwen2_5_VLModel,
    Qwen2_5_VLPatchMerger,
    Qwen2_5_VLTextModel,
)

from ver_pipeline.model.compat import TRANSFORMERS_5, register_checkpoint_names, window_index, zero_
from ver_pipeline.model.configuration import EXPERT_MODES, GATE_POOLINGS, EmotionQwenConfig, EmotionQwenVisionConfig
from ver_pipeline.model.gate import EmotionGate, GateHead, pooled_states
from ver_pipeline.model.positions import rope_positions
from ver_pipeline.schemas.errors import ConfigError

NEW_PREFIXES = ("model.visual.emotion_merger.", "model.visual.gate.")
"""What Emotion-Qwen has and Qwen2.5-VL has not."""


@dataclass(slots=True)
class GateLog:
    """Gate weights of the forward passes since the last :meth:`take`, for metrics and for the balance loss.

    Attributes:
        weights: of each pass, [clips, 2].
    """

    weights: list[torch.Tensor]

    def take(self) -> torch.Tensor | None:
        """All recorded weights, [clips, 2] (with gradient while training), or None, and start anew."""
        taken, self.weights = self.weights, []
        return torch.cat(taken) if taken else None


class EmotionQwenVisionModel(Qwen2_5_VisionTransformerPretrainedModel):
    """The vision tower, its two compressors and the gate between them."""

    config: EmotionQwenVisionConfig

    def __init__(self, config: EmotionQwenVisionConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        if config.hidden_size % config.gate_heads:
            raise ConfigError(
                f"gate_heads {config.gate_heads} does not divide the vision width {config.hidden_size}",
                "choose a divisor",
            )
        self.emotion_merger = Qwen2_5_VLPatchMerger(
            dim=config.out_hidden_size, context_dim=config.hidden_size, spatial_merge_size=config.spatial_merge_size
        )
        self.gate = EmotionGate(config.hidden_size, config.gate_hidden, config.gate_heads)
        self.gate_log: GateLog | None = None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, GateHead):
            zero_(module.weight)
            zero_(module.bias)

    def gate_weights(self, states: torch.Tensor, grid_thw: torch.Tensor) -> torch.Tensor:
        """Expert weights of each clip, from its own patches only.

        Args:
            states: [patches, width], the tower's last states in window order.
            grid_thw: int64 [clips, 3], patches in time, height and width.

        Returns:
            [clips, 2], rows sum to 1: (general, emotion).
        """
        return self.gate(*pooled_states(states, grid_thw, self.config.gate_pooling))

    def forward(self, hidden_states: torch.Tensor, grid_thw: torch.Tensor, **kwargs: Any) -> Any:
        """As the parent's, with the merged tokens chosen by ``config.expert_mode``.

        Args:
            hidden_states: float [patches, 3 * 2 * 14 * 14].
            grid_thw: int64 [clips, 3], patches in time, height and width.
            kwargs: the parent's.

        Returns:
            What the parent returns, its tokens [patches / 4, out_hidden_size].
        """
        if self.config.expert_mode == "general":
            return super().forward(hidden_states, grid_thw=grid_thw, **kwargs)
        with _input_of(self.merger) as seen:
            out = super().forward(hidden_states, grid_thw=grid_thw, **kwargs)
        states = seen[0]
        general = out if isinstance(out, torch.Tensor) else out.pooler_output
        tokens = self.emotion_merger(states)[torch.argsort(window_index(self, grid_thw))]
        if self.config.expert_mode == "mix":
            weights = self.gate_weights(states, grid_thw)
            if self.gate_log is not None:
                self.gate_log.weights.append(weights)
            per_token = torch.repeat_interleave(weights, grid_thw.prod(-1) // self.spatial_merge_unit, dim=0)
            tokens = per_token[:, :1] * general + per_token[:, 1:] * tokens
        if isinstance(out, torch.Tensor):
            return tokens
        out.pooler_output = tokens
        return out


class EmotionQwenModel(Qwen2_5_VLModel):
    """Vision tower and language model."""

    config: EmotionQwenConfig

    def __init__(self, config: EmotionQwenConfig) -> None:
        super(Qwen2_5_VLModel, self).__init__(config)
        self.visual = EmotionQwenVisionModel._from_config(config.vision_config)
        self.language_model = Qwen2_5_VLTextModel._from_config(config.text_config)
        self.rope_deltas = None
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        mm_token_type_ids: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """As the parent's, all ids int64 [batch, length] and positions [3 or 4, batch, length].

        Token kinds are derived when absent: without them 5.x drops the multimodal rotary positions in silence.
        """
        if TRANSFORMERS_5:
            if mm_token_type_ids is None and input_ids is not None:
                mm_token_type_ids = token_kinds(input_ids, self.config)
            kwargs["mm_token_type_ids"] = mm_token_type_ids
        return super().forward(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, **kwargs)

    def get_rope_index(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions by :func:`rope_positions`, whatever the version of transformers; arguments as the parent's.

        Returns:
            Positions [3, batch, length], and what generation adds to its own count of tokens, [batch, 1].
        """
        names = tuple(inspect.signature(Qwen2_5_VLModel.get_rope_index).parameters)[1:]
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        input_ids, mask = arguments["input_ids"], arguments.get("attention_mask")
        mask = None if mask is None or mask.ndim != 2 else mask
        vision = self.config.vision_config
        positions, ahead = rope_positions(
            token_kinds(input_ids, self.config),
            arguments.get("image_grid_thw"),
            arguments.get("video_grid_thw"),
            arguments.get("second_per_grid_ts"),
            mask,
            vision.spatial_merge_size,
            vision.tokens_per_second,
        )
        if not TRANSFORMERS_5 and mask is not None:  # 4.57 counts padding too
            ahead = ahead + mask.sum(1, keepdim=True) - mask.shape[1]
        return positions, ahead


class EmotionQwenForConditionalGeneration(Qwen2_5_VLForConditionalGeneration):
    """Emotion-Qwen with its language head; saves, loads and generates as any transformers model."""

    config: EmotionQwenConfig

    def __init__(self, config: EmotionQwenConfig) -> None:
        super(Qwen2_5_VLForConditionalGeneration, self).__init__(config)
        self.model = EmotionQwenModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def set_expert_mode(self, mode: str) -> None:
        """Choose the compressor: ``general``, ``emotion`` or ``mix``; saved with the config."""
        _known(mode, EXPERT_MODES, "expert mode")
        self.model.visual.config.expert_mode = mode
        self.config.vision_config.expert_mode = mode

    def set_gate_pooling(self, pooling: str) -> None:
        """Choose what the gate sees: ``clip`` or ``frame`` means; saved with the config."""
        _known(pooling, GATE_POOLINGS, "gate pooling")
        self.model.visual.config.gate_pooling = pooling
        self.config.vision_config.gate_pooling = pooling

    def log_gate(self) -> GateLog:
        """Start recording gate weights."""
        self.model.visual.gate_log = GateLog([])
        return self.model.visual.gate_log

    if TRANSFORMERS_5:

        def _prepare_position_ids_for_generation(self, inputs_tensor: torch.Tensor, model_kwargs: dict) -> Any:
            ids = model_kwargs.get("input_ids", inputs_tensor)
            if model_kwargs.get("mm_token_type_ids") is None and ids.ndim == 2 and not ids.is_floating_point():
                model_kwargs["mm_token_type_ids"] = token_kinds(ids, self.config)
            return super()._prepare_position_ids_for_generation(inputs_tensor, model_kwargs)

    else:

        def prepare_inputs_for_generation(
            self, input_ids: torch.Tensor, mm_token_type_ids: torch.Tensor | None = None, **kwargs: Any
        ) -> dict:
            """Drops the token kinds, which 4.57 works out by itself."""
            return super().prepare_inputs_for_generation(input_ids, **kwargs)


def token_kinds(input_ids: torch.Tensor, config: EmotionQwenConfig) -> torch.Tensor:
    """0 for text, 1 for image placeholders, 2 for video placeholders: int64, the shape of ``input_ids``."""
    return (input_ids == config.image_token_id).long() + 2 * (input_ids == config.video_token_id).long()


@contextmanager
def _input_of(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Collects what ``module`` is called with while the block runs (the same on 4.57 and 5.x)."""
    seen: list[torch.Tensor] = []
    handle = module.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    try:
        yield seen
    finally:
        handle.remove()


def _known(value: str, allowed: tuple[str, ...], name: str) -> None:
    if value not in allowed:
        raise ConfigError(f"unknown {name} {value!r}", f"one of {', '.join(allowed)}")


register_checkpoint_names("EmotionQwenForConditionalGeneration", like="Qwen2_5_VLForConditionalGeneration")
AutoConfig.register("emotion_qwen", EmotionQwenConfig, exist_ok=True)
AutoConfig.register("emotion_qwen_vision", EmotionQwenVisionConfig, exist_ok=True)
AutoModelForImageTextToText.register(EmotionQwenConfig, EmotionQwenForConditionalGeneration, exist_ok=True)
