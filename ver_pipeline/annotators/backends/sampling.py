"""Drawing tokens so that a row's answer does not depend on the batch it is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class RowwiseSampling(LogitsProcessor):
    """Temperature and top-p sampling with one random stream per row.

    Adds Gumbel noise to the tempered scores inside the nucleus and leaves the choice to a greedy
    ``generate``: the arg-max of noisy log-probabilities is an exact draw (the Gumbel-max trick).  A row's
    noise comes from its own seed, so batched and single runs draw the same.

    Args:
        seeds: one per row.
        temperatures: one per row; 0 leaves the row greedy.
        top_ps: one per row.
    """

    def __init__(self, seeds: Sequence[int], temperatures: Sequence[float], top_ps: Sequence[float]) -> None:
        self.temperatures, self.top_ps = list(temperatures), list(top_ps)
        self.streams = [torch.Generator().manual_seed(seed % (2**63)) for seed in seeds]

    def __call__(self, input_ids: Any, scores: torch.Tensor) -> torch.Tensor:
        """Noisy scores, row by row; a row at temperature 0 comes back as it was."""
        rows = [self._row(i, scores[i]) for i in range(scores.shape[0])]
        return torch.stack(rows)

    def _row(self, i: int, scores: torch.Tensor) -> torch.Tensor:
        noise = torch.rand(scores.shape[-1], generator=self.streams[i]).clamp_min(1e-20)
        if self.temperatures[i] <= 0.0:
            return scores
        tempered = (scores.float() / self.temperatures[i]).log_softmax(-1)
        ranked, order = tempered.sort(descending=True)
        outside = ranked.exp().cumsum(-1) - ranked.exp() >= self.top_ps[i]
        tempered = tempered.masked_fill(outside.scatter(-1, order, outside), float("-inf"))
        return tempered - torch.log(-torch.log(noise)).to(tempered.device)


class NoControlBytes(LogitsProcessor):
    """Forbids tokens that hold a raw control byte: JSON wants those escaped, grammars let them through.

    Args:
        tokenizer: a byte-level one, whose token strings show bytes 0 to 31 as U+0100 to U+011F.
        vocab_size: the width of the scores.
    """

    def __init__(self, tokenizer: Any, vocab_size: int) -> None:
        self.forbidden = torch.zeros(vocab_size, dtype=torch.bool)
        for token, i in tokenizer.get_vocab().items():
            if i < vocab_size and any("\u0100" <= char < "\u0120" for char in token):
                self.forbidden[i] = True

    def __call__(self, input_ids: Any, scores: torch.Tensor) -> torch.Tensor:
        """The scores with those tokens at minus infinity."""
        return scores.masked_fill(self.forbidden.to(scores.device), float("-inf"))
