"""The record: one clip, all that is known about it, and where each piece of knowledge came from.

This pydantic model is the source of truth.  The JSON Schema, the Arrow schema and the SQL tables are
derived from it (``schemas/derive.py``) and committed; a test fails when they drift.

Conventions: times are seconds from the clip's first frame (``*_s``, 3 decimals) unless the name says
``source``; boxes are ``(x, y, width, height)`` as fractions of the frame; probabilities are in
[0, 1]; valence, arousal and dominance in [-1, 1]; text is Unicode NFC.  Nothing here depends on when
or on which machine the record was made.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.record_annotation import Agreement, Annotation, Description, Emotion, Observation, Provenance
from ver_pipeline.schemas.record_measured import Measured
from ver_pipeline.schemas.record_media import Clip, Media, Source, Speech
from ver_pipeline.schemas.record_people import Person
from ver_pipeline.schemas.record_types import Key, Part, Split, Tier

SCHEMA_VERSION: Final = "ver-record/2"


class Finding(Part):
    """What a rule found.  ``pointer`` is a JSON pointer into the record."""

    code: str
    severity: Literal["reject", "flag", "info"]
    message: str
    pointer: str = ""


class Verdict(Part):
    """What the rules said: which ran, which could not run and why, and what they found.

    ``reject`` is what a rule run may say; a published record never carries it.
    """

    status: Literal["accept", "review", "reject"]
    rules_version: str
    passed: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Human(Part):
    """Human review, read from the decisions file."""

    decision: Literal["accept", "reject", "corrected"]
    reviewers: tuple[str, ...]
    decided_utc: str
    corrected_fields: tuple[str, ...] = ()


class Safety(Part):
    """Flags that a reader may want to select on; None means nothing looked."""

    minor_possible: bool | None = None
    sensitive: bool | None = None
    pii: tuple[str, ...] = ()


class Lineage(Part):
    """What shaped this record: fingerprints of stages, config and tools (names to hashes/versions)."""

    stages: dict[str, str]
    tools: dict[str, str]


class Record(Part):
    """One sample: everything a reader of the data set gets about one clip."""

    schema_version: Literal["ver-record/2"] = SCHEMA_VERSION
    key: Key
    split: Split
    tier: Tier
    source: Source
    clip: Clip
    media: Media
    speech: Speech
    measured: Measured
    observations: tuple[Observation, ...]
    emotion: Emotion
    description: Description
    provenance: Provenance
    people: tuple[Person, ...] | None = None
    """Who is seen and heard; None in records of ``ver-record/1``, of which nobody asked."""
    alternatives: tuple[Annotation, ...] = ()
    agreement: Agreement | None = None
    verdict: Verdict | None = None
    human: Human | None = None
    safety: Safety = Safety()
    lineage: Lineage

    def to_json(self) -> bytes:
        """The canonical JSON form, as stored in a shard."""
        return canonical_json(self.model_dump(mode="json"))


def parse_record(data: bytes | str | dict[str, Any]) -> Record:
    """Parse and validate one record strictly (JSON types, no coercion).

    Raises:
        pydantic.ValidationError: with the location of each defect.
    """
    if isinstance(data, dict):
        data = canonical_json(data)
    return Record.model_validate_json(data)
