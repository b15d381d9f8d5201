"""What the model store knows: every asset, of which files it consists, and from which packages they come.

Read from ``assets.json``, where all pins are.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

from ver_pipeline.assets.packages import Package
from ver_pipeline.schemas.canonical import digest


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One member of one package."""

    package: Package
    member: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of an asset: what it must be, and from which pieces it is made."""

    path: str
    sha256: str
    size_bytes: int
    conversion: str
    pieces: tuple[ArchiveMember, ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """A model or a set of videos that the store can hold; a ``teacher`` is fetched only when it is asked for."""

    name: str
    kind: Literal["model", "footage", "teacher"]
    title: str
    licence: str
    needed_for: str
    hub: str | None
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        """Size on disk."""
        return sum(file.size_bytes for file in self.files)

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages it is made of, each once."""
        return tuple(dict.fromkeys(piece.package for file in self.files for piece in file.pieces))

    @property
    def download_bytes(self) -> int:
        """What a fetch from the registries transfers."""
        return sum(package.size_bytes for package in self.packages)

    @property
    def fingerprint(self) -> str:
        """Identity of its bytes: the digest of the pinned sha256 of its files."""
        return digest({file.path: file.sha256 for file in self.files})

    @property
    def folder(self) -> Path:
        """Where the store keeps it."""
        return home() / "models" / f"{self.name}-{self.fingerprint[:8]}"


def home() -> Path:
    """The store's root: ``VER_HOME``, else ``ver`` in the user's cache folder."""
    explicit = os.environ.get("VER_HOME")
    if explicit:
        return Path(explicit).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "ver"


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """Every asset the store knows, by name, from ``assets.json``."""
    data = json.loads(resources.files(__package__).joinpath("assets.json").read_text("utf-8"))
    fields = ("registry", "name", "version", "filename", "sha256", "size_bytes")
    packages = {key: Package(**{f: value[f] for f in fields}) for key, value in data["packages"].items()}
    by_name = {}
    for name, entry in data["assets"].items():
        files = tuple(
            File(
                **{key: file[key] for key in ("path", "sha256", "size_bytes", "conversion")},
                pieces=tuple(ArchiveMember(packages[p["package"]], p["member"]) for p in file["pieces"]),
            )
            for file in entry["files"]
        )
        texts = {key: entry[key] for key in ("kind", "title", "licence", "needed_for")}
        by_name[name] = Asset(name=name, **texts, hub=entry.get("hub"), files=files)
    return by_name
