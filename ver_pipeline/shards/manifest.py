"""The manifest of a published data set: its checksum, and how to read it.

Readers follow the manifest only.  The checksum makes the one file that no other file vouches for
vouch for itself: a flipped byte in ``manifest.json`` is found like one anywhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.untrusted import check_manifest, read_plain

MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA = "ver-manifest/1"
CHECKSUM = "self_sha256"


def add_checksum(manifest: dict[str, Any]) -> dict[str, Any]:
    """A copy with ``self_sha256``: the sha256 of the canonical JSON of everything else."""
    body = {name: value for name, value in manifest.items() if name != CHECKSUM}
    return {**body, CHECKSUM: digest(body)}


def checksum_matches(manifest: dict[str, Any]) -> bool:
    """Whether the manifest holds a checksum and the checksum fits the content."""
    return manifest.get(CHECKSUM) == add_checksum(manifest)[CHECKSUM]


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """The bytes of a sealed manifest file: canonical JSON on one line, then a newline."""
    return canonical_json(add_checksum(manifest)) + b"\n"


def load_manifest(out_dir: Path) -> dict[str, Any]:
    """Read and check the manifest of the data set in ``out_dir``.

    Raises:
        CorruptDataError: there is none, it is not JSON, of an unknown schema, its checksum does not match, or a field
            is not what it must be (``untrusted.py``): whoever tampers with a data set can compute the checksum anew.
    """
    path = out_dir / MANIFEST_NAME
    try:
        data = read_plain(path)
    except OSError as error:
        raise CorruptDataError(f"no manifest in {out_dir}: {error}", "give the folder that a build wrote") from error
    cure = "restore it from a copy, or build again into the same folder"
    try:
        manifest = parse_json(data)
    except ValueError as error:
        raise CorruptDataError(f"{path} is not JSON: {error}", cure) from error
    if not isinstance(manifest, dict) or manifest.get("schema") != MANIFEST_SCHEMA:
        raise CorruptDataError(f"{path} is not a {MANIFEST_SCHEMA}", "use the release that wrote it")
    if not checksum_matches(manifest) or data != manifest_bytes(manifest):
        raise CorruptDataError(f"{path} was changed after it was written: its checksum does not match", cure)
    return check_manifest(manifest, str(path))
