"""The one place where a data set on disk becomes another, and where one that was killed at it is put right.

New files come in beside the old ones, under names by content; the manifest is replaced in one rename; what it no
longer names goes, and the pages' plain-named copies are made anew.  What comes and what goes is written down
first, so that whoever writes next removes what neither side of the rename names.  At every moment readers of the
manifest find the old data set whole or the new one.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.untrusted import read_plain
from ver_pipeline.shards.files import sync, write_atomically
from ver_pipeline.shards.journals import switch_journal
from ver_pipeline.shards.manifest import MANIFEST_NAME, load_manifest, manifest_bytes
from ver_pipeline.shards.names import inside, is_temporary, names_of, plain_name
from ver_pipeline.shards.staged import Manifest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Journal:
    """Names that a switch brings in beside what is there, and names that it takes away."""

    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()


def switch(out_dir: Path, staging: Path, manifest: Manifest) -> None:
    """Replace the data set in ``out_dir`` by the staged one.  Call it under the lock.

    Args:
        staging: a folder on the same filesystem that holds every file of ``manifest``; gone afterwards.
    """
    journal = switch_journal(out_dir)
    left = _read(journal)
    before, after = _listed(out_dir), names_of(manifest)
    adds = {name for name in after - before if not inside(out_dir, name).exists()}
    removes = (before | {*left.adds, *left.removes}) - after
    for name in removes:
        inside(out_dir, name)  # a foreign manifest is refused before anything is changed
    fresh = [file["path"] for file in manifest["files"] if not _is_link(staging / file["path"], out_dir / file["path"])]
    for name in fresh:
        sync(staging / name)
    entry = _Journal(tuple(sorted(adds)), tuple(sorted(removes)))
    write_atomically(journal, canonical_json(asdict(entry)))
    sync(out_dir)
    _move_in(staging, out_dir, fresh)
    write_atomically(out_dir / MANIFEST_NAME, manifest_bytes(manifest))
    _settle(out_dir, manifest, removes)
    shutil.rmtree(staging, ignore_errors=True)
    journal.unlink()


def recover(out_dir: Path) -> None:
    """Bring ``out_dir`` to what its manifest says, whatever killed a switch.  Call it under the lock.

    Where a manifest stands that cannot be believed nothing is removed: the next switch does that.
    """
    for path in out_dir.glob(".*"):
        if is_temporary(path) and path.is_file():
            path.unlink()
    journal = switch_journal(out_dir)
    left = _read(journal)
    try:
        manifest = load_manifest(out_dir)
    except CorruptDataError as error:
        if (out_dir / MANIFEST_NAME).exists() or left.removes:
            log.warning("%s", error)
            return
        manifest = {"files": []}
    _settle(out_dir, manifest, {*left.adds, *left.removes} - names_of(manifest))
    journal.unlink(missing_ok=True)


def stale_copies(out_dir: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Pages whose plain-named copy is missing or another than the manifest lists: plain name -> listed name."""
    pages = {plain: file for file in manifest["files"] if (plain := plain_name(file["path"])) is not None}
    return {plain: file["path"] for plain, file in pages.items() if _sha256(out_dir / plain) != file["sha256"]}


def _settle(out_dir: Path, manifest: Mapping[str, Any], gone: Iterable[str]) -> None:
    """What comes after the manifest: nothing that it does not name stays, and its pages have their copies."""
    for path in sorted(inside(out_dir, name) for name in gone):
        if path.is_symlink() or path.is_file():
            path.unlink()
    listed = {file["path"]: file["sha256"] for file in manifest["files"]}
    for plain, name in stale_copies(out_dir, manifest).items():
        page = inside(out_dir, name)
        if _sha256(page) == listed[name]:
            write_atomically(out_dir / plain, page.read_bytes())
        else:
            log.warning("%s is not what the manifest says; %s stays as it is (run: ver lint)", out_dir / name, plain)
    for folder in {out_dir, *(inside(out_dir, name).parent for name in gone)}:
        if folder.is_dir():
            sync(folder)


def _move_in(staging: Path, out_dir: Path, names: Sequence[str]) -> None:
    folders = {(out_dir / name).parent for name in names}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        os.replace(staging / name, out_dir / name)
    for folder in folders | {out_dir}:
        sync(folder)


def _is_link(staged: Path, standing: Path) -> bool:
    """Whether a staged file is the one that stands, and stays."""
    return standing.exists() and os.path.samefile(staged, standing)


def _listed(out_dir: Path) -> set[str]:
    """Names of the data set that stands now; none where its manifest cannot be believed."""
    if not (out_dir / MANIFEST_NAME).exists():
        return set()
    try:
        return names_of(load_manifest(out_dir))
    except CorruptDataError as error:
        log.warning("%s; it is replaced, and what it listed stays where it lies: ver lint names it", error)
        return set()


def _read(journal: Path) -> _Journal:
    """What a killed switch left; a journal that is not whole is as good as none."""
    try:
        entry = parse_json(read_plain(journal))
        pending = _Journal(tuple(entry["adds"]), tuple(entry["removes"]))
        for name in (*pending.adds, *pending.removes):
            inside(journal.parents[1], name)
    except FileNotFoundError:
        return _Journal()
    except (ValueError, KeyError, TypeError, CorruptDataError) as error:
        log.warning("%s cannot be used: %s", journal, error)
        return _Journal()
    return pending


def _sha256(path: Path) -> str | None:
    return hash_file(path)[0] if path.is_file() else None
