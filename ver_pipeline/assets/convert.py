"""Turn published weights into ONNX graphs: pure functions from bytes to bytes.

The same input gives the same bytes, so that the result is pinned by sha256 like any downloaded file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ver_pipeline.assets.campplus import campplus_graph
from ver_pipeline.assets.canonical_face import canonical_face
from ver_pipeline.assets.pyannet import pyannet_graph

Array = npt.NDArray[np.float32]

OPSET = 17
IR_VERSION = 8
MEAN_RGB = (122.782, 117.001, 104.298)
"""The mean that FaceFeatureExtractor of @vladmandic/face-api 1.7.15 subtracts before dividing by 255."""


def join_parts(parts: Sequence[bytes]) -> bytes:
    """Parts of one file, in order, made whole."""
    return b"".join(parts)


def expression_graph(parts: Sequence[bytes]) -> bytes:
    """face-api's expression network as ONNX, from its manifest (JSON) and its weight file.

    The network (read in face-api 1.7.15, ``faceFeatureExtractor`` and ``faceExpressionNet``): four dense
    blocks of depthwise-separable convolutions, each begun with stride 2, a 7 x 7 average pool, one
    linear layer, softmax.  Input ``input`` float32 ``(N, 3, 112, 112)``, RGB in 0..255; output ``prob``
    float32 ``(N, 7)``: neutral, happy, sad, angry, fearful, disgusted, surprised.

    Raises:
        ValueError: when the weight file is not as long as the manifest says.
    """
    manifest, blob = parts
    return _ExpressionGraph(_dequantise(json.loads(manifest), blob)).build()


def free_input_size(parts: Sequence[bytes]) -> bytes:
    """CenterFace's graph, exported for 10 frames of 32 x 32, opened to any batch, height and width.

    The network is convolutional throughout; only the declared shapes are fixed.  Height and width of a
    frame must be multiples of 32.
    """
    import onnx

    model = onnx.load_from_string(parts[0])
    used = {name for node in model.graph.node for name in node.input}
    weights = [tensor for tensor in model.graph.initializer if tensor.name in used]
    names = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in names]
    graph = onnx.helper.make_graph(model.graph.node, "centerface", inputs, model.graph.output, weights)
    for value in graph.input:
        _rename_axes(value, {0: "batch", 2: "height", 3: "width"})
    for value in graph.output:
        _rename_axes(value, {0: "batch", 2: "rows", 3: "columns"})
    opened = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(opened.SerializeToString(deterministic=True))


CONVERSIONS: Mapping[str, Callable[[Sequence[bytes]], bytes]] = {
    "join": join_parts,
    "face-api-expression": expression_graph,
    "free-input-size": free_input_size,
    "canonical-face": canonical_face,
    "campplus": campplus_graph,
    "pyannet": pyannet_graph,
}


def _rename_axes(value: Any, names: Mapping[int, str]) -> None:
    for axis, name in names.items():
        value.type.tensor_type.shape.dim[axis].dim_param = name


def _dequantise(manifest: list[dict[str, Any]], blob: bytes) -> dict[str, Array]:
    """Every tensor of a TensorFlow.js weight file as float32, uint8 quantisation undone."""
    weights: dict[str, Array] = {}
    offset = 0
    for entry in (weight for group in manifest for weight in group["weights"]):
        count = int(np.prod(entry["shape"]))
        quantised = entry.get("quantization")
        dtype = np.dtype(np.uint8 if quantised else "<f4")
        flat = np.frombuffer(blob, dtype, count, offset).astype(np.float32)
        if quantised:
            flat = flat * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        weights[entry["name"]] = flat.reshape(entry["shape"])
        offset += count * dtype.itemsize
    if offset != len(blob):
        raise ValueError(f"the weight file holds {len(blob)} bytes, its manifest describes {offset}")
    return weights


class _ExpressionGraph:
    """Builds the graph node by node; node and tensor names are numbered, so the bytes are stable."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self) -> bytes:
        from onnx import TensorProto, checker, helper

        mean = self._constant("mean", np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1))
        x = self._op("Sub", "input", mean)
        x = self._op("Div", x, self._constant("scale", np.array(255, np.float32)))
        for number in range(4):
            x = self._dense_block(x, f"dense{number}", plain_first=number == 0)
        x = self._op("Flatten", self._op("AveragePool", x, kernel_shape=[7, 7], strides=[2, 2]))
        linear = self._constant("fc.weight", self.weights["fc/weights"])
        x = self._op("Gemm", x, linear, self._constant("fc.bias", self.weights["fc/bias"]))
        self.nodes.append(helper.make_node("Softmax", [x], ["prob"], axis=1))
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 112, 112])]
        outputs = [helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["N", 7])]
        graph = helper.make_graph(self.nodes, "face-expression", inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _dense_block(self, x: str, name: str, plain_first: bool) -> str:
        """Each convolution sees the rectified sum of all before it, as ``denseBlock4`` of the original."""
        first = self._plain(x, f"{name}/conv0") if plain_first else self._separable(x, f"{name}/conv0", 2)
        total = last = self._op("Relu", first)
        sums = [last]
        for number in (1, 2, 3):
            sums.append(self._separable(last, f"{name}/conv{number}", 1))
            total = sums[-1]
            for term in reversed(sums[:-1]):
                total = self._op("Add", term, total)
            last = self._op("Relu", total)
        return last

    def _plain(self, x: str, name: str) -> str:
        filters = self._constant(f"{name}.filters", self.weights[f"{name}/filters"].transpose(3, 2, 0, 1))
        bias = self._constant(f"{name}.bias", self.weights[f"{name}/bias"])
        return self._op("Conv", x, filters, bias, strides=[2, 2], auto_pad="SAME_UPPER")

    def _separable(self, x: str, name: str, stride: int) -> str:
        depth = self.weights[f"{name}/depthwise_filter"].transpose(2, 3, 0, 1)
        point = self.weights[f"{name}/pointwise_filter"].transpose(3, 2, 0, 1)
        depth_name = self._constant(f"{name}.depthwise", depth)
        x = self._op("Conv", x, depth_name, strides=[stride] * 2, auto_pad="SAME_UPPER", group=len(depth))
        point_name = self._constant(f"{name}.pointwise", point)
        return self._op("Conv", x, point_name, self._constant(f"{name}.bias", self.weights[f"{name}/bias"]))

    def _constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output
