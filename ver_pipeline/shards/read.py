"""Random access to the members of a data set's tars."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from ver_pipeline.schemas.errors import CorruptDataError

OPEN_SHARDS = 64
EXTENSION_LIMIT_BYTES = 1 << 20
_EXTENDED = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
EXTENSIONS = ("json", "mp4", "jpg")
"""What a sample may consist of in our shards."""

Offsets = dict[str, tuple[int, int]]
"""By extension, where a member's data begins in the tar and how long it is, in bytes."""


class ShardReader:
    """Members of the tars in a folder by offset; keeps the last :data:`OPEN_SHARDS` tars open.

    One ``pread`` a member, so forked processes may share it.  It is pickled closed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, int] = {}

    def __enter__(self) -> ShardReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def read(self, shard: str, offset: int, size_bytes: int) -> bytes:
        """Exactly ``size_bytes`` bytes of a tar.

        Raises:
            CorruptDataError: the tar ends before, or cannot be read.
        """
        try:
            handle = self._handle(shard)
            whole = offset + size_bytes <= os.fstat(handle).st_size  # a false size must not ask for all memory
            data = os.pread(handle, size_bytes, offset) if whole else b""
        except OSError as error:
            raise CorruptDataError(f"cannot read {shard}: {error}", "run: ver lint") from error
        if len(data) != size_bytes:
            raise CorruptDataError(f"{shard} ends inside a member", "run: ver lint")
        return data

    def member(self, row: dict[str, Any], extension: str) -> bytes | None:
        """The member of an index row's sample; None where it has none of this extension."""
        offset, size_bytes = row[f"{extension}_offset"], row[f"{extension}_size"]
        return None if offset is None or size_bytes is None else self.read(row["shard"], offset, size_bytes)

    def members(self, row: dict[str, Any]) -> dict[str, bytes]:
        """Extension to bytes of all members of an index row."""
        members = {extension: self.member(row, extension) for extension in sorted(EXTENSIONS)}
        return {extension: data for extension, data in members.items() if data is not None}

    def close(self) -> None:
        """Close every tar."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _handle(self, shard: str) -> int:
        handle = self._open.pop(shard, None)
        if handle is None:
            handle = os.open(self.folder / shard, os.O_RDONLY | os.O_CLOEXEC)
            if len(self._open) >= OPEN_SHARDS:
                os.close(self._open.pop(next(iter(self._open))))
        self._open[shard] = handle
        return handle

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "_open": {}}


class _BoundedInfo(tarfile.TarInfo):
    """A header whose extensions (long names, pax fields) are not read into memory whatever size they claim."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENDED and not 0 <= self.size <= EXTENSION_LIMIT_BYTES:
            raise tarfile.ReadError(f"an extended header of {self.size} bytes")
        return super()._proc_member(tar)  # type: ignore[misc]  # the hook that the library offers to subclasses


def tar_headers(path: Path) -> Iterator[tarfile.TarInfo]:
    """The members of an uncompressed tar that may be anybody's, headers only.

    Raises:
        tarfile.TarError: it is no whole tar (tarfile.ReadError); also where a size is below zero, on which tarfile
            goes back for ever, where an extended header is huge, and where such headers follow each other without end.
    """
    if not path.is_file():
        raise tarfile.ReadError("it is no plain file")
    try:
        with tarfile.open(path, "r:", tarinfo=_BoundedInfo) as tar:
            for info in tar:
                if info.size < 0:
                    raise tarfile.ReadError(f"{info.name!r} has a size below zero")
                yield info
    except RecursionError as error:
        raise tarfile.ReadError("extended headers follow each other without end") from error
    except (ValueError, OverflowError, EOFError) as error:
        raise tarfile.ReadError(f"a header is damaged: {error}") from error


def read_offsets(path: Path) -> dict[str, Offsets]:
    """Where each member's data lies in a tar, by key, in file order.

    Raises:
        CorruptDataError: it is no whole tar.
    """
    offsets: dict[str, Offsets] = {}
    try:
        for member in tar_headers(path):
            key, _, extension = member.name.partition(".")
            offsets.setdefault(key, {})[extension] = (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise CorruptDataError(f"{path} is no whole tar: {error}", "run: ver lint") from error
    return offsets


def flat_offsets(offsets: Offsets) -> dict[str, int | None]:
    """A sample's offsets as the columns of the index: ``json_offset``, ``json_size``, ..."""
    columns: dict[str, int | None] = {}
    for extension in EXTENSIONS:
        columns[f"{extension}_offset"], columns[f"{extension}_size"] = offsets.get(extension, (None, None))
    return columns
