"""What the networks that are rebuilt as ONNX share: nodes and constants in the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects nodes; node and tensor names are numbered, so the same weights give the same bytes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: set[str] = set()

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of what comes out of it."""
        from onnx import helper

        output_name = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output_name], **attributes))
        return output_name

    def constant(self, name: str, value: Any) -> str:
        """Add an array under its name, once."""
        from onnx import numpy_helper

        if name not in self._known:
            self._known.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def numbers(self, name: str, values: Sequence[int]) -> str:
        """Add whole numbers: axes, shapes, pads."""
        return self.constant(name, np.array(values, np.int64))

    def finished(self, name: str, given: tuple[str, Sequence[Any]], made: tuple[str, Sequence[Any]]) -> bytes:
        """The model's bytes.

        Args:
            given: name and shape of the input, float32; axes that may have any length have names.
            made: the same of the output.
        """
        from onnx import TensorProto, checker, helper

        (inputs, outputs) = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in (given, made))
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
