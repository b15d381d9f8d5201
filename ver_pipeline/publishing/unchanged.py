"""Is this very content what stands in OUT already?  Then a build that had nothing to do writes nothing.

The content's identity covers everything a data set is made from, this package's own code included, but not
the list of runs.  What was published is remembered in the work folder by size and time of change, so a file
that somebody touched is written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ver_pipeline.engine.runner import StageStats
from ver_pipeline.publishing.publish import Content
from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.manifest import MANIFEST_NAME, load_manifest
from ver_pipeline.shards.tombstones import read_tombstones
from ver_pipeline.shards.workdir import WorkFolder

NOTE_NAME = "published.json"
CODE_SUFFIXES = frozenset({".py", ".json", ".sql", ".css", ".js", ".html", ".md", ".yaml"})


def did_nothing(stats_by_stage: Mapping[str, StageStats]) -> bool:
    """Every unit of every stage came from the cache."""
    return all(stats.cached == stats.done for stats in stats_by_stage.values())


def content_id(content: Content, out_dir: Path) -> str:
    """The identity of what would be published into ``out_dir``."""
    return digest(
        {
            "samples": [astuple(sample) for sample in sorted(content.samples, key=lambda s: s.key)],
            "sources": list(content.sources),
            "rejects": list(content.rejects),
            "config": content.config.model_dump(mode="json", by_alias=True),
            "fingerprints": dict(content.fingerprints),
            "tools": dict(content.tools),
            "tombstones": sorted(read_tombstones(out_dir)),
            "code": _code(),
        }
    )


def is_published(out_dir: Path, work: WorkFolder, identity: str) -> bool:
    """``out_dir`` holds this content, and nobody has touched a file of it since."""
    try:
        note = parse_json((work.root / NOTE_NAME).read_bytes())
        return bool(note == _note(out_dir, identity))
    except (OSError, ValueError, CorruptDataError):
        return False


def untouched(out_dir: Path, work: WorkFolder) -> frozenset[str]:
    """Files of ``out_dir`` whose size and time of change are as they were noted when it was published."""
    try:
        noted = parse_json((work.root / NOTE_NAME).read_bytes())["files"]
        return frozenset(name for name, told in noted.items() if told is not None and _stat(out_dir / name) == told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def note_published(out_dir: Path, work: WorkFolder, identity: str) -> None:
    """Remember that ``out_dir`` holds this content now."""
    write_atomically(work.root / NOTE_NAME, canonical_json(_note(out_dir, identity)))


def _note(out_dir: Path, identity: str) -> dict[str, Any]:
    names = (MANIFEST_NAME, *(file["path"] for file in load_manifest(out_dir)["files"]))
    return {"content": identity, "files": {name: _stat(out_dir / name) for name in names}}


def _stat(path: Path) -> list[int] | None:
    """Size and time of change; None where there is no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def _code() -> str:
    """The package's own files: a new version may write the same content another way."""
    root = Path(__file__).parents[1]
    hashes = {
        str(path.relative_to(root)): hash_file(path)[0]
        for path in root.rglob("*")
        if path.suffix in CODE_SUFFIXES and path.is_file()
    }
    return digest(hashes)
