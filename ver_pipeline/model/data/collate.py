"""Samples into one batch of tensors: padded, or packed into a single row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ver_pipeline.model.data.chat import IGNORED, Encoded

Batch = dict[str, torch.Tensor]
"""A model's arguments by name, and ``labels``; shapes stand with :func:`collate` and :func:`pack`."""


def collate(samples: Sequence[Encoded], pad_id: int, config: Any, *, left: bool = False) -> Batch:
    """Pad to the longest sample (right for training, left for generation).

    Args:
        samples: at least one.
        pad_id: the padding token.
        config: an EmotionQwenConfig (for the placeholder ids).
        left: pad on the left.

    Returns:
        int64 [batch, length]: input_ids, labels, attention_mask, mm_token_type_ids.
        Where there are images: float32 [patches, 3 * 2 * 14 * 14] pixel_values, int64 [images, 3] image_grid_thw.
        Where there are videos: the same, pixel_values_videos and video_grid_thw, and
        float32 [videos] second_per_grid_ts, in seconds.
    """
    length = max(len(sample.ids) for sample in samples)

    def rows(values: list[list[int]], fill: int) -> torch.Tensor:
        padding = [[fill] * (length - len(row)) for row in values]
        return torch.tensor([p + r if left else r + p for r, p in zip(values, padding, strict=True)])

    ids = rows([sample.ids for sample in samples], pad_id)
    batch = {
        "input_ids": ids,
        "labels": rows([sample.labels for sample in samples], IGNORED),
        "attention_mask": rows([[1] * len(sample.ids) for sample in samples], 0),
        "mm_token_type_ids": (ids == config.image_token_id).long() + 2 * (ids == config.video_token_id).long(),
    }
    images = [s.visual for s in samples if s.visual is not None and s.visual.kind == "image"]
    videos = [s.visual for s in samples if s.visual is not None and s.visual.kind == "video"]
    if images:
        batch["pixel_values"] = torch.cat([v.patches for v in images])
        batch["image_grid_thw"] = torch.stack([v.grid for v in images])
    if videos:
        batch["pixel_values_videos"] = torch.cat([v.patches for v in videos])
        batch["video_grid_thw"] = torch.stack([v.grid for v in videos])
        batch["second_per_grid_ts"] = torch.tensor([v.seconds_per_grid for v in videos])
    return batch


def pack(batch: Batch, model: Any) -> Batch:
    """Turn a right-padded batch into one row without padding; the losses stay the same.

    Each sample keeps its own rotary positions (computed on the padded rows), a fourth row of positions tells the
    attention mask where samples begin, and the first token of each sample carries no loss, as at the start of a row.

    Args:
        batch: what :func:`collate` gave with ``left=False``.
        model: an EmotionQwenModel (for ``get_rope_index``).

    Returns:
        int64 [1, tokens]: input_ids, labels, mm_token_type_ids; int64 [4, 1, tokens]: position_ids; pixels and grids as
        they were.
    """
    attended = batch["attention_mask"].bool()
    visual = {name: batch.get(name) for name in ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")}
    positions, _ = model.get_rope_index(batch["input_ids"], attention_mask=batch["attention_mask"], **visual)
    text = torch.arange(attended.shape[1], device=attended.device).expand_as(attended)
    labels = batch["labels"].clone()
    labels[:, 0] = IGNORED
    packed = {
        "input_ids": batch["input_ids"][attended][None],
        "labels": labels[attended][None],
        "mm_token_type_ids": batch["mm_token_type_ids"][attended][None],
        "position_ids": torch.cat([text[None], positions])[:, attended][:, None],
        **{name: value for name, value in visual.items() if value is not None},
    }
    return packed | {name: value for name, value in batch.items() if name.startswith("pixel_values")}
