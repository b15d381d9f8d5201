"""The few places where transformers 4.57 and 5.x differ, so that no other file asks for a version."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import nn

TRANSFORMERS_5 = int(transformers.__version__.split(".")[0]) >= 5


def zero_(parameter: torch.Tensor) -> None:
    """Fill a parameter (any shape) with zeros in place, unless a checkpoint has already filled it."""
    if TRANSFORMERS_5:
        from transformers import initialization  # knows which parameters were loaded

        initialization.zeros_(parameter)
    else:
        nn.init.zeros_(parameter)


def window_index(visual: nn.Module, grid_thw: torch.Tensor) -> torch.Tensor:
    """The order in which the vision tower holds merge groups (see its window attention).

    Args:
        visual: the vision tower.
        grid_thw: int64 [clips, 3], patches in time, height and width.

    Returns:
        int64 [tokens]: which merge group stands at each place.
    """
    if TRANSFORMERS_5:
        from transformers.vision_utils import get_vision_window_index

        index, _ = get_vision_window_index(
            grid_thw, visual.spatial_merge_size, visual.window_size, visual.patch_size, kwargs={}
        )
        return index
    index, _ = visual.get_window_index(grid_thw)
    return index


def register_checkpoint_names(class_name: str, like: str) -> None:
    """Let a class of ours read the old checkpoint names (``visual.*``) that ``like`` reads.

    transformers 5 skips its renames for classes outside the library unless they are registered;
    4.57 takes them from the parent class.
    """
    if not TRANSFORMERS_5:
        return
    from transformers.conversion_mapping import (
        get_checkpoint_conversion_mapping,
        register_checkpoint_conversion_mapping,
    )

    names = get_checkpoint_conversion_mapping(like)
    if names is None:
        # 5.x keeps one entry for both Qwen2-VL generations under the older name.
        names = get_checkpoint_conversion_mapping(like.replace("2_5_VL", "2VL"))
    register_checkpoint_conversion_mapping(class_name, names or [], overwrite=True)


def rope_for_4(text_config: dict[str, Any]) -> dict[str, Any]:
    """A text config as 4.57 reads it: 5.x writes ``rope_parameters``, 4.57 wants two older fields."""
    rope = text_config.pop("rope_parameters", None)
    if rope and not text_config.get("rope_scaling"):
        rope = dict(rope)
        text_config["rope_theta"] = rope.pop("rope_theta", 1_000_000.0)
        text_config["rope_scaling"] = rope
    return text_config


def without_progress_bars() -> None:
    """Keep transformers' bars for reading and writing weights off the terminal."""
    transformers.utils.logging.disable_progress_bar()
