"""``--annotator replay``: answers from a file, so that a set can be rebuilt and compared without any model.

A line is ``{"key": ..., "annotation": {...}}``; the annotation is one as the record holds it.  It passes
the same schema and rules as a fresh answer would.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.options import ReplayOptions, read_options
from ver_pipeline.annotators.teacher.assemble import check_rules, rules_version
from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record_annotation import Annotation


class ReplayAnnotator:
    """Reads the whole file on ``open``; a clip without a line is rejected as unavailable."""

    name = "replay"

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.options = read_options(ReplayOptions, self.name, table)
        if not self.options.path:
            raise ConfigError("annotate.options.replay.path is not set", "name a JSONL file of answers")
        self.batch_size = self.options.batch_size
        self._answers: dict[str, dict[str, Any]] | None = None

    def fingerprint(self) -> Mapping[str, Any]:
        """The hash of the file: its name does not matter."""
        return {"annotator": self.name, "sha256": self._sha256(), "rules": rules_version()}

    def open(self) -> None:
        """Read the file.

        Raises:
            ConfigError: it is missing, or a line is not an answer.
        """
        answers: dict[str, dict[str, Any]] = {}
        for n, line in enumerate(self._bytes().splitlines(), start=1):
            if not line.strip():
                continue
            try:
                row = parse_json(line)
                answers[row["key"]] = row["annotation"]
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(f"{self.options.path}, line {n} is not an answer", "key and annotation") from error
        self._answers = answers

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """The stored answer of each clip, checked again."""
        if self._answers is None:
            self.open()
        answers = self._answers or {}
        return [_checked(request, answers.get(request.key)) for request in requests]

    def _bytes(self) -> bytes:
        try:
            return Path(self.options.path).read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read the answers {self.options.path}", "check the path") from error

    def _sha256(self) -> str:
        return hashlib.sha256(self._bytes()).hexdigest()


def _checked(request: Request, stored: dict[str, Any] | None) -> Result:
    if stored is None:
        return Result(request.key, reason=Reason.TEACHER_UNAVAILABLE, message="the file holds no answer for this clip")
    try:
        annotation = Annotation.model_validate_json(canonical_json(stored)).model_dump(mode="json")
    except (ValidationError, ValueError) as error:
        return Result(request.key, reason=Reason.SCHEMA, message=str(error).splitlines()[0])
    problems = check_rules(annotation, request)
    if problems:
        return Result(request.key, reason=problems[0].reason, message=problems[0].message)
    return Result(request.key, annotation=annotation)
