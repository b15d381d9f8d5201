"""The work folder of a data set, ``OUT/.ver``: what builds and changes keep from run to run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ver_pipeline.schemas.errors import CorruptDataError


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The build's own folder inside OUT: cache, media, records, fetched sources, staging."""

    root: Path

    @property
    def media(self) -> Path:
        """Finished media of clips and posters, named by the hash of their content."""
        return self.root / "media"

    @property
    def records(self) -> Path:
        """Finished records, one JSON file each."""
        return self.root / "records"

    @property
    def staging(self) -> Path:
        """The next version of the data set while it is written; absent otherwise."""
        return self.root / "staging"

    @property
    def merging(self) -> Path:
        """Records and media of the sets that are being merged, laid out for the publisher; absent otherwise."""
        return self.root / "merge"

    @property
    def merge_note(self) -> Path:
        """Which merge OUT is made by, until it is finished: the same command may begin it anew."""
        return self.root / "merge.json"

    @property
    def annotating(self) -> Path:
        """Records and media of a standing set while it is annotated again; absent otherwise."""
        return self.root / "annotate-media"

    @property
    def sources(self) -> Path:
        """Sources fetched from object stores."""
        return self.root / "sources"

    def relative(self, path: str) -> str:
        """A path below this folder as it is stored: it stays right when OUT is moved."""
        return os.path.relpath(path, self.root)

    def absolute(self, path: str) -> str:
        """Where the path that ``relative`` gave lies now."""
        return str(self.root / path)

    def refuse_links(self) -> None:
        """What is written or removed below this folder is below it: nothing in it leads elsewhere, or never ends.

        A data set of others may bring a work folder along.

        Raises:
            CorruptDataError: the folder or anything in it is a link, a pipe, a socket or a device; names it.
        """
        for path, mode in _modes(self.root):
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                cure = "remove it: a work folder holds plain files and folders"
                raise CorruptDataError(f"{path} is a link, a pipe, a socket or a device", cure)


def _modes(path: Path) -> Iterator[tuple[str, int]]:
    """Kind of a file, or of a folder and all that lies in it; no link is followed."""
    try:
        yield str(path), path.lstat().st_mode
    except FileNotFoundError:
        return
    folders = [str(path)] if path.is_dir() else []
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    yield entry.path, entry.stat(follow_symlinks=False).st_mode
