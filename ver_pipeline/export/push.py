"""Bring a finished data set to an object store, so that its readers never see half of it.

All that a manifest lists carries a hash of its content in its name, so new files stand beside those of the version
that is being read; the manifest goes last; then goes what it does not name, whoever brought it, and the pages'
plain-named copies are written.  A push that was killed is made good by the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.editing.settle import settle
from ver_pipeline.export.stores import Store, open_store
from ver_pipeline.schemas.address import told
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError, VerError
from ver_pipeline.shards.manifest import MANIFEST_NAME, load_manifest, manifest_bytes
from ver_pipeline.shards.names import PAGES_FOLDER, is_half_pushed, is_published, names_of, plain_name

CHUNK_BYTES = 8 << 20
WORKERS = 4
FOLDERS = ("", "catalog", PAGES_FOLDER)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: files of the manifest that were sent and their size, those that were there already, files
    removed."""

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
        VerError: the store refuses, or samples are to be withdrawn first and cannot be.
    """
    settle(out_dir, passes_on=True)
    manifest = load_manifest(out_dir)
    files = {file["path"]: file for file in manifest["files"]}
    try:
        store = open_store(address)
        sizes = _sizes(store)
        before = _manifest_there(store, sizes)
        whole = {file["path"]: file["sha256"] for file in before if sizes.get(file["path"]) == file["size_bytes"]}
        todo = [file for name, file in files.items() if whole.get(name) != file["sha256"]]
        with ThreadPoolExecutor(WORKERS) as pool:
            for job in [pool.submit(_send, store, out_dir, file, file["path"]) for file in todo]:
                job.result()
        with store.write(MANIFEST_NAME) as stream:
            stream.write(manifest_bytes(manifest))
        sizes = _sizes(store)
        gone = {name for name in sizes if _is_ours(name, before)} - names_of(manifest) - {MANIFEST_NAME}
        for name in sorted(gone):
            store.remove(name)
        for name, file in files.items():
            plain = plain_name(name)
            if plain is not None and not (plain in sizes and _sha256(store, plain) == file["sha256"]):
                _send(store, out_dir, file, plain)
    except (OSError, ValueError) as error:
        cure = "check the address, its credentials and the network, and run the same command again"
        raise VerError(f"cannot push {out_dir}: {told(error, address)}", cure) from error
    return Pushed(len(todo), sum(f["size_bytes"] for f in todo), len(files) - len(todo), len(gone))


def _sizes(store: Store) -> dict[str, int]:
    """Size in bytes of every file that lies where a data set's files lie."""
    return {name: size for folder in FOLDERS for name, size in store.sizes(folder).items()}


def _manifest_there(store: Store, sizes: Mapping[str, int]) -> list[dict[str, Any]]:
    """What the manifest at the other end lists; nothing where there is none that can be read."""
    if MANIFEST_NAME not in sizes:
        return []
    with store.read(MANIFEST_NAME) as stream:
        data = stream.read()
    try:
        return [
            {"path": str(file["path"]), "sha256": file["sha256"], "size_bytes": file["size_bytes"]}
            for file in parse_json(data)["files"]
        ]
    except (ValueError, KeyError, TypeError):
        return []  # everything is sent, and what was there is known by its name


def _is_ours(name: str, before: list[dict[str, Any]]) -> bool:
    """Whether a file at the other end was brought there by a push, whole or in part."""
    return is_published(name) or is_half_pushed(name) or name in names_of({"files": before})


def _send(store: Store, out_dir: Path, file: Mapping[str, Any], name: str) -> None:
    """Copy a file of the data set there, under ``name``."""
    seen = hashlib.sha256()
    with open(out_dir / file["path"], "rb") as source, store.write(name) as target:
        while chunk := source.read(CHUNK_BYTES):
            seen.update(chunk)
            target.write(chunk)
        if seen.hexdigest() != file["sha256"]:
            raise CorruptDataError(f"{file['path']} is not what the manifest says", f"run: ver lint {out_dir}")


def _sha256(store: Store, name: str) -> str:
    seen = hashlib.sha256()
    with store.read(name) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            seen.update(chunk)
    return seen.hexdigest()
