"""What was withdrawn for good: a published list of hashes, so that no later build brings it back.

``tombstones.json`` holds the sha256 of each withdrawn key and why, never the key.  A build asks
:func:`read_tombstones` and leaves those clips out; publishing writes the list into the new data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.untrusted import read_plain
from ver_pipeline.shards.names import PAGES_FOLDER
from ver_pipeline.shards.tombstone_hash import tombstone_of
from ver_pipeline.shards.withdrawal import noted, pending

TOMBSTONES_NAME = "tombstones.json"
SCHEMA = "ver-tombstones/1"


def read_tombstones(out_dir: Path) -> dict[str, str]:
    """sha256 of key -> reason of everything withdrawn from the data set; empty when nothing was.

    All that can be found counts, whether or not a manifest names it: the lists of this version and of one that a
    kill left half replaced, the ledger, and a withdrawal that is not finished.

    Raises:
        CorruptDataError: a list cannot be read.  Building on would bring withdrawn clips back.
    """
    withdrawn = {**noted(out_dir), **published_tombstones(out_dir)}
    wish = pending(out_dir)
    return withdrawn if wish is None else {**withdrawn, **{tombstone_of(key): wish.reason for key in wish.keys}}


def published_tombstones(out_dir: Path) -> dict[str, str]:
    """What the published lists of the data set hold."""
    withdrawn: dict[str, str] = {}
    for path in (*sorted((out_dir / PAGES_FOLDER).glob("tombstones-*.json")), out_dir / TOMBSTONES_NAME):
        if path.is_file():
            withdrawn |= _read(path)
    return withdrawn


def write_tombstones(folder: Path, withdrawn: Mapping[str, str]) -> None:
    """Write the list, sorted by hash; nothing when nothing was withdrawn."""
    rows = [{"key_sha256": key, "reason": withdrawn[key]} for key in sorted(withdrawn)]
    if rows:
        (folder / TOMBSTONES_NAME).write_bytes(canonical_json({"schema": SCHEMA, "withdrawn": rows}) + b"\n")


def is_withdrawn(key: str, tombstones: Iterable[str]) -> bool:
    """Whether a key is on the list."""
    return tombstone_of(key) in tombstones


def _read(path: Path) -> dict[str, str]:
    try:
        content = parse_json(read_plain(path))
        if content["schema"] != SCHEMA:
            raise CorruptDataError(f"{path} is of schema {content['schema']!r}", "use the release that wrote it")
        withdrawn = {row["key_sha256"]: row["reason"] for row in content["withdrawn"]}
        if not all(isinstance(text, str) for text in (*withdrawn, *withdrawn.values())):
            raise ValueError("hashes and reasons must be text")
        return withdrawn
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError(f"{path} is not a list of tombstones: {error}", "restore it from a copy") from error
