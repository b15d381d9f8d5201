"""Bring a finished data set to an object store, so that its readers never see half of it.

Shards and tables carry a hash of their content in their names, so new ones stand beside those of the version
that is being read; the manifest goes last; what only the old version named is removed after it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.errors import CorruptDataError, VerError
from ver_pipeline.schemas.manifest import MANIFEST_NAME, load_manifest

CHUNK_BYTES = 8 << 20
WORKERS = 4
NAMED_BY_CONTENT = frozenset({"shard", "index", "catalog"})


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: files sent and their size, files that were there already, files removed."""

    n_sent: int
    sent_bytes: int
    n_kept: int
    n_removed: int


def push(out_dir: Path, address: str) -> Pushed:
    """Make ``address`` hold what ``out_dir`` publishes.

    Args:
        address: a folder as Arrow opens it: ``s3://bucket/set``, ``gs://``, ``abfs://``, ``file://``.

    Raises:
        CorruptDataError: a local file is not what the manifest says; the old version stays readable.
        VerError: the store refuses.
    """
    from pyarrow import fs

    manifest = load_manifest(out_dir)
    try:
        store, root = fs.FileSystem.from_uri(address)
        there = _listed(store, root)
        todo = [file for file in manifest["files"] if there.get(file["path"]) != file["sha256"]]
        # Pages keep their names, so they overwrite those of the version there: only when all else is sent.
        pages = [file for file in todo if file["kind"] not in NAMED_BY_CONTENT]
        with ThreadPoolExecutor(WORKERS) as pool:
            for job in [pool.submit(_send, store, root, out_dir, file) for file in todo if file not in pages]:
                job.result()
        for file in pages:
            _send(store, root, out_dir, file)
        _put(store, f"{root}/{MANIFEST_NAME}", out_dir / MANIFEST_NAME)
        gone = set(there) - {file["path"] for file in manifest["files"]}
        for name in sorted(gone):
            store.delete_file(f"{root}/{name}")
    except (OSError, ValueError) as error:
        cure = "check the address, its credentials and the network, and run the same command again"
        raise VerError(f"cannot push {out_dir}: {error}", cure) from error
    return Pushed(len(todo), sum(f["size_bytes"] for f in todo), len(manifest["files"]) - len(todo), len(gone))


def _listed(store: Any, root: str) -> dict[str, str]:
    """sha256 by path of the files that the version at the other end names and that are there in full size."""
    from pyarrow import fs

    if store.get_file_info(f"{root}/{MANIFEST_NAME}").type != fs.FileType.File:
        return {}
    with store.open_input_stream(f"{root}/{MANIFEST_NAME}") as stream:
        files = json.loads(stream.read())["files"]
    infos = store.get_file_info([f"{root}/{file['path']}" for file in files])
    whole = zip(files, infos, strict=True)
    return {file["path"]: file["sha256"] for file, info in whole if info.size == file["size_bytes"]}


def _send(store: Any, root: str, out_dir: Path, file: Mapping[str, Any]) -> None:
    sha256 = _put(store, f"{root}/{file['path']}", out_dir / file["path"])
    if sha256 != file["sha256"]:
        raise CorruptDataError(f"{file['path']} is not what the manifest says", f"run: ver lint {out_dir}")


def _put(store: Any, to: str, path: Path) -> str:
    """Copy one file; returns the sha256 of what was sent.  Stores show an object only when it is whole; a plain
    filesystem is made to."""
    plain = store.type_name in ("local", "hdfs")
    if plain:
        store.create_dir(os.path.dirname(to), recursive=True)
    target = f"{to}.part" if plain else to
    seen = hashlib.sha256()
    with open(path, "rb") as file, store.open_output_stream(target) as out:
        while chunk := file.read(CHUNK_BYTES):
            seen.update(chunk)
            out.write(chunk)
    if plain:
        store.move(target, to)
    return seen.hexdigest()
