"""sha256 of a file's bytes: what names content everywhere in the project."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_file(path: Path | str) -> str:
    """64 hex digits, read in one pass with bounded memory.

    Raises:
        OSError: the file cannot be read.
    """
    return hash_file(path)[0]


def hash_file(path: Path | str) -> tuple[str, int]:
    """The same with the number of bytes that were read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
