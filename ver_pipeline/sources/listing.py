"""Where videos come from: a folder, a file, a glob, a list of paths (CSV, JSONL, Parquet) or an object store.

Listing only looks at names and sizes; what a file holds is the ingest stage's business.
"""

from __future__ import annotations

import glob
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.address import shown
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.rules.characters import SPECIAL_TOKEN, unclean
from ver_pipeline.sources.beside import Beside, Folder, in_folder
from ver_pipeline.sources.lists import LIST_SUFFIXES, RIGHTS_FIELDS, path_of, read_manifest, rows_of
from ver_pipeline.sources.remote import RemoteFile, as_row, fetch, is_remote, list_remote

__all__ = ["SourceRef", "list_sources", "read_manifest"]

MAX_RIGHTS_BYTES = 1 << 20
_RIGHTS = re.compile(rb"licen[cs]e|rights|consent|copyright|spdx", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A file to ingest: ``uri`` is its name in the data set (relative, with ``/``, in NFC), ``path`` where it is.

    ``entry`` is its row of the manifest, empty without one.  ``remote`` tells where to fetch it from first.  ``beside``
    are the files that belong to it.  ``refused`` is why it is rejected before any work is spent on it.
    """

    uri: str
    path: str
    entry: dict[str, Any]
    remote: dict[str, Any] | None = None
    beside: Beside = field(default_factory=Beside)
    refused: tuple[Reason, str] | None = None


def list_sources(
    source: str,
    manifest: str | None = None,
    follow_links: bool = True,
    mirror: Path | None = None,
    out: Path | None = None,
) -> list[SourceRef]:
    """All files under ``source``, sorted by uri.

    Args:
        mirror: the folder that remote videos are fetched to.
        out: the data set; what lies in there is none of the videos, even where it lies among them.

    Sidecars and subtitles of a video (``sources/beside.py``), the manifest itself and hidden files are not sources.  A
    loop of symbolic links is walked once.

    Raises:
        UsageError: when nothing is there, or ``out`` is ``source`` itself.
    """
    if out is not None and os.path.realpath(out) == os.path.realpath(source):
        raise UsageError(f"{out} is the folder of the videos itself", "choose another --out, inside it if you like")
    entries = read_manifest(manifest) if manifest else {}
    if Path(source).is_file() and Path(source).suffix.lower() in LIST_SUFFIXES:
        entries = {**read_manifest(source), **entries}
    remote = _remote_files(source, mirror) if is_remote(source) else {}
    pairs = sorted(remote) if is_remote(source) else sorted(_files(source, follow_links, out))
    manifest_path = os.path.realpath(manifest) if manifest else None
    pairs = [(uri, path) for uri, path in pairs if not manifest_path or os.path.realpath(path) != manifest_path]
    by_path = {path: file for (_, path), file in remote.items()}
    folders = _folders(pairs, source, by_path)
    refs, seen = [], set()
    for uri, path in pairs:
        folder, name = folders[os.path.dirname(path)], os.path.basename(path)
        if name in folder.taken:
            continue
        beside, listed_uri = folder.beside.get(name, Beside()), shown_uri(uri)
        entry = entries.get(listed_uri, {})
        refused = _refusal(listed_uri, beside, entry, folder.alone.get(name), listed_uri in seen)
        seen.add(listed_uri)
        listed_row = as_row(source, remote[uri, path]) if remote else None
        refs.append(SourceRef(listed_uri, path, entry, listed_row, beside, refused))
    for path in by_path:
        if os.path.basename(path) in folders[os.path.dirname(path)].taken:
            _fetch_beside(source, by_path[path], Path(path))
    if unknown := sorted(set(entries) - {ref.uri for ref in refs}):
        raise UsageError(
            f"the manifest {manifest} names {len(unknown)} file(s) that are not under {shown(source)}, "
            f"first: {unknown[0]}",
            "paths in a manifest are relative to --source",
        )
    return sorted(refs, key=lambda ref: ref.uri)


def _refusal(
    uri: str, beside: Beside, entry: dict[str, Any], alone: str | None, again: bool
) -> tuple[Reason, str] | None:
    if alone is not None:
        return Reason.NOT_MEDIA, alone
    if again:
        return Reason.UNREADABLE, "another name in its folder differs only in how its accents are composed; rename one"
    if not _is_utf8(uri):
        return None  # ``source_rows`` says it, with the name as it can be shown
    if (defect := unclean(uri)) or SPECIAL_TOKEN.search(uri):
        return Reason.UNREADABLE, f"its name {defect or 'holds a special token of a training conversation'}; rename it"
    if beside.refused:
        return Reason.BAD_SIDECAR, beside.refused
    if beside.unread and not RIGHTS_FIELDS & set(entry):
        return Reason.BAD_SIDECAR, beside.unread
    return None


def shown_uri(path: str) -> str:
    """A relative path as the data set names it: with ``/``, in Unicode NFC."""
    return unicodedata.normalize("NFC", path.replace(os.sep, "/"))


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _folders(pairs: list[tuple[str, str]], source: str, remote: dict[str, RemoteFile]) -> dict[str, Folder]:
    """What belongs to what, by folder.  On disk a whole folder counts, also where only some files are sources."""
    listed: dict[str, set[str]] = {}
    for _, path in pairs:
        listed.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    whole = bool(remote) or Path(source).is_dir()
    return {
        folder: in_folder(names if whole else names | _names_in(folder), _tells_rights(folder, source, remote))
        for folder, names in listed.items()
    }


def _names_in(folder: str) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if not name.startswith(".")}
    except OSError:
        return set()


def _tells_rights(folder: str, source: str, remote: dict[str, RemoteFile]) -> Callable[[str], bool]:
    """Whether a file of the folder speaks of rights, as JSON fields that a sidecar may have or in any text."""

    def tells(name: str) -> bool:
        path = Path(folder, name)
        try:
            if file := remote.get(str(path)):
                if file.size_bytes > MAX_RIGHTS_BYTES:
                    return False
                _fetch_beside(source, file, path)
            if not path.is_file() or path.stat().st_size > MAX_RIGHTS_BYTES:
                return False
            data = path.read_bytes()
        except OSError:
            return True  # what cannot be read is not absent
        try:
            value = parse_json(data) if name.lower().endswith(".json") else None
        except ValueError:
            value = None
        if isinstance(value, dict):
            return any(value.get(field) not in (None, "") for field in RIGHTS_FIELDS)
        return bool(_RIGHTS.search(data))

    return tells


def _remote_files(source: str, mirror: Path | None) -> dict[tuple[str, str], RemoteFile]:
    """Remote files by (uri, where they will be)."""
    if mirror is None:
        raise UsageError(f"{source.partition('://')[0]}:// videos cannot be read here", "give a local --source")
    return {(file.uri, str(mirror / file.uri)): file for file in list_remote(source)}


def _fetch_beside(source: str, file: RemoteFile, to: Path) -> None:
    try:
        fetch(source, file, to)
    except OSError as error:
        raise UsageError(f"cannot fetch the sidecar {file.uri}: {error}", "run the same command again") from error


def _files(source: str, follow_links: bool, out: Path | None) -> Iterator[tuple[str, str]]:
    path = Path(source)
    if path.is_dir():
        yield from _walk(path, follow_links, out)
    elif path.is_file() and path.suffix.lower() in LIST_SUFFIXES:
        for row in rows_of(path):
            name = path_of(row, path)
            yield name, os.path.abspath(path.parent / name)
    elif os.path.lexists(path):
        yield path.name, os.path.abspath(path)
    elif glob.has_magic(source):
        paths = [Path(name) for name in glob.iglob(source, recursive=True) if not Path(name).is_dir()]
        root = os.path.dirname(re.split(r"[*?[]", source, maxsplit=1)[0]) or "."
        for match in paths:
            yield os.path.relpath(match, root).replace(os.sep, "/"), os.path.abspath(match)
    else:
        raise UsageError(f"there is no such folder or file: {source}", "give --source a folder, file, glob or list")


def _walk(root: Path, follow_links: bool, out: Path | None) -> Iterator[tuple[str, str]]:
    """Files below ``root``, and the folders that may not be listed: ingest says why, and they become rejects."""
    seen = {os.path.realpath(out)} if out else set()
    closed: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=closed.append, followlinks=follow_links):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            full = os.path.join(folder, name)
            if not name.startswith(".") and not (os.path.islink(full) and _is_link_loop(full)):
                yield os.path.relpath(full, root).replace(os.sep, "/"), os.path.abspath(full)
    for error in closed:
        if error.filename == str(root):
            raise UsageError(f"{root} cannot be listed: {error.strerror}", "mend its rights or give another --source")
        yield os.path.relpath(error.filename, root).replace(os.sep, "/"), os.path.abspath(error.filename)


def _is_link_loop(path: str) -> bool:
    """Whether a link leads to a folder already walked or to itself (a dangling link stays a source)."""
    try:
        os.stat(path)
    except OSError as error:
        return "symbolic link" in str(error.strerror)
    return os.path.isdir(path)
