"""Switch a data set to an edited form: new files beside the old, the manifest last.

Files that did not change are linked into the staging folder, so that the derived pages can be made there
from the whole edited set, and stay where they are in the published one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ver_pipeline.engine.cache import write_atomically
from ver_pipeline.publishing.publish import NOT_CONTENT, PageWriter
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.manifest import MANIFEST_NAME, manifest_bytes, seal_manifest
from ver_pipeline.stages.shard import NAME_HASH_CHARS

WORK_NAME = ".ver"
KINDS = {
    "README.md": "card", "report.html": "report", "expectations.json": "expectations", "tombstones.json": "other",
}  # fmt: skip

Entry = dict[str, Any]


@contextmanager
def locked(out_dir: Path) -> Iterator[Path]:
    """Hold the data set's lock, the one that builds hold; gives its work folder.

    Raises:
        VerError: a build is writing to it.
    """
    work = out_dir / WORK_NAME
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VerError(f"a build is writing to {out_dir}", "wait for it, or stop it") from error
        yield work


def name_by_content(path: Path) -> Path:
    """Put the file's hash into its name, as all published tables carry it."""
    sha256, _ = hash_file(path)
    target = path.with_name(f"{path.stem}-{sha256[:NAME_HASH_CHARS]}{path.suffix}")
    path.replace(target)
    return target


def entry_of(staging: Path, path: Path, **more: Any) -> Entry:
    """The manifest's entry of a staged file."""
    name = path.relative_to(staging).as_posix()
    kind = (
        "catalog" if name.startswith("catalog/") else KINDS.get(name, "index" if name.startswith("index-") else "other")
    )
    sha256, size_bytes = hash_file(path)
    return {"path": name, "kind": kind, "sha256": sha256, "size_bytes": size_bytes, **more}


def link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the filesystem has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def sealed(manifest: dict[str, Any], files: Sequence[Entry], counts: dict[str, int]) -> dict[str, Any]:
    """The manifest of the edited set: configuration and fingerprints stay, identity is computed anew."""
    ordered = sorted(files, key=lambda file: file["path"])
    same = [
        (file["path"], file["sha256"])
        for file in ordered
        if file["path"] not in NOT_CONTENT and file["path"].rpartition("-")[0] not in NOT_CONTENT
    ]
    return seal_manifest({**manifest, "files": ordered, "counts": counts, "dataset_id": digest(same)})


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
