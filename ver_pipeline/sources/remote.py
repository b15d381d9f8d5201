"""Videos on an object store: listed there, fetched one by one when their turn comes, kept under their own names.

Addresses are those that Arrow opens: ``s3://bucket/raw``, ``gs://``, ``abfs://``, ``hdfs://``, ``file://``, with
options as it takes them (``?region=eu-west-1&endpoint_override=...``).  Keys come from the environment.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ver_pipeline.schemas.address import shown, told
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import UsageError

CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One object: its name below the address that was listed, its path in the store, and what tells it changed."""

    uri: str
    path: str
    size_bytes: int
    mtime_ns: int


def is_remote(source: str) -> bool:
    """Whether ``source`` is an address rather than a path."""
    return "://" in source


def list_remote(source: str) -> list[RemoteFile]:
    """Every object at or below an address, hidden ones left out.

    Raises:
        UsageError: nothing is there, the store does not answer, or a name would lead out of its folder.
    """
    from pyarrow import fs

    try:
        store, root = fs.FileSystem.from_uri(source)
        here = store.get_file_info(root)
        below = [here] if here.type == fs.FileType.File else store.get_file_info(fs.FileSelector(root, recursive=True))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot list {shown(source)}: {told(error, source)}", "check the address and its credentials"
        ) from error
    base = str(PurePosixPath(root).parent) if here.type == fs.FileType.File else root
    files = []
    for info in below:
        uri = info.path[len(base) :].lstrip("/")
        parts = PurePosixPath(uri).parts
        if info.type != fs.FileType.File or any(part.startswith(".") and part != ".." for part in parts):
            continue
        if ".." in parts:
            raise UsageError(f"the object {uri!r} has a name that leads out of its folder", "rename it")
        files.append(RemoteFile(uri, info.path, info.size, info.mtime_ns or 0))
    return files


def fetch(source: str, file: RemoteFile, to: Path) -> None:
    """Have ``file`` at ``to``; does nothing where it is there already, unchanged.

    Args:
        source: the address that was listed.

    Raises:
        OSError: the store or the disk fails; nothing half-written is left under ``to``.
    """
    from pyarrow import fs

    if _is_current(file, to):
        return
    store, _ = fs.FileSystem.from_uri(source)
    to.parent.mkdir(parents=True, exist_ok=True)
    temporary = to.with_name(f".{digest(to.name)[:16]}.{os.getpid()}.part")  # a name may be as long as names may be
    try:
        with store.open_input_stream(file.path) as stream, open(temporary, "wb") as out:
            while chunk := stream.read(CHUNK_BYTES):
                out.write(chunk)
        if temporary.stat().st_size != file.size_bytes:
            raise OSError(f"{file.uri}: {temporary.stat().st_size} bytes came instead of {file.size_bytes}")
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
        os.replace(temporary, to)
    finally:
        temporary.unlink(missing_ok=True)


def as_row(source: str, file: RemoteFile) -> dict[str, Any]:
    """What a row of a build carries of a remote file."""
    return {"source": source, **asdict(file)}


def from_row(row: dict[str, Any]) -> tuple[str, RemoteFile]:
    """The address and the file back from ``as_row``."""
    return row["source"], RemoteFile(row["uri"], row["path"], row["size_bytes"], row["mtime_ns"])


def _is_current(file: RemoteFile, path: Path) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (file.size_bytes, file.mtime_ns)
