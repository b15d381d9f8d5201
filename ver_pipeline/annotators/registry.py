"""Annotators by name, ours and those of other packages.  A module is imported when it is chosen, never before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Annotator
from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.errors import ConfigError

MODELS = ("openai", "transformers", "vllm")
NAMES = ("cues", *MODELS, "replay")


def make(name: str, options: Mapping[str, Any] | None = None, cache_dir: str | Path | None = None) -> Annotator:
    """The annotator ``name`` with its options; not opened yet.

    ``openai:second`` is a further annotator of the kind ``openai`` with a table of options of its own.
    ``cache_dir`` is where a model's annotator keeps its answers as they arrive.

    Raises:
        ConfigError: no annotator of that name, or a bad option.
    """
    table = dict(options or {})
    kind, _, label = name.partition(":")
    if kind in MODELS and (label or name == kind):
        return _model(kind, name, table, cache_dir)
    if name == "cues":
        from ver_pipeline.annotators.cues.annotator import CuesAnnotator

        if table:
            raise ConfigError("annotate.options.cues: the cues annotator has no options", "remove the table")
        return CuesAnnotator()
    if name == "replay":
        from ver_pipeline.annotators.backends.replay import ReplayAnnotator

        return ReplayAnnotator(table)
    annotator: Annotator = plugins.load("annotators", kind, NAMES).value(name, table, cache_dir)
    return annotator


def release(name: str) -> str | None:
    """The package and version that an annotator comes from; None for ours, which say themselves what they are."""
    kind = name.partition(":")[0]
    return None if kind in NAMES else plugins.load("annotators", kind, NAMES).release


def _model(kind: str, name: str, table: Mapping[str, Any], cache_dir: str | Path | None) -> Annotator:
    if kind == "openai":
        from ver_pipeline.annotators.backends.openai import OpenAIAnnotator

        return OpenAIAnnotator(table, cache_dir, name)
    if kind == "transformers":
        from ver_pipeline.annotators.backends.transformers import TransformersAnnotator

        return TransformersAnnotator(table, cache_dir, name)
    from ver_pipeline.annotators.backends.vllm import VllmAnnotator

    return VllmAnnotator(table, cache_dir, name)
