"""Where a finished data set is brought to: a folder of a mounted filesystem, or an object store.

Either shows a file under its name only when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from ver_pipeline.shards.files import sync
from ver_pipeline.shards.names import PART


class Store(Protocol):
    """Files by their names in the data set (relative, with ``/``).  Everything may raise ``OSError``."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Size in bytes of every file that lies directly in ``folder`` ("" is the data set's own), by name."""
        ...

    def read(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file."""
        ...

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Write a file; it is there, and lasts, when the block ends without an error, and only then."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file."""
        ...


def open_store(address: str) -> Store:
    """The store at an address as Arrow opens it (``s3://bucket/set``, ``gs://``, ``abfs://``, ``file://``).

    Raises:
        OSError, ValueError: there is no such kind of store, or it refuses.
    """
    from pyarrow import fs

    system, root = fs.FileSystem.from_uri(address)
    return Folder(Path(root)) if system.type_name == "local" else ObjectStore(system, root)


class Folder:
    """A folder.  Files are written aside, synced and renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def sizes(self, folder: str) -> dict[str, int]:
        """See :class:`Store`."""
        try:
            files = [entry for entry in os.scandir(self._root / folder) if entry.is_file()]
        except FileNotFoundError:
            return {}
        return {_name(folder, entry.name): entry.stat().st_size for entry in files}

    def read(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """See :class:`Store`."""
        return open(self._root / name, "rb")

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """See :class:`Store`."""
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + PART)
        try:
            with open(part, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        os.replace(part, target)
        sync(target.parent)
        sync(self._root)

    def remove(self, name: str) -> None:
        """See :class:`Store`."""
        os.unlink(self._root / name)


class ObjectStore:
    """Any other filesystem of Arrow.  HDFS alone shows half a file, so there it is written aside."""

    def __init__(self, system: Any, root: str) -> None:
        self._system, self._root = system, root.rstrip("/")
        self._aside = PART if system.type_name == "hdfs" else ""

    def sizes(self, folder: str) -> dict[str, int]:
        """See :class:`Store`."""
        from pyarrow import fs

        where = fs.FileSelector(f"{self._root}/{folder}".rstrip("/"), allow_not_found=True)
        files = [info for info in self._system.get_file_info(where) if info.type == fs.FileType.File]
        return {_name(folder, info.base_name): info.size for info in files}

    def read(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """See :class:`Store`."""
        opened: AbstractContextManager[IO[bytes]] = self._system.open_input_stream(f"{self._root}/{name}")
        return opened

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """See :class:`Store`."""
        target = f"{self._root}/{name}"
        if self._aside:
            self._system.create_dir(os.path.dirname(target), recursive=True)
        try:
            with self._system.open_output_stream(target + self._aside) as stream:
                yield stream
        except BaseException:
            self._system.delete_file(target + self._aside)  # a stream that is closed has made its object
            raise
        if self._aside:
            self._system.move(target + self._aside, target)

    def remove(self, name: str) -> None:
        """See :class:`Store`."""
        self._system.delete_file(f"{self._root}/{name}")


def _name(folder: str, base: str) -> str:
    return f"{folder}/{base}" if folder else base
