"""An annotator: requests in, one result a request out.  This one asks the cues annotator and signs its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.cues.annotator import CuesAnnotator


class LengthAnnotator:
    """The place to call a model of yours: build an annotation of the record's form for each request."""

    batch_size = 8

    def __init__(self, name: str, options: Mapping[str, Any], cache_dir: str | Path | None) -> None:
        self.name = name
        self._cues = CuesAnnotator()

    def fingerprint(self) -> Mapping[str, Any]:
        return {"version": 1, **self._cues.fingerprint()}

    def open(self) -> None:
        self._cues.open()

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        return [self._signed(result) for result in self._cues.annotate(requests)]

    def _signed(self, result: Result) -> Result:
        if result.annotation is None:
            return result
        provenance = {**result.annotation["provenance"], "annotator": self.name}
        return Result(result.key, {**result.annotation, "provenance": provenance}, usage=result.usage)
