"""The names that the files of a data set bear, and what can be told by them.

A published file carries a hash of its content in its name, so that a new version never changes a file that a
reader of the old one has open.  The pages that people look for have a copy without a hash beside the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.schemas import untrusted
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.shards.manifest import MANIFEST_NAME

NAME_HASH_CHARS = 8
STEM_CHARS = 6

PAGES = {"README.md": "card", "report.html": "report", "expectations.json": "expectations",
         "tombstones.json": "tombstones"}  # fmt: skip
"""Kind in the manifest of each page, by the name that its copy bears."""
PAGES_FOLDER = "pages"

_HASH = f"[0-9a-f]{{{NAME_HASH_CHARS}}}"
_PAGE = re.compile(rf"{PAGES_FOLDER}/([^/]+)-{_HASH}(\.[^/.]+)")
_PUBLISHED = re.compile(
    rf"[a-z]+-[0-9a-f]{{{STEM_CHARS}}}-{_HASH}\.tar|index-{_HASH}\.parquet|catalog/[a-z_]+-{_HASH}\.parquet|{_PAGE.pattern}"
)
PART = ".part"
"""Ends the name of what a push is writing, where a half-written file can be seen."""
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8}|writing|part|tmp)")
"""What is being written: by ``write_atomically``, by the writers of tars, by fetching, by the loader's index."""


def is_published(name: str) -> bool:
    """Whether a file of this name (relative, with ``/``) can only be one that we published."""
    return _PUBLISHED.fullmatch(name) is not None


def is_temporary(path: Path) -> bool:
    """Whether a file is one that a killed process was still writing."""
    return _TEMPORARY.fullmatch(path.name) is not None


def is_half_pushed(name: str) -> bool:
    """Whether a file of this name is what a killed push was writing."""
    whole = name.removesuffix(PART)
    return whole != name and (is_published(whole) or whole in (*PAGES, MANIFEST_NAME))


def plain_name(name: str) -> str | None:
    """``README.md`` for ``pages/README-1a2b3c4d.md``; None for what has no copy without a hash."""
    page = _PAGE.fullmatch(name)
    plain = "".join(page.groups()) if page else ""
    return plain if plain in PAGES else None


def names_of(manifest: Mapping[str, Any]) -> set[str]:
    """Every file that the data set of this manifest has: what it lists, and the copies of its pages."""
    listed = {file["path"] for file in manifest["files"]}
    return listed | {plain for name in listed if (plain := plain_name(name)) is not None}


def inside(folder: Path, name: str) -> Path:
    """The path of a data set's file.

    Raises:
        CorruptDataError: the name leads out of the folder, or is the manifest's or the work folder's own.
    """
    parts = name.split("/") if isinstance(name, str) else [name]
    if parts[0] in (".ver", MANIFEST_NAME):
        raise CorruptDataError(f"{folder} names {name!r}, which is no file of a data set", "do not use this data set")
    return untrusted.inside(folder, *parts)


def shard_stem(split: str, first_key: str) -> str:
    """A shard's name before the hash of its bytes: its split and where in the order of keys it begins.  No number:
    a number would change with every shard before it."""
    return f"{split}-{first_key[:STEM_CHARS]}"
