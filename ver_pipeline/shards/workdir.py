"""The work folder of a data set, ``OUT/.ver``: what builds and changes keep from run to run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The build's own folder inside OUT: cache, media, records, fetched sources, staging."""

    root: Path

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def records(self) -> Path:
        return self.root / "records"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def merging(self) -> Path:
        return self.root / "merge"

    @property
    def merge_note(self) -> Path:
        return self.root / "merge.json"

    @property
    def annotating(self) -> Path:
        return self.root / "annotate-media"

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    def relative(self, path: str) -> str:
        """A path below this folder as it is stored: it stays right when OUT is moved."""
        return os.path.relpath(path, self.root)

    def absolute(self, path: str) -> str:
        return str(self.root / path)
