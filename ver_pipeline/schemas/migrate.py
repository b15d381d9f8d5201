"""Reads records of every version that was ever published, as records of today.

A version's record becomes the next version's by one pure function on its JSON form; a reader goes from
step to step.  A breaking change adds its step here, and a frozen record of the old version to ``tests/schemas``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.record import SCHEMA_VERSION, Record, parse_record

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _without_people(record: dict[str, Any]) -> dict[str, Any]:
    """``ver-record/2`` says who is seen and heard; of an earlier record nobody asked."""
    return {**record, "schema_version": "ver-record/2", "people": None}


STEPS: Mapping[str, Step] = {"ver-record/1": _without_people}
"""Version to the function that turns its JSON form into that of the next version."""


def read_record(data: bytes | str, steps: Mapping[str, Step] = STEPS) -> Record:
    """The record in ``data``, whatever version wrote it.

    Raises:
        CorruptDataError: it is not JSON, or of a version that this release does not know.
        pydantic.ValidationError: it does not fit the schema of its version.
    """
    try:
        value = parse_json(data)
    except ValueError as error:
        raise CorruptDataError(f"a record is not JSON: {error}", "run ver lint on the data set") from error
    if isinstance(value, dict) and value.get("schema_version") == SCHEMA_VERSION:
        return parse_record(data)
    return parse_record(upgrade(value, steps))


def of_today(data: bytes | str) -> bytes | str:
    """The record in ``data`` in today's form where an earlier version wrote it; anything else as it is."""
    try:
        value = parse_json(data)
    except ValueError:
        return data
    older = isinstance(value, dict) and value.get("schema_version") in STEPS
    return canonical_json(upgrade(value)) if older else data


RENAMED_SETTINGS = {
    ("scenes", "picture_width"): "frame_width_px",
    ("evidence", "picture_side"): "frame_side_px",
    ("clip", "part_s"): "chunk_s",
    ("annotate", "voter_skill"): "source_skill",
}
"""Settings by section and the name that manifests of earlier development versions have for them."""


def config_of(manifest: Mapping[str, Any]) -> BuildConfig:
    """The configuration that a data set was built with, whatever version wrote its manifest.

    Raises:
        CorruptDataError: it is not one that this release understands.
    """
    sections = {
        section: {RENAMED_SETTINGS.get((section, name), name): value for name, value in settings.items()}
        for section, settings in manifest["config"].items()
    }
    try:
        return BuildConfig.model_validate(sections)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise CorruptDataError(f"the manifest's configuration is not understood at {place}", "build again") from error


def record_of(data: bytes, key: str, where: str) -> dict[str, Any]:
    """The record of ``key`` as the dict that stages and writers rely on; the data set may be anybody's.

    Args:
        where: the file it comes from, for the message.

    Raises:
        CorruptDataError: it is no record of a known schema, or not the one of ``key``.
    """
    try:
        told_json = parse_json(data)
        record = upgrade(told_json)
        parse_record(data if record == told_json else record)
    except ValueError as error:
        defect = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        place = ".".join(map(str, defect["loc"]))
        what = " ".join(f"{where}: the record of {key} is not what a build writes: {place} {defect['msg']}".split())
        raise CorruptDataError(what, "run: ver lint") from error
    if record["key"] != key:
        raise CorruptDataError(f"{where}: the index says {key} where the record says {record['key']}", "run: ver lint")
    return record


def upgrade(value: Any, steps: Mapping[str, Step] = STEPS) -> dict[str, Any]:
    """The JSON form of today, by one step a version.

    Raises:
        CorruptDataError: no step leads from this version to today's.
    """
    seen: set[str] = set()
    while True:
        version = str(value.get("schema_version")) if isinstance(value, dict) else "none"
        if version == SCHEMA_VERSION:
            return dict(value)
        if version not in steps or version in seen:
            known = ", ".join((*steps, SCHEMA_VERSION))
            raise CorruptDataError(
                f"a record of version {version} cannot be read (known: {known})",
                "use the release that wrote it, or a newer one",
            )
        seen.add(version)
        value = steps[version](dict(value))
