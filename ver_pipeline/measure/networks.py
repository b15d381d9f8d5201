"""Networks in ONNX, all opened alike."""

from __future__ import annotations

from typing import Any


def onnx_session(path: str, threads: int) -> Any:
    """A session on the processor whose result does not depend on the machine's number of cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
