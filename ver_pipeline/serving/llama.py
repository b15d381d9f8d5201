"""A llama.cpp server in this process, for a model of the store."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.errors import MissingDependencyError, VerError

PACKAGE = "xllamacpp==2026.10.11549"
"""The package whose wheel carries a llama.cpp server; MIT."""


def start(weights: Path, context_tokens: int, port: int, threads: int | None = None) -> Any:
    """The running server; it answers when the model is loaded and ends with the process.

    Raises:
        MissingDependencyError: the package is not installed.
        VerError: the server did not start.
    """
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise MissingDependencyError("xllamacpp is not installed", f"pip install {PACKAGE}") from error
    n_threads = threads or max(1, len(os.sched_getaffinity(0)))
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx, params.n_parallel = context_tokens, 1
    params.hostnames, params.port = ["127.0.0.1"], port
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = n_threads
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise VerError(
            f"the server did not start: {error}", "its own lines above say why; is the port free?"
        ) from error


def wait() -> None:
    """Until Ctrl-C."""
    threading.Event().wait()
