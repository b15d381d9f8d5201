"""Configuration of Emotion-Qwen: Qwen2.5-VL's own, plus the second compressor and the gate."""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig

from ver_pipeline.model.compat import TRANSFORMERS_5, rope_for_4

EXPERT_MODES = ("general", "emotion", "mix")
GATE_POOLINGS = ("clip", "frame")
_NEW_VISION_FIELDS: dict[str, Any] = {
    "gate_heads": 8,
    "gate_hidden": 512,
    "gate_pooling": "clip",
    "expert_mode": "mix",
}


class EmotionQwenVisionConfig(Qwen2_5_VLVisionConfig):
    """The vision tower with two compressors.

    Attributes:
        gate_heads: attention heads of the gate (8 in the published figure's drawing of the gate).
        gate_hidden: width of the gate's two inner layers.
        gate_pooling: ``clip`` gives the gate one token a clip (its attention is then an identity-like
            projection), ``frame`` one token a frame, so that attention over time means something.
        expert_mode: ``general`` or ``emotion`` uses one compressor alone, ``mix`` asks the gate.
    """

    model_type = "emotion_qwen_vision"
    gate_heads: int = 8
    gate_hidden: int = 512
    gate_pooling: str = "clip"
    expert_mode: str = "mix"

    if not TRANSFORMERS_5:

        def __init__(self, **kwargs: Any) -> None:
            for name, default in _NEW_VISION_FIELDS.items():
                kwargs.setdefault(name, default)
            super().__init__(**kwargs)


class EmotionQwenConfig(Qwen2_5_VLConfig):
    """The whole model's configuration; ``vision_config`` is an :class:`EmotionQwenVisionConfig`."""

    model_type = "emotion_qwen"
    # Versions read one of these two names, 5.17 other than 5.23.
    sub_configs: ClassVar[dict[str, Any]] = {
        "vision_config": EmotionQwenVisionConfig,
        "text_config": Qwen2_5_VLTextConfig,
    }
    sub_configs_defaults: ClassVar[dict[str, Any]] = sub_configs

    if not TRANSFORMERS_5:

        def __init__(self, text_config: Any = None, vision_config: Any = None, **kwargs: Any) -> None:
            if isinstance(text_config, dict):
                text_config = rope_for_4(dict(text_config))
            super().__init__(text_config=text_config, vision_config=vision_config, **kwargs)


def from_qwen_config(qwen: Qwen2_5_VLConfig, **vision_overrides: Any) -> EmotionQwenConfig:
    """The Emotion-Qwen configuration of the same sizes as a Qwen2.5-VL one."""
    fields = qwen.to_dict()
    for name in ("model_type", "architectures", "transformers_version"):
        fields.pop(name, None)
    vision = dict(fields.pop("vision_config"))
    vision.pop("model_type", None)
    vision.update(vision_overrides)
    text = dict(fields.pop("text_config"))
    return EmotionQwenConfig(text_config=text, vision_config=vision, **fields)
