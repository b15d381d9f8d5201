"""A voice as a vector: near to other speech of the same person, far from that of others (CAM++)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets import store
from ver_pipeline.measure.networks import onnx_session

MODEL = "voices"
FILE = "speaker-embedding.onnx"

Vector = npt.NDArray[np.float32]


class EmbeddingNet:
    """The network, on the processor."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._session: Any = None

    def open(self) -> None:
        """Load the model.

        Raises:
            MissingModelError: it could not be had.
        """
        self._session = onnx_session(str(store.resolve(MODEL) / FILE), self.threads)

    def embed(self, features: npt.NDArray[np.float32]) -> Vector:
        """A unit vector ``(192,)`` of log mel energies ``(frames, 80)`` of one voice (``fbank.py``)."""
        centred = features - features.mean(axis=0)
        (embedding,) = self._session.run(None, {"features": centred[None]})
        return np.asarray(embedding[0] / np.linalg.norm(embedding[0]), np.float32)
