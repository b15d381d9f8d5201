"""Emotion-reasoning data from raw video.  ``open_dataset`` opens what ``ver build`` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset, open_dataset

__all__ = ["Dataset", "open_dataset"]


def __getattr__(name: str) -> Any:
    """Load the Python API on first use, so that the command line stays quick."""
    if name in __all__:
        from ver_pipeline.catalog import dataset

        return getattr(dataset, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
