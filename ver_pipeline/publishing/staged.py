"""Files of a data set that is being made: their names, their manifest entries, the identity they add up to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.stages.shard import NAME_HASH_CHARS

NOT_CONTENT = frozenset({"catalog/runs", "report.html"})
"""Files that tell of the build as well as of the data (clock times): left out of the data set's identity."""

PAGES = {"README.md": "card", "report.html": "report", "expectations.json": "expectations"}

Entry = dict[str, Any]
"""What the manifest says of one file: path, kind, sha256, size_bytes; of a shard also split and n_samples."""


def name_by_content(path: Path) -> Path:
    """Put the file's hash into its name, as all published tables carry it; returns where it lies now."""
    sha256, _ = hash_file(path)
    target = path.with_name(f"{path.stem}-{sha256[:NAME_HASH_CHARS]}{path.suffix}")
    return path.replace(target)


def entry_of(staging: Path, path: Path) -> Entry:
    """The manifest's entry of a staged file that is no shard."""
    name = path.relative_to(staging).as_posix()
    kind = "catalog" if name.startswith("catalog/") else "index" if name.startswith("index-") else "other"
    sha256, size_bytes = hash_file(path)
    return {"path": name, "kind": PAGES.get(name, kind), "sha256": sha256, "size_bytes": size_bytes}


def data_set_id(files: Iterable[Mapping[str, Any]]) -> str:
    """The identity of the data set that these files (manifest entries, sorted by path) are."""
    return digest([(f["path"], f["sha256"]) for f in files if not _tells_of_the_run(f["path"])])


def link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the filesystem has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _tells_of_the_run(name: str) -> bool:
    return name in NOT_CONTENT or name.rpartition("-")[0] in NOT_CONTENT
