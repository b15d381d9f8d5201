"""Similarity of texts, across languages where the model is multilingual, by a local embedding checkpoint.

The E5 recipe (Wang et al., "Multilingual E5 Text Embeddings", 2024): "query: " before the text, mean of the last
hidden states over the real tokens, cosine.  Such cosines crowd near 1 (0.7 is already low for E5), so a
number may be compared with others of the same checkpoint only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ver_pipeline.model.opening import opening
from ver_pipeline.schemas.errors import MissingModelError
from ver_pipeline.schemas.extras import imports
from ver_pipeline.schemas.hashing import sha256_file
from ver_pipeline.schemas.untrusted import SAFE_TOKENIZER, SAFE_WEIGHTS

PREFIX = "query: "
MAX_TOKENS = 512
WEIGHTS = ("*.safetensors",)
SHAPING = ("config.json", *WEIGHTS, "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model")


class TextEmbedding:
    """An embedding checkpoint in a folder; loaded at the first comparison, on the CPU.

    Raises:
        MissingModelError: the folder holds no configuration or no weights.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        weights = [path for pattern in WEIGHTS for path in self.folder.glob(pattern)]
        if not weights or not (self.folder / "config.json").is_file():
            cure = "copy a text-embedding checkpoint (such as multilingual-e5-small) there, or unset annotate.embedding"
            raise MissingModelError(f"annotate.embedding: {self.folder} holds no checkpoint", cure)
        self._hashes: dict[str, str] | None = None
        self._loaded: tuple[Any, Any] | None = None

    def fingerprint(self) -> dict[str, str]:
        """File name to sha256 of all that shapes a number; the folder's place is no part of it."""
        if self._hashes is None:
            paths = sorted({path for pattern in SHAPING for path in self.folder.glob(pattern) if path.is_file()})
            self._hashes = {path.name: sha256_file(path) for path in paths}
        return dict(self._hashes)

    def similarity(self, left: str, right: str) -> float:
        """Cosine of two texts, 0 to 1: opposite directions count as 0.  Equal texts give 1."""
        a, b = self._vector(left), self._vector(right)
        return round(min(1.0, max(0.0, float(a @ b))), 4)

    def _vector(self, text: str) -> Any:
        """Unit vector of one text; texts go through one by one, so that no number depends on its neighbours."""
        if self._loaded is None:
            self._loaded = self._load()
        import torch

        tokenizer, model = self._loaded
        most = min(MAX_TOKENS, int(getattr(model.config, "max_position_embeddings", MAX_TOKENS)))
        tokens = tokenizer(PREFIX + text, truncation=True, max_length=most, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state[0].float()
        return torch.nn.functional.normalize(hidden.mean(0), dim=0)

    def _load(self) -> tuple[Any, Any]:
        with imports("teacher", "annotate.embedding", "unset it"):
            import torch  # noqa: F401
            from transformers import AutoConfig, AutoModel, AutoTokenizer

            from ver_pipeline.model.loading import require_small
        with opening(self.folder):
            tokenizer = AutoTokenizer.from_pretrained(self.folder, **SAFE_TOKENIZER)
            config = AutoConfig.from_pretrained(self.folder, **SAFE_TOKENIZER)
            require_small(self.folder, AutoModel.from_config, config)
            model = AutoModel.from_pretrained(self.folder, config=config, **SAFE_WEIGHTS).float().eval()
            if max(tokenizer.get_vocab().values()) >= model.get_input_embeddings().num_embeddings:
                raise MissingModelError(f"{self.folder}: the tokenizer is another model's", "copy the checkpoint again")
        return tokenizer, model
