"""Where videos come from: a folder, a file, a glob, a list of paths (CSV, JSONL, Parquet) or an object store.

Listing only looks at names and sizes; what a file holds is the ingest stage's business.
"""

from __future__ import annotations

import csv
import glob
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.sources.remote import RemoteFile, as_row, fetch, is_remote, list_remote

SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ass")
SIDECAR_SUFFIXES = (".json", *SUBTITLE_SUFFIXES)
SIDECAR_FIELDS = frozenset(
    {"path", "uri", "license", "rights_basis", "consent", "group_id", "group", "language", "title", "collection"}
)
"""What a sidecar, or a row of a manifest, may say of a video."""
LIST_SUFFIXES = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A file to ingest: ``uri`` is its name in the data set (relative, with ``/``), ``path`` where it is.

    ``entry`` is its row of the manifest, empty without one.  ``remote`` tells where to fetch it from first.
    """

    uri: str
    path: str
    entry: dict[str, Any]
    remote: dict[str, Any] | None = None


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

    Sidecars of a video in the same folder, the manifest itself and hidden files are not sources.  A
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
    sidecars = _sidecars({path for _, path in pairs})
    for pair in remote:
        if pair[1] in sidecars:
            _fetch_sidecar(source, remote[pair], Path(pair[1]))
    refs = [
        SourceRef(uri, path, entries.get(uri, {}), as_row(source, remote[uri, path]) if remote else None)
        for uri, path in pairs
        if os.path.realpath(path) != manifest_path and path not in sidecars
    ]
    unknown = sorted(set(entries) - {ref.uri for ref in refs})
    if unknown:
        raise UsageError(
            f"the manifest {manifest} names {len(unknown)} file(s) that are not under {source}, first: {unknown[0]}",
            "paths in a manifest are relative to --source",
        )
    return refs


def _remote_files(source: str, mirror: Path | None) -> dict[tuple[str, str], RemoteFile]:
    """Remote files by (uri, where they will be)."""
    if mirror is None:
        raise UsageError(f"{source.partition('://')[0]}:// videos cannot be read here", "give a local --source")
    return {(file.uri, str(mirror / file.uri)): file for file in list_remote(source)}


def _fetch_sidecar(source: str, file: RemoteFile, to: Path) -> None:
    try:
        fetch(source, file, to)
    except OSError as error:
        raise UsageError(f"cannot fetch the sidecar {file.uri}: {error}", "run the same command again") from error


def _files(source: str, follow_links: bool, out: Path | None) -> Iterator[tuple[str, str]]:
    path = Path(source)
    if path.is_dir():
        yield from _walk(path, follow_links, out)
    elif path.is_file() and path.suffix.lower() in LIST_SUFFIXES:
        for row in _rows(path):
            name = _path_of(row, path)
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


def _sidecars(paths: set[str]) -> set[str]:
    """Those of ``paths`` that lie beside a video of the same name."""
    suffixes: dict[str, set[str]] = {}
    for path in paths:
        stem, suffix = os.path.splitext(path)
        suffixes.setdefault(stem, set()).add(suffix.lower())
    accompanied = {stem for stem, found in suffixes.items() if found - set(SIDECAR_SUFFIXES)}
    return {
        path
        for path in paths
        if os.path.splitext(path)[0] in accompanied and os.path.splitext(path)[1].lower() in SIDECAR_SUFFIXES
    }


def read_manifest(path: str) -> dict[str, dict[str, Any]]:
    """Rows of a manifest (CSV, JSONL or Parquet) by their ``path`` column.

    Raises:
        UsageError: when it cannot be read or has no ``path`` column.
    """
    return {_path_of(row, Path(path)): row for row in _rows(Path(path))}


def _path_of(row: dict[str, Any], path: Path) -> str:
    name = row.get("path") or row.get("uri")
    if not isinstance(name, str) or not name:
        raise UsageError(f"a row of {path} has no 'path'", "every row names a file, relative to --source")
    return name


def _rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a list without the cells that hold nothing; what JSON cannot hold (a date) as text."""
    try:
        rows = _read(path)
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(
            f"the list {path} cannot be read: {error}", "CSV, JSONL or Parquet with a 'path' column"
        ) from (error)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or None in row:
            raise UsageError(f"row {number} of the list {path} does not fit its columns", "mend that row")
    if unknown := sorted({name for row in rows for name in row} - SIDECAR_FIELDS):
        cure = f"known are {', '.join(sorted(SIDECAR_FIELDS))}"
        raise UsageError(f"the list {path} has the unknown column {unknown[0]!r}", cure)
    filled = [{k: v for k, v in row.items() if v not in ("", None) and v == v} for row in rows]  # NaN is not itself
    return [json.loads(json.dumps(row, default=str)) for row in filled]


def _read(path: Path) -> list[Any]:
    if path.suffix.lower() == ".csv":
        with open(path, newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    if path.suffix.lower() == ".jsonl":
        return [parse_json(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    import pyarrow.parquet

    return list(pyarrow.parquet.read_table(path).to_pylist())
