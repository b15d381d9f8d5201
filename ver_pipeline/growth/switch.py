"""Switch a data set to an edited form: new files beside the old, the manifest last.

Files that did not change are linked into the staging folder, so that the derived pages can be made there
from the whole edited set, and stay where they are in the published one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.engine.cache import write_atomically
from ver_pipeline.publishing.publish import PageWriter
from ver_pipeline.publishing.staged import Entry, data_set_id, entry_of
from ver_pipeline.schemas.manifest import MANIFEST_NAME, manifest_bytes, seal_manifest


def sealed(manifest: dict[str, Any], files: Sequence[Entry], counts: dict[str, int]) -> dict[str, Any]:
    """The manifest of the edited set: configuration and fingerprints stay, identity is computed anew."""
    ordered = sorted(files, key=lambda file: file["path"])
    return seal_manifest({**manifest, "files": ordered, "counts": counts, "dataset_id": data_set_id(ordered)})


def switch(
    out_dir: Path,
    staging: Path,
    before: dict[str, Any],
    shards: Sequence[Entry],
    counts: dict[str, int],
    pages: Sequence[PageWriter],
) -> dict[str, Any]:
    """Make the pages, move everything in, replace the manifest, remove what it no longer names.

    Args:
        staging: holds every file of the edited set (unchanged shards as links).
        before: the manifest that is replaced.
        shards: entries of all shards of the edited set.
    """
    names = {shard["path"] for shard in shards}

    def described() -> dict[str, Any]:
        found = (path for path in staging.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
        others = [entry_of(staging, path) for path in found if path.relative_to(staging).as_posix() not in names]
        return sealed(before, [*shards, *others], counts)

    manifest = described()
    for page in pages:
        write_atomically(staging / MANIFEST_NAME, manifest_bytes(manifest))
        page(staging)
        manifest = described()
    for file in manifest["files"]:
        target = out_dir / file["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or file["path"] not in names:
            os.replace(staging / file["path"], target)
    write_atomically(out_dir / MANIFEST_NAME, manifest_bytes(manifest))
    gone = {file["path"] for file in before["files"]} - {file["path"] for file in manifest["files"]}
    for name in gone:
        (out_dir / name).unlink(missing_ok=True)
    shutil.rmtree(staging, ignore_errors=True)
    return manifest
