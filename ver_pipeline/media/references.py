"""Whether an MP4 or QuickTime file takes its media from other files (ISO 14496-12 ``dref``; QuickTime ``rmra``).

Reads the few bytes that say so: box headers, the data references, and a compressed header where there is one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

ReadAt = Callable[[int, int], bytes]
"""``(offset, size)`` to at most ``size`` bytes from there."""

MAX_BOXES = 100_000
"""Boxes looked at in one file; one that has more is left to the demuxer, which reads no other file either."""
MAX_DEPTH = 32
"""How deep boxes may lie in each other; libavformat (``mov.c``) refuses more than 10."""
MAX_REFERENCES_BYTES = 1 << 20
MAX_HEADER_BYTES = 64 << 20

_WAY = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}


def from_bytes(data: bytes) -> ReadAt:
    """Reads from memory."""
    return lambda at, size: data[at : at + size]


def has_references(read_at: ReadAt, size_bytes: int) -> bool:
    """Whether any track's media, or the whole movie, lies in another file.  A file's first header is its header."""
    left = [MAX_BOXES]
    for kind, first, last in _boxes(read_at, 0, size_bytes, left):
        if kind == b"moov":
            return any(_refers(*box) for box in _walk(read_at, first, last, left))
    return False


def _walk(read_at: ReadAt, begin: int, end: int, left: list[int], depth: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """The boxes that may refer elsewhere, as (kind, content)."""
    if depth > MAX_DEPTH:
        return
    for kind, first, last in _boxes(read_at, begin, end, left):
        if kind in _WAY:
            yield from _walk(read_at, first, last, left, depth + 1)
        elif kind == b"cmov":
            header = _decompressed(read_at(first, min(last - first, MAX_HEADER_BYTES)))
            yield from _walk(from_bytes(header), 0, len(header), left, depth + 1)
        elif kind in (b"dref", b"rmra"):
            yield kind, read_at(first, min(last - first, MAX_REFERENCES_BYTES))


def _boxes(read_at: ReadAt, begin: int, end: int, left: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte of the content, its end) of the boxes side by side between two offsets."""
    at = begin
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        head = read_at(at, 16)
        if len(head) < 8:
            return
        size, header = int.from_bytes(head[:4]), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        last = end if size == 0 else at + size
        if last < at + header:
            return
        yield head[4:8], at + header, min(last, end)
        at = last


def _refers(kind: bytes, content: bytes) -> bool:
    if kind == b"rmra":
        return True
    data = content[8:]  # version, flags, count
    for name, first, last in _boxes(from_bytes(data), 0, len(data), [MAX_BOXES]):
        self_contained = data[first + 3 : first + 4] == b"\x01"
        place = data[first + 4 : last].strip(b"\0")
        # An alias record counts whatever its flag says: libavformat does not look at the flag either.
        if place and (name == b"alis" or not self_contained):
            return True
    return False


def _decompressed(content: bytes) -> bytes:
    """The movie header inside ``cmov``: ``dcom`` names the method, ``cmvd`` holds its size and the data."""
    for kind, first, last in _boxes(from_bytes(content), 0, len(content), [8]):
        if kind == b"cmvd":
            try:
                return zlib.decompressobj().decompress(content[first + 4 : last], MAX_HEADER_BYTES)
            except zlib.error:
                return b""
    return b""
