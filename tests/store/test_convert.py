"""Conversions are pure functions: the same weights give the same bytes, and those are the pinned ones."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import onnx
import onnxruntime
import pytest

from ver_pipeline.assets.canonical_face import MEMBER, canonical_face
from ver_pipeline.assets.convert import expression_graph, free_input_size

WIDTHS = (2, 3, 4, 5)
PINNED = "56ead9febcbd0bfe374998efbc075b574adc630033e98aacdc5a47208362b94e"


def published(quantised: bool = True) -> list[bytes]:
    """A small network in face-api's form: the real one's names and layout, few channels, drawn weights."""
    draw, entries, blob = np.random.default_rng(7), [], b""

    def add(name: str, *shape: int) -> None:
        nonlocal blob
        entry: dict[str, object] = {"name": name, "shape": list(shape), "dtype": "float32"}
        raw = draw.integers(0, 256, shape).astype(np.uint8)
        if quantised:
            entry["quantization"] = {"dtype": "uint8", "scale": 0.01, "min": -1.2}
            blob += raw.tobytes()
        else:
            blob += (raw.astype(np.float32) * np.float32(0.01) + np.float32(-1.2)).astype("<f4").tobytes()
        entries.append(entry)

    before = 3
    for block, width in enumerate(WIDTHS):
        for number in range(4):
            name, fan_in = f"dense{block}/conv{number}", before if number == 0 else width
            if block == number == 0:
                add(f"{name}/filters", 3, 3, fan_in, width)
            else:
                add(f"{name}/depthwise_filter", 3, 3, fan_in, 1)
                add(f"{name}/pointwise_filter", 1, 1, fan_in, width)
            add(f"{name}/bias", width)
        before = width
    add("fc/weights", before, 7)
    add("fc/bias", 7)
    return [json.dumps([{"weights": entries, "paths": ["x.bin"]}]).encode(), blob]


def test_the_same_weights_give_the_same_pinned_bytes() -> None:
    first, second = expression_graph(published()), expression_graph(published())
    assert first == second
    # The real model's pin holds only while the installed onnx writes these bytes; this tells when it does not.
    assert hashlib.sha256(first).hexdigest() == PINNED


def test_quantised_weights_are_undone_exactly() -> None:
    picture = np.random.default_rng(1).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
    answers = []
    for quantised in (True, False):
        session = onnxruntime.InferenceSession(expression_graph(published(quantised)))
        answers.append(session.run(None, {"input": picture})[0])
    assert np.array_equal(*answers)
    assert answers[0].sum() == pytest.approx(1)


def test_weight_files_and_their_manifest_must_agree() -> None:
    manifest, blob = published()
    with pytest.raises(ValueError, match="weight file holds"):
        expression_graph([manifest, blob + b"\0"])


def test_a_graph_with_a_fixed_input_is_opened_to_any_size_and_drops_what_it_does_not_use() -> None:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weight = onnx.numpy_helper.from_array(np.ones((1, 3, 1, 1), np.float32), "w")
    unused = onnx.numpy_helper.from_array(np.ones(1, np.float32), "never_read")
    values = [helper.make_tensor_value_info(n, kind, s) for n, s in (("x", [10, 3, 32, 32]), ("w", [1, 3, 1, 1]))]
    output = helper.make_tensor_value_info("y", kind, [10, 1, 32, 32])
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", values, [output], [weight, unused])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    opened = free_input_size([model.SerializeToString()])
    session = onnxruntime.InferenceSession(opened)
    picture = np.ones((2, 3, 64, 96), np.float32)
    assert session.run(None, {"x": picture})[0].shape == (2, 1, 64, 96)
    assert [tensor.name for tensor in onnx.load_from_string(opened).graph.initializer] == ["w"]


def packed_face() -> list[bytes]:
    """A package with a face of two points and one that is rigid, in the form of MediaPipe's npm package."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    points = b"".join(bytes([3 << 3 | 5]) + struct.pack("<f", n / 4) for n in range(10))
    mesh = bytes([1 << 3, 0]) + points + bytes([4 << 3, 0x81, 0x01])
    basis = bytes([1 << 3, 0x81, 0x01, 2 << 3 | 5]) + struct.pack("<f", 0.25)
    file = field(1, mesh) + field(2, basis)
    place = f'{{"filename": "/x/{MEMBER}", "start": 5, "end": {5 + len(file)}, "audio": 0}}'
    return [place.encode(), b"....." + file + b"rest"]


def test_the_canonical_face_is_taken_out_of_the_packed_files() -> None:
    assert json.loads(canonical_face(packed_face())) == {
        "points": [[0.0, 0.25, 0.5], [1.25, 1.5, 1.75]],
        "rigid": {"129": 0.25},
    }
    assert canonical_face(packed_face()) == canonical_face(packed_face())


def test_a_package_without_the_canonical_face_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no"):
        canonical_face([b"{}", packed_face()[1]])
