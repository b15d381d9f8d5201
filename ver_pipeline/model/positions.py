"""Rotary positions of text, images and videos in one row, as Qwen2.5-VL was trained with.

transformers computes them too, but not alike from version to version (at 1.07 s a grid, 4.57 and 5.23 place frames at
0, 4, 8, 12, 17, 5.17 at 0, 4, 8, 12, 16; 5.23 lets the text behind a long video begin before the video's last frame).
The formulas are those of the technical report (arXiv 2502.13923, section 2.1.2) and of the code published with it: a
frame's temporal position is its time times ``tokens_per_second``, rounded down, and what follows begins behind the
largest position so far.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch

TEXT, IMAGE, VIDEO = 0, 1, 2
"""Kinds of tokens."""


def rope_positions(
    token_kinds: torch.Tensor,
    image_grids: torch.Tensor | None,
    video_grids: torch.Tensor | None,
    seconds_per_grid: torch.Tensor | Sequence[float] | None,
    attention_mask: torch.Tensor | None,
    merge: int,
    tokens_per_second: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions of every token, and how far a row's positions run ahead of its length.

    Args:
        token_kinds: [batch, length], of ``TEXT``, ``IMAGE``, ``VIDEO``.
        image_grids: [images, 3], int: patches in time, height and width, in the order of the rows.
        video_grids: [videos, 3], likewise.
        seconds_per_grid: [videos], seconds between two steps in time; 1 where None.
        attention_mask: [batch, length], 0 where a row is padded; None means nowhere.
        merge: patches a side that become one token.
        tokens_per_second: temporal positions in a second.

    Returns:
        [3, batch, length], int64: temporal, height and width positions, 1 at padding as upstream; and [batch, 1].

    Raises:
        ValueError: a run of placeholders is not as long as its grid says.
    """
    rows, length = token_kinds.shape
    device = token_kinds.device
    grids = {IMAGE: iter(() if image_grids is None else image_grids.tolist()),
             VIDEO: iter(() if video_grids is None else video_grids.tolist())}  # fmt: skip
    steps_s: Iterator[float] = itertools.repeat(1.0) if seconds_per_grid is None else iter(map(float, seconds_per_grid))
    positions = torch.ones(3, rows, length, dtype=torch.int64, device=device)
    ahead = torch.zeros(rows, 1, dtype=torch.int64, device=device)
    for row in range(rows):
        there = torch.ones(length, dtype=torch.bool) if attention_mask is None else attention_mask[row].bool().cpu()
        parts: list[torch.Tensor] = []
        begin = 0
        for kind, run in itertools.groupby(token_kinds[row].cpu()[there].tolist()):
            n = len(list(run))
            if kind == TEXT:
                part = torch.arange(n).expand(3, n)
            else:
                step_s = next(steps_s) if kind == VIDEO else 0.0
                part = _grid_positions(next(grids[kind], None), step_s * tokens_per_second, merge)
                if part.shape[1] != n:
                    raise ValueError(f"{n} placeholders in row {row} where its grid has {part.shape[1]} tokens")
            parts.append(part + begin)
            begin = int(parts[-1].max()) + 1
        if parts:
            positions[:, row, there.to(device)] = torch.cat(parts, dim=1).to(device)
        ahead[row] = begin - int(there.sum())
    return positions, ahead


def _grid_positions(grid: Sequence[int] | None, step: float, merge: int) -> torch.Tensor:
    """[3, tokens] of one image or video that begins at 0; ``step`` temporal positions from frame to frame."""
    if grid is None:
        raise ValueError("more runs of placeholders than grids")
    n_times, height, width = grid[0], grid[1] // merge, grid[2] // merge
    # In single precision, as in the published code: some products lie a rounding away from a whole number.
    times = (torch.arange(n_times, dtype=torch.float32) * torch.tensor(step, dtype=torch.float32)).long()
    planes = torch.meshgrid(times, torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([plane.flatten() for plane in planes])
