"""The gate: how much of each compressor a clip gets, from the clip's own vision tokens.

Figure of the Emotion-Qwen repository: multi-head self-attention, then twice (Linear, ReLU,
LayerNorm), then fusion weights for two experts.  The last Linear(2) with softmax and its zero start
are ours: with a zero head both experts weigh exactly one half.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class GateHead(nn.Linear):
    """The last layer.  A class of its own, so that initialisation can tell it apart and zero it."""


class EmotionGate(nn.Module):
    """Two expert weights from a sequence of pooled vision states."""

    def __init__(self, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.LayerNorm(hidden),
        )
        self.head = GateHead(hidden, 2)

    def forward(self, states: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Weigh the experts.

        Args:
            states: [clips, tokens, width], padded.
            valid: bool [clips, tokens], True where a token is real; each clip has at least one.

        Returns:
            [clips, 2] in the dtype of ``states``, rows sum to 1: (general, emotion).
        """
        clips, tokens, width = states.shape
        qkv = self.qkv(states).view(clips, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=valid[:, None, None, :])
        seen = self.proj(seen.transpose(1, 2).reshape(clips, tokens, width))
        weight = valid.to(seen.dtype)
        pooled = (seen * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
        return self.head(self.mlp(pooled)).softmax(-1)


def segment_mean(states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Mean of consecutive segments of packed rows.

    Sums in float32; each segment depends on its own rows only.

    Args:
        states: [rows, width], any float dtype.
        lengths: int64 [segments], rows of each segment.

    Returns:
        [segments, width] in the dtype of ``states``.
    """
    segment = torch.repeat_interleave(torch.arange(len(lengths), device=states.device), lengths)
    total = torch.zeros(len(lengths), states.shape[-1], dtype=torch.float32, device=states.device)
    total = total.index_add(0, segment, states.float())
    return (total / lengths[:, None]).to(states.dtype)


def pooled_states(states: torch.Tensor, grid_thw: torch.Tensor, pooling: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What the gate looks at: one mean per clip, or one per frame.

    Args:
        states: [patches, width], all clips one after the other (the tower's windows never cross a
            frame or a clip, so the segments stay whole in window order).
        grid_thw: int64 [clips, 3], patches in time, height and width.
        pooling: ``clip`` or ``frame``.

    Returns:
        [clips, tokens, width] in the dtype of ``states``, and bool [clips, tokens]: which tokens are real.
    """
    if pooling == "clip":
        means = segment_mean(states, grid_thw.prod(-1))
        return means[:, None], torch.ones(len(means), 1, dtype=torch.bool, device=states.device)
    frames = grid_thw[:, 0]
    means = segment_mean(states, torch.repeat_interleave(grid_thw[:, 1] * grid_thw[:, 2], frames))
    padded = nn.utils.rnn.pad_sequence(list(means.split(frames.tolist())), batch_first=True)
    valid = torch.arange(padded.shape[1], device=states.device)[None] < frames[:, None]
    return padded, valid


def balance_loss(weights: torch.Tensor) -> torch.Tensor:
    """How far the mean weights over the batch are from one half each: 0 balanced, 1 one expert only.

    Args:
        weights: [clips, 2], rows sum to 1.

    Returns:
        A scalar in the dtype of ``weights``.
    """
    return (2 * weights.mean(0) - 1).pow(2).mean()
