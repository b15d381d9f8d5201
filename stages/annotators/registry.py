"""Annotators by name.  A backend's module is imported when it is chosen, never before."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.errors import ConfigError

from .base import Annotator

NAMES = ("cues", "openai", "transformers", "vllm", "replay")


def make(name: str, options: Mapping[str, Any] | None = None, cache_dir: str | Path | None = None) -> Annotator:
    """The annotator ``name`` with its options; not opened yet.

    ``cache_dir`` is where a model's annotator keeps its answers as they arrive.

    Raises:
        ConfigError: no annotator of that name, or a bad option.
    """
    table = dict(options or {})
    if name == "cues":
        from .cues import CuesAnnotator

        if table:
            raise ConfigError("annotate.options.cues: the cues annotator has no options", "remove the table")
        return CuesAnnotator()
    if name == "openai":
        from .openai import OpenAIAnnotator

        return OpenAIAnnotator(table, cache_dir=cache_dir)
    if name == "transformers":
        from .local import TransformersAnnotator

        return TransformersAnnotator(table, cache_dir=cache_dir)
    if name == "vllm":
        from .vllm import VllmAnnotator

        return VllmAnnotator(table, cache_dir=cache_dir)
    if name == "replay":
        from .replay import ReplayAnnotator

        return ReplayAnnotator(table)
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigError(f"no annotator is called {name!r}", f"{hint}there are {', '.join(NAMES)}")
