"""Every defect of one record, each with a JSON pointer: what the schema forbids and what relates its parts.

Wrong units show up here: milliseconds lie outside the clip, percentages outside 0 to 1, pixels outside
the frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ver_pipeline.schemas.migrate import of_today
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules.base import Context
from ver_pipeline.schemas.rules.engine import BY_ID

RELATIONS = ("F02", "F03", "F05", "F06", "F07")
"""The rules that hold by definition, whatever the configuration says."""


@dataclass(frozen=True, slots=True)
class RecordError:
    """One defect and where it is (RFC 6901)."""

    pointer: str
    message: str


def record_errors(data: bytes | str | dict[str, Any]) -> list[RecordError]:
    """All defects of a record of any version; an empty list means that it is valid.

    Unknown fields, missing fields, wrong types, NaN, values out of range; then times outside the clip,
    boxes outside the frame, distributions that do not sum to one, counts and keys that do not fit.
    """
    text = json.dumps(data) if isinstance(data, dict) else data
    try:
        record = Record.model_validate_json(of_today(text))
    except ValidationError as error:
        defects = error.errors(include_input=False, include_url=False)
        return [RecordError(_pointer(defect["loc"]), defect["msg"]) for defect in defects]
    return relation_errors(record)


def relation_errors(record: Record) -> list[RecordError]:
    """The defects that relate parts of a record to each other."""
    errors = []
    for name in RELATIONS:
        rule = BY_ID[name]
        answer = rule.check(record, Context(rule.limits))
        errors += [RecordError(f.pointer, f.message) for f in answer if f.severity is None]  # type: ignore[union-attr]
    return errors


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
