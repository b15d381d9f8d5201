"""What is already done: one file per finished unit of work, found by the content that shaped it.

The key of a unit is a hash of the stage's name, version and fingerprint and of the very values it was
given.  Files are written under a temporary name, synced and renamed, so a killed build leaves whole
entries or none.  Folders may be deleted at any time; that costs only time.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.durable import sync
from ver_pipeline.schemas.canonical import canonical_json, digest
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import FILE, PIECE, Row, Stage
from ver_pipeline.stages.instruction_set import NATIVE, held

PLACES = frozenset({"path", FILE})
"""Columns that say where a thing lies and not what it is: never part of a key."""


@dataclass(frozen=True, slots=True)
class Work:
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


def stage_digest(stage: Stage) -> str:
    """The identity of a stage's behaviour: name, version, columns and fingerprint."""
    shape = {"name": stage.name, "version": stage.version, "reads": list(stage.reads), "writes": list(stage.writes)}
    return digest({**shape, "fingerprint": stage.fingerprint()})


def pick(row: Mapping[str, Any], reads: tuple[str, ...]) -> Row:
    """Only the columns a stage declared; ``source.id`` picks one field of a column.  A piece stays a piece."""
    given: Row = {PIECE: row[PIECE]} if PIECE in row else {}
    for name in reads:
        column, _, field = name.partition(".")
        if field:
            given.setdefault(column, {})[field] = row[column][field]
        else:
            given[column] = row[column]
    return given


def unit_key(stage_id: str, given: Row) -> str:
    """The cache key of one unit of work.  Work held to an instruction set is other work than work that is not."""
    level = {} if held() == NATIVE else {"instruction_set": held()}
    return digest({"stage": stage_id, "input": {k: v for k, v in given.items() if k not in PLACES}, **level})


class Cache:
    """Outcomes of one stage on disk: rows, or a reject that a rerun could not change."""

    def __init__(self, work: Work, stage_name: str) -> None:
        self.work = work
        self.folder = work.root / "cache" / stage_name

    def get(self, key: str) -> list[Row] | Reject | None:
        """The stored outcome with absolute paths, or None when there is none that is whole."""
        try:
            entry = json.loads(self._path(key).read_bytes())
            for name, size_bytes in entry["files"].items():
                if os.path.getsize(self.work.absolute(name)) != size_bytes:
                    return None
        except (OSError, ValueError, KeyError):
            return None
        if entry["reject"] is not None:
            return Reject(**{**entry["reject"], "reason": Reason(entry["reject"]["reason"])})
        return [self._map_paths(row, self.work.absolute) for row in entry["rows"]]

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
                    entry["files"][row[name]] = os.path.getsize(self.work.absolute(row[name]))
        write_atomically(self._path(key), canonical_json(entry))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    @staticmethod
    def _map_paths(row: Row, change: Any) -> Row:
        return {**row, **{name: change(row[name]) for name in _paths(row)}}


def _paths(row: Row) -> list[str]:
    """Columns of a row that hold files of the work folder: those named ``*_path``."""
    return [name for name, value in row.items() if name.endswith("_path") and isinstance(value, str)]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or nothing; it lasts once this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)
