"""Shards that are published already and stay as they are: their bytes are linked, not written again.

A tar is a pure function of its samples' keys and bytes.  The published index holds the hashes of every record
and poster, and a record holds that of its video; so equal lists of them mean equal tars, without reading one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.shards.manifest import MANIFEST_NAME, load_manifest

COLUMNS = ("key", "shard", "json_sha256", "jpg_sha256")


def contents_digest(digests: Mapping[str, Mapping[str, str]]) -> str:
    """What a tar holds, in one hash.

    Args:
        digests: per key, in the tar's order, the sha256 of its record (``json``) and its poster (``jpg``), if any.
    """
    seen = hashlib.sha256()
    for key, own in digests.items():
        seen.update(_line(key, own.get("json"), own.get("jpg")))
    return seen.hexdigest()


def published_shards(out_dir: Path, untouched: frozenset[str], layout: str | None) -> dict[str, dict[str, Any]]:
    """Manifest entries of the shards that may stay, by :func:`contents_digest`.

    Args:
        untouched: files of ``out_dir`` that are as they were when they were published.
        layout: the fingerprint of how tars are laid out now; shards of another layout are not offered.
    """
    if MANIFEST_NAME not in untouched:
        return {}
    manifest = load_manifest(out_dir)
    files = {file["path"]: file for file in manifest["files"] if file["path"] in untouched}
    index = next((name for name, file in files.items() if file["kind"] == "index"), None)
    if index is None or manifest["fingerprints"].get("shard") != layout:
        return {}
    return {digest: files[name] for name, digest in _digests(out_dir / index).items() if name in files}


def _digests(index: Path) -> dict[str, str]:
    """What each tar of an index holds (its rows ascend by key, as members do)."""
    from ver_pipeline.schemas.bounded_parquet import read_bounded

    seen: dict[str, Any] = {}
    for batch in read_bounded(index, COLUMNS).to_batches(max_chunksize=65_536):
        for key, shard, json_sha256, jpg_sha256 in zip(*(batch[name].to_pylist() for name in COLUMNS), strict=True):
            seen.setdefault(shard, hashlib.sha256()).update(_line(key, json_sha256, jpg_sha256))
    return {shard: digest.hexdigest() for shard, digest in seen.items()}


def _line(key: str, json_sha256: str | None, jpg_sha256: str | None) -> bytes:
    return f"{key} {json_sha256} {jpg_sha256}\n".encode()
