"""Third-party WebDatasets: a folder of plain tars, indexed once by reading their headers.

A sample is a group of members with one key: a frame or a video, and its text, which is either a
``json`` with ``conversations`` (``from``/``value`` or ``role``/``content`` turns) or a ``txt`` caption.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.model.data.chat import Turn
from ver_pipeline.model.data.shards import Identity
from ver_pipeline.schemas.canonical import digest, parse_json
from ver_pipeline.schemas.errors import CorruptDataError, UsageError
from ver_pipeline.schemas.untrusted import read_plain
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.read import ShardReader, tar_headers

IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp")
VIDEO_SUFFIXES = ("mp4", "webm", "mkv", "mov", "avi")
INDEX_LIMIT_BYTES = 1 << 30
BLOCK = 512
_PLAIN = (b"0", b"\0")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
_CAPTION_QUESTION = {"en": "Describe this.", "zh": "请描述。"}


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a tar: where its bytes are."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class WebFolder:
    """The samples of a folder of tars; ``samples[i]`` is (key, tar name, members by suffix)."""

    folder: Path
    samples: tuple[tuple[str, str, dict[str, tuple[int, int]]], ...]
    identity: Identity
    reader: ShardReader

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, row: int, suffix: str) -> bytes:
        """The bytes of one member."""
        _, tar, members = self.samples[row]
        return self.reader.read(tar, *members[suffix])

    def media(self, row: int) -> tuple[str, bytes] | None:
        """``("image" | "video", bytes)``, or None for text alone."""
        members = self.samples[row][2]
        for kind, suffixes in (("image", IMAGE_SUFFIXES), ("video", VIDEO_SUFFIXES)):
            for suffix in suffixes:
                if suffix in members:
                    return kind, self.read(row, suffix)
        return None

    def turns(self, row: int) -> list[Turn]:
        """The sample's conversation.

        Raises:
            ValueError: it has none that is understood.
        """
        members = self.samples[row][2]
        if "json" in members:
            return read_turns(parse_json(self.read(row, "json")))
        caption = self.read(row, "txt").decode("utf-8").strip()
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in caption)
        return [Turn("user", _CAPTION_QUESTION["zh" if chinese else "en"]), Turn("assistant", caption)]


def read_turns(data: Any) -> list[Turn]:
    """Turns from the two usual forms; the media placeholder is taken off the first question.

    Raises:
        ValueError: there is no conversation, or it does not alternate user and assistant.
    """
    raw = data.get("conversations") if isinstance(data, dict) else data
    if not isinstance(raw, list) or not raw:
        raise ValueError("no conversations")
    turns = []
    for turn in raw:
        if not isinstance(turn, dict):
            raise ValueError("a turn that is no table")
        role = _ROLES.get(str(turn.get("role") or turn.get("from")))
        text = turn.get("content") if "content" in turn else turn.get("value")
        if role is None or not isinstance(text, str):
            raise ValueError(f"turn without a known role and text: {sorted(turn)}")
        turns.append(Turn(role, text.replace("<image>", "").replace("<video>", "").strip()))
    if [t.role for t in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise ValueError("turns do not alternate user and assistant")
    return turns


def open_webfolder(folder: Path) -> WebFolder:
    """Index the tars of a folder; the index is kept beside them and reused while no tar changes.

    Raises:
        UsageError: there is no tar, or no sample that can be used.
        CorruptDataError: a key occurs twice, or a tar is damaged or no file.
    """
    tars = sorted(folder.glob("*.tar"))
    if not tars:
        raise UsageError(f"{folder} holds no .tar", "give a folder of WebDataset shards")
    if odd := next((tar for tar in tars if not tar.is_file()), None):
        raise CorruptDataError(f"{odd} is no plain file", "copy it again, or remove it")
    stamp = digest([[t.name, t.stat().st_size, t.stat().st_mtime_ns] for t in tars])
    index_path = folder / f".ver-index-{stamp[:16]}.json"
    listed = _kept(index_path, {tar.name for tar in tars})
    if listed is None:
        listed = [[key, tar.name, members] for tar in tars for key, members in grouped(tar)]
        _keep(index_path, listed)
    usable = [s for s in listed if "json" in s[2] or "txt" in s[2]]
    keys = [s[0] for s in usable]
    twice = next((key for key, n in Counter(keys).items() if n > 1), None)
    if twice is not None:
        raise CorruptDataError(f"{folder}: key {twice!r} occurs twice", "keys must be unique over all tars")
    if not usable:
        raise UsageError(f"{folder}: no sample has json or txt", "each needs a conversation or a caption")
    samples = tuple(sorted((s[0], s[1], {k: (v[0], v[1]) for k, v in s[2].items()}) for s in usable))
    identity = Identity(digest(sorted(keys)), digest(usable), "all", "", len(samples), digest(sorted(keys)))
    return WebFolder(folder, samples, identity, ShardReader(folder))


def grouped(tar: Path) -> Iterator[tuple[str, dict[str, tuple[int, int]]]]:
    """Members of a tar by WebDataset's rule: key up to the first dot of the base name, suffix lower-cased.

    Yields:
        Each key once, with offset and size in bytes of each member by suffix.

    Raises:
        CorruptDataError: it is no whole tar, or a name is not UTF-8.
    """
    groups: dict[str, dict[str, tuple[int, int]]] = {}
    for member in members_of(tar):
        if not _is_utf8(member.name):
            raise CorruptDataError(f"{tar}: the name {member.name!r} is not UTF-8", "name its members in UTF-8")
        folder, _, base = member.name.rpartition("/")
        key, dot, suffix = base.partition(".")
        if not dot or not key:
            continue
        groups.setdefault(f"{folder}/{key}" if folder else key, {})[suffix.lower()] = (member.offset, member.size)
    yield from groups.items()


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def members_of(tar: Path) -> Iterator[Member]:
    """Regular members of an uncompressed tar, headers only; extended headers are left to ``tarfile``.

    Raises:
        CorruptDataError: it is no whole tar.
    """
    plain = _plain_members(tar)
    if plain is not None:
        yield from plain
        return
    try:
        for info in tar_headers(tar):
            if info.isreg() and not info.issparse():
                yield Member(info.name, info.offset_data, info.size)
    except tarfile.TarError as error:
        raise CorruptDataError(f"{tar} is no whole tar: {error}", "copy it again") from error


def _plain_members(tar: Path) -> list[Member] | None:
    """The fast path: one 512-byte read a member.  None when the tar has headers it does not know."""
    members: list[Member] = []
    handle = os.open(tar, os.O_RDONLY)
    try:
        position, end = 0, os.fstat(handle).st_size
        while position + BLOCK <= end:
            header = os.pread(handle, BLOCK, position)
            if header[0] == 0:
                break
            kind = header[156:157]
            if kind not in (*_PLAIN, b"5") or header[124] & 0x80:
                return None
            size = int(header[124:136].strip(b" \0") or b"0", 8)
            if size < 0:
                return None
            if kind in _PLAIN:
                name = header[:100].split(b"\0", 1)[0]
                prefix = header[345:500].split(b"\0", 1)[0] if header[257:262] == b"ustar" else b""
                path = (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")
                members.append(Member(path, position + BLOCK, size))
            position += BLOCK + -(-size // BLOCK) * BLOCK
    except ValueError:
        return None  # a size field that is not octal: let tarfile judge
    finally:
        os.close(handle)
    return members


def _kept(path: Path, tars: set[str]) -> list[Any] | None:
    """An index that lies in the folder, which may be anybody's; None where it is not one of these tars."""
    try:
        listed = parse_json(read_plain(path, INDEX_LIMIT_BYTES))
    except (OSError, ValueError, CorruptDataError):
        return None
    return listed if isinstance(listed, list) and all(_is_row(row, tars) for row in listed) else None


def _is_row(row: Any, tars: set[str]) -> bool:
    """Whether this is (key, tar, offset and size of each member)."""
    if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str) and row[1] in tars):
        return False
    places = row[2].values() if isinstance(row[2], dict) else [None]
    return all(isinstance(at, list) and len(at) == 2 and all(type(n) is int and n >= 0 for n in at) for at in places)


def _keep(path: Path, listed: list[Any]) -> None:
    """Store the index; a folder that cannot be written is indexed anew each time."""
    with suppress(OSError):
        write_atomically(path, json.dumps(listed).encode("utf-8"))
