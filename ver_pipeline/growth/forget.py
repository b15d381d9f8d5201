"""Remove what the work folder remembers of withdrawn clips.

The work folder holds cached outcomes, records and films under names and in forms that are the stages'
own business, so nothing here relies on its layout.  A file goes when it is a withdrawn film or picture
(by content), or when it holds any trace of a withdrawn clip: its key, a hash that only it has, a part of
its record, or its words with their times' probabilities (the transcript of the whole film).  Too much
may go, never too little; what goes costs only time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import digest, parse_json
from ver_pipeline.schemas.hashing import hash_file

TEXT_LIMIT_BYTES = 256 << 20
PARTS = ("measured", "speech", "clip", "media", "description", "emotion", "observations")
_TOKEN = re.compile(rb"[0-9a-f]{16}_[0-9]{8}_[0-9]{8}|[0-9a-f]{64}")

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
        for data in members.values():
            self.sizes.add(len(data))
            self.contents.add(hashlib.sha256(data).hexdigest())
        words = frozenset((word["word"], word["prob"]) for word in record["speech"]["words"])
        if words:
            self.words.setdefault(min(words), []).append(words)


def forget(work_dir: Path, traces: Traces, spare: Iterable[Path] = ()) -> int:
    """Delete every file under ``work_dir`` that holds a trace; returns how many went."""
    kept = {path.resolve() for path in spare}
    n_removed = 0
    for path in sorted(p for p in work_dir.rglob("*") if p.is_file() and p.resolve() not in kept):
        if _holds_trace(path, traces):
            path.unlink()
            n_removed += 1
    return n_removed


def _holds_trace(path: Path, traces: Traces) -> bool:
    if any(token in traces.tokens for token in _TOKEN.findall(path.name.encode())):
        return True
    size = path.stat().st_size
    if size in traces.sizes and hash_file(path)[0] in traces.contents:
        return True
    if size > TEXT_LIMIT_BYTES or path.suffix in (".mp4", ".jpg"):
        return False
    data = path.read_bytes()
    if any(token in traces.tokens for token in _TOKEN.findall(data)):
        return True
    return any(_value_is_trace(value, traces) for value in _json_values(data))


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
