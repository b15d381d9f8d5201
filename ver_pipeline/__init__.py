"""Emotion-reasoning data from raw video, in Python.

``open_dataset`` opens what ``ver build`` wrote; ``build`` makes one, as the command does; ``load_config`` reads a
configuration.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ver_pipeline.build import BuildOptions, build
    from ver_pipeline.catalog.dataset import Dataset, open_dataset
    from ver_pipeline.config_file import load_config

__all__ = ["BuildOptions", "Dataset", "build", "load_config", "open_dataset"]

_HOMES = {
    "BuildOptions": "build", "build": "build", "Dataset": "catalog.dataset", "open_dataset": "catalog.dataset",
    "load_config": "config_file",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load the Python API on first use, so that the command line stays quick."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"ver_pipeline.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
