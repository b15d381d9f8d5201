"""Remove what the work folder, and files that nobody lists, remember of withdrawn clips.

The work folder holds cached outcomes, records and videos under names and in forms that are the stages'
own business, so nothing here relies on its layout.  A file goes when it is a withdrawn video or frame
(by content), or when it holds any trace of a withdrawn clip: its key, a hash that only it has, a part of
its record, or its words with their times' probabilities (the transcript of the whole video).  What a killed
process was still writing goes too: half a video has another hash.  Too much may go, never too little; what
goes costs only time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import digest, parse_json
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.keys import KEY_PATTERN
from ver_pipeline.shards.manifest import MANIFEST_NAME
from ver_pipeline.shards.names import is_half_pushed, is_published, is_temporary, names_of

log = logging.getLogger(__name__)

TEXT_LIMIT_BYTES = 256 << 20
PARTS = ("measured", "speech", "clip", "media", "description", "emotion", "observations")
_KEY = re.compile(KEY_PATTERN.encode())
_SHA256 = re.compile(rb"[0-9a-f]{64}")
_TOKEN = re.compile(_KEY.pattern + b"|" + _SHA256.pattern)
_NAMED_BY_CONTENT = re.compile(r"[0-9a-f]{64}\.(mp4|jpg)")
"""Videos and posters of the cache: their names say what they are."""

WordPrint = tuple[str, float]


@dataclass(slots=True)
class Traces:
    """What withdrawn clips leave behind."""

    tokens: set[bytes] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    words: dict[WordPrint, list[frozenset[WordPrint]]] = field(default_factory=dict)

    def add(self, record: dict[str, Any], members: dict[str, bytes]) -> None:
        """Learn the traces of one record and its members."""
        answers = [record["provenance"], *(a["provenance"] for a in record["alternatives"])]
        hashes = [record["media"]["sha256"], *(answer["output_sha256"] for answer in answers)]
        self.tokens.update(text.encode() for text in (record["key"], *hashes))
        self.parts.update(digest(record[name]) for name in PARTS)
        self.parts.update(digest(a[name]) for a in record["alternatives"] for name in ("emotion", "description"))
        self.add_members(record["key"], members)
        words = frozenset((word["word"], word["prob"]) for word in record["speech"]["words"])
        if words:
            self.words.setdefault(min(words), []).append(words)

    def add_members(self, key: str, members: dict[str, bytes]) -> None:
        """Learn a key and the contents of its members: all there is to learn where the record is damaged."""
        self.tokens.add(key.encode())
        for data in members.values():
            self.sizes.add(len(data))
            self.contents.add(hashlib.sha256(data).hexdigest())


def forget(work_dir: Path, traces: Traces, spare: Iterable[Path] = ()) -> int:
    """Delete every file under ``work_dir`` that holds a trace or is unfinished; returns how many went."""
    spared = {path.resolve() for path in spare}
    files = sorted(p for p in work_dir.rglob("*") if p.is_file() and p.resolve() not in spared)
    return sum(_forget(path, traces) for path in files)


def forget_withdrawn(work_dir: Path, tombstones: Container[str]) -> int:
    """Delete what a build from a video that still holds withdrawn clips has kept of them; returns how many files went.

    The video is cut before its withdrawn clips are left out, so the cache names them and holds their media.

    Args:
        tombstones: sha256 of the withdrawn keys (``schemas.tombstones.tombstone_of``).
    """
    n_removed = 0
    media: set[bytes] = set()
    for path in sorted(p for p in work_dir.rglob("*.json") if p.is_file()):
        data = path.read_bytes()
        keys = {key for key in set(_KEY.findall(data)) if hashlib.sha256(key).hexdigest() in tombstones}
        if keys:
            rows = (row for row in _json_values(data) if isinstance(row, dict) and str(row.get("key")).encode() in keys)
            media.update(name for row in rows for name in _SHA256.findall(json.dumps(row).encode()))
            path.unlink()
            n_removed += 1
    for path in sorted(work_dir.rglob("*")) if media else ():
        if _NAMED_BY_CONTENT.fullmatch(path.name) and path.stem.encode() in media:
            path.unlink()
            n_removed += 1
    return n_removed


def forget_unlisted(out_dir: Path, manifest: Mapping[str, Any], traces: Traces) -> int:
    """The same for what lies in a data set's folder and belongs to no data set; returns how many went.

    A file under a name that only we give, and that no manifest lists, was left by a killed run or push, or is of a
    version whose manifest is lost: it may be packed, so it goes unread.
    """
    named = names_of(manifest) | {MANIFEST_NAME}
    n_removed = 0
    for folder, folders, names in os.walk(out_dir):
        here = Path(folder)
        for name in [name for name in folders if (here / name / MANIFEST_NAME).exists()]:
            log.warning("%s is a data set of its own, and was not touched", here / name)
            folders.remove(name)
        if here == out_dir and ".ver" in folders:
            folders.remove(".ver")
        for path in map(here.joinpath, sorted(names)):
            name = path.relative_to(out_dir).as_posix()
            if name not in named and path.is_file():
                n_removed += _forget(path, traces, unread=is_published(name) or is_half_pushed(name))
    return n_removed


def _forget(path: Path, traces: Traces, unread: bool = False) -> bool:
    gone = unread or is_temporary(path) or _holds_trace(path, traces)
    if gone:
        path.unlink()
    return gone


def _holds_trace(path: Path, traces: Traces) -> bool:
    if any(token in traces.tokens for token in _TOKEN.findall(path.name.encode())):
        return True
    size = path.stat().st_size
    if size in traces.sizes and hash_file(path)[0] in traces.contents:
        return True
    if size == 0 or _NAMED_BY_CONTENT.fullmatch(path.name):
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if any(match.group() in traces.tokens for match in _TOKEN.finditer(data)):
            return True
        text = data[:] if size <= TEXT_LIMIT_BYTES else b""
    return any(_value_is_trace(value, traces) for value in _json_values(text))


def _json_values(data: bytes) -> Iterator[Any]:
    """Every object and list in a JSON file or in the lines of one; nothing when it is not JSON."""
    for text in [data] if data[:1] == b"{" and data.count(b"\n") <= 1 else data.splitlines():
        try:
            stack = [parse_json(text)]
        except ValueError:
            continue
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                yield value
                stack.extend(value.values())
            elif isinstance(value, list):
                yield value
                stack.extend(value)


def _value_is_trace(value: Any, traces: Traces) -> bool:
    if isinstance(value, list):
        said = frozenset((word["word"], word["prob"]) for word in value if _is_word(word))
        if any(words <= said for first in said & traces.words.keys() for words in traces.words[first]):
            return True
    return bool(value) and digest(value) in traces.parts


def _is_word(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("word"), str) and isinstance(value.get("prob"), float | int)
