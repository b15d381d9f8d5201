"""Files of a data set that is being made: their manifest entries, the pages, the identity they add up to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.shards.manifest import MANIFEST_NAME, manifest_bytes
from ver_pipeline.shards.names import NAME_HASH_CHARS, PAGES, PAGES_FOLDER, plain_name

NOT_CONTENT = frozenset({"catalog/runs", f"{PAGES_FOLDER}/report"})
"""Files that tell of the build as well as of the data (clock times): left out of the data set's identity."""

Entry = dict[str, Any]
"""What the manifest says of one file: path, kind, sha256, size_bytes; of a shard also split and n_samples."""

Manifest = dict[str, Any]

PageWriter = Callable[[Path], object]
"""Adds derived files (expectations, card, report) to a staged data set, under names without a hash."""


def with_pages(
    staging: Path, shards: Sequence[Entry], pages: Sequence[PageWriter], seal: Callable[[list[Entry]], Manifest]
) -> Manifest:
    """Make the pages of a staged data set, each from the set with the pages before it; returns its manifest.

    Args:
        staging: holds every file but the pages (and the list of what was withdrawn, which is one).
        shards: the manifest's entries of the shards.
        seal: makes the manifest of all entries, sorted by path.
    """
    _name_pages(staging, shards)
    manifest = seal(_entries(staging, shards))
    for page in pages:
        (staging / MANIFEST_NAME).write_bytes(manifest_bytes(manifest))
        page(staging)
        _name_pages(staging, shards)
        manifest = seal(_entries(staging, shards))
    return manifest


def name_by_content(path: Path, folder: Path | None = None) -> Path:
    """Put the file's hash into its name, as all published files carry it; returns where it lies now."""
    sha256, _ = hash_file(path)
    target = (folder or path.parent) / f"{path.stem}-{sha256[:NAME_HASH_CHARS]}{path.suffix}"
    target.parent.mkdir(exist_ok=True)
    return path.replace(target)


def data_set_id(files: Iterable[Mapping[str, Any]]) -> str:
    """The identity of the data set that these files (manifest entries, sorted by path) are."""
    return digest([(f["path"], f["sha256"]) for f in files if f["path"].rpartition("-")[0] not in NOT_CONTENT])


def link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the filesystem has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _name_pages(staging: Path, shards: Sequence[Entry]) -> None:
    """Bring what a page writer wrote under names by content; a page that it wrote again replaces the one before."""
    known = {shard["path"] for shard in shards} | {MANIFEST_NAME}
    for path in sorted(p for p in staging.iterdir() if p.is_file() and p.name not in known):
        if path.name.startswith("index-"):
            continue
        for earlier in (staging / PAGES_FOLDER).glob(f"{path.stem}-{'?' * NAME_HASH_CHARS}{path.suffix}"):
            earlier.unlink()
        name_by_content(path, staging / PAGES_FOLDER)


def _entries(staging: Path, shards: Sequence[Entry]) -> list[Entry]:
    """The manifest's entry of every staged file, sorted by path."""
    known = {shard["path"] for shard in shards} | {MANIFEST_NAME}
    names = (path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file())
    others = [_entry_of(staging, name) for name in names if name not in known]
    return sorted([*shards, *others], key=lambda entry: entry["path"])


def _entry_of(staging: Path, name: str) -> Entry:
    kind = "catalog" if name.startswith("catalog/") else "index" if name.startswith("index-") else "other"
    sha256, size_bytes = hash_file(staging / name)
    return {"path": name, "kind": PAGES.get(plain_name(name) or "", kind), "sha256": sha256, "size_bytes": size_bytes}
