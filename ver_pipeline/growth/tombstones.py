"""What was withdrawn for good: a published list of hashes, so that no later build brings it back.

``tombstones.json`` holds the sha256 of each withdrawn key and why, never the key.  A build asks
:func:`read_tombstones` and leaves those clips out; a publisher calls :func:`carry` so that the list
stays in the data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.tombstones import tombstone_of

TOMBSTONES_NAME = "tombstones.json"
SCHEMA = "ver-tombstones/1"


def read_tombstones(out_dir: Path) -> dict[str, str]:
    """sha256 of key -> reason of everything withdrawn from the data set; empty when nothing was.

    Raises:
        CorruptDataError: the list cannot be read.  Building on would bring withdrawn clips back.
    """
    path = Path(out_dir) / TOMBSTONES_NAME
    if not path.exists():
        return {}
    try:
        content = parse_json(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise CorruptDataError(f"{path} is of schema {content['schema']!r}", "use the release that wrote it")
        return {row["key_sha256"]: row["reason"] for row in content["withdrawn"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError(f"{path} is not a list of tombstones: {error}", "restore it from a copy") from error


def write_tombstones(folder: Path, withdrawn: Mapping[str, str]) -> Path:
    """Write the list, sorted by hash."""
    rows = [{"key_sha256": key, "reason": withdrawn[key]} for key in sorted(withdrawn)]
    path = folder / TOMBSTONES_NAME
    path.write_bytes(canonical_json({"schema": SCHEMA, "withdrawn": rows}) + b"\n")
    return path


def is_withdrawn(key: str, tombstones: Iterable[str]) -> bool:
    """Whether a key is on the list."""
    return tombstone_of(key) in tombstones


def carry(out_dir: Path, staging: Path) -> None:
    """Copy the list of the published data set into a staged one that will replace it."""
    withdrawn = read_tombstones(out_dir)
    if withdrawn:
        write_tombstones(staging, withdrawn)
