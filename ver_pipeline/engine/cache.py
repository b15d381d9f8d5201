"""What is already done: one file per finished unit of work, found by the content that shaped it.

The key of a unit is a hash of the stage's name, version and fingerprint and of the very values it was
given.  Files are written under a temporary name, synced and renamed, so a killed build leaves whole
entries or none.  Folders may be deleted at any time; that costs only time.  An entry carries a hash of itself and
of the files that it names; what does not fit is as good as absent, whatever became of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from ver_pipeline.hardware.instruction_set import NATIVE, held
from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.schemas.untrusted import is_component
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import CHUNK, FILE, Row, Stage

PLACES = frozenset({"path", FILE})
"""Columns that say where a thing lies and not what it is: never part of a key."""


def stage_digest(stage: Stage) -> str:
    """The identity of a stage's behaviour: name, version, columns and fingerprint."""
    shape = {"name": stage.name, "version": stage.version, "reads": list(stage.reads), "writes": list(stage.writes)}
    return digest({**shape, "fingerprint": stage.fingerprint()})


def project(row: Mapping[str, Any], reads: tuple[str, ...]) -> Row:
    """Only the columns a stage declared; ``source.id`` picks one field of a column.  A chunk stays a chunk."""
    selected: Row = {CHUNK: row[CHUNK]} if CHUNK in row else {}
    for name in reads:
        column, _, field = name.partition(".")
        if field:
            selected.setdefault(column, {})[field] = row[column][field]
        else:
            selected[column] = row[column]
    return selected


def unit_key(stage_id: str, given: Row) -> str:
    """The cache key of one unit of work.  Work held to an instruction set is other work than work that is not."""
    level = {} if held() == NATIVE else {"instruction_set": held()}
    return digest({"stage": stage_id, "input": {k: v for k, v in given.items() if k not in PLACES}, **level})


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Entry:
    """One outcome as it is stored.  ``files`` are those that the rows name, relative to the work folder: size in bytes,
    time of change in ns, sha256."""

    rows: list[dict[str, Any]]
    reject: Reject | None
    files: dict[str, tuple[int, int, str]]


_ENTRY = TypeAdapter(Entry)
_HEAD, _TAIL = b'{"entry":', b',"sha256":"%s"}'


class Cache:
    """Outcomes of one stage on disk: rows, or a reject that a rerun could not change."""

    def __init__(self, work: WorkFolder, stage_name: str) -> None:
        self.work = work
        self.folder = work.root / "cache" / stage_name

    def get(self, key: str) -> list[Row] | Reject | None:
        """The stored outcome with absolute paths, or None when there is none that is whole."""
        try:
            entry = read_entry(self._path(key).read_bytes())
            if not all(self._is_whole(name, *told) for name, told in entry.files.items()):
                return None
        except (OSError, ValueError):
            return None
        if entry.reject is not None:
            return entry.reject
        return [self._map_paths(row, self.work.absolute) for row in entry.rows]

    def put(self, key: str, outcome: list[Row] | Reject) -> None:
        """Store an outcome; retryable rejects are not kept."""
        entry: dict[str, Any] = {"rows": [], "reject": None, "files": {}}
        if isinstance(outcome, Reject):
            if outcome.retryable:
                return
            row = outcome.to_row()
            del row["retryable"]
            entry["reject"] = row
        else:
            entry["rows"] = [self._map_paths(row, self.work.relative) for row in outcome]
            for row in entry["rows"]:
                for name in _paths(row):
                    entry["files"][row[name]] = _told(self.work.absolute(row[name]))
        write_atomically(self._path(key), entry_bytes(entry))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _is_whole(self, name: str, size_bytes: int, mtime_ns: int, sha256: str) -> bool:
        """The file is as it was.  It is read only where its time of change is another, as in a copy of OUT."""
        path = self.work.absolute(name)
        now = os.stat(path)
        if now.st_size != size_bytes:
            return False
        return now.st_mtime_ns == mtime_ns or hash_file(path)[0] == sha256

    @staticmethod
    def _map_paths(row: Row, change: Any) -> Row:
        return {**row, **{name: change(row[name]) for name in _paths(row)}}


def entry_bytes(entry: Mapping[str, Any]) -> bytes:
    """An entry with its own hash: JSON of the form ``{"entry": ..., "sha256": ...}``."""
    body = canonical_json(entry)
    return _HEAD + body + _TAIL % hashlib.sha256(body).hexdigest().encode()


def read_entry(data: bytes) -> Entry:
    """The inverse of :func:`entry_bytes`.

    Raises:
        ValueError: it is not whole, or names a file outside the work folder.
    """
    body = data[len(_HEAD) : -len(_TAIL % (b"0" * 64))]
    if data != _HEAD + body + _TAIL % hashlib.sha256(body).hexdigest().encode():
        raise ValueError("the entry is not whole")
    try:
        entry = _ENTRY.validate_python(parse_json(body))
    except ValidationError as error:
        raise ValueError(str(error)) from error
    named = {row[name] for row in entry.rows for name in _paths(row)}
    if named != set(entry.files) or not all(is_component(part) for name in named for part in name.split("/")):
        raise ValueError("the entry names a file outside the work folder")
    return entry


def _told(path: str) -> tuple[int, int, str]:
    """A file's size, time of change and content."""
    now = os.stat(path)
    return now.st_size, now.st_mtime_ns, hash_file(path)[0]


def _paths(row: Row) -> list[str]:
    """Columns of a row that hold files of the work folder: those named ``*_path``."""
    return [name for name, value in row.items() if name.endswith("_path") and isinstance(value, str)]
