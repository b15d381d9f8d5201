"""MediaPipe's canonical face out of its npm package: 468 points in space, as JSON."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Sequence

MEMBER = "face_geometry/data/geometry_pipeline_metadata_landmarks.binarypb"
FLOATS_A_POINT = 5
"""x, y, z and two coordinates of a texture (``Mesh3d.VertexType.VERTEX_PT``)."""


def canonical_face(parts: Sequence[bytes]) -> bytes:
    """The canonical face from the package's loader script, which says where each file lies, and its packed files.

    Returns:
        JSON: ``points`` 468 times (x, y, z) in centimetres, x to the face's left, y up, z out of the face;
        ``rigid``: number of a point to its weight, for the points that expressions hardly move (MediaPipe aligns
        faces by them).

    Raises:
        ValueError: the package holds no such file, or it is not of the form known.
    """
    loader, packed = parts
    offsets = re.search(rf'{re.escape(MEMBER)}", "start": (\d+), "end": (\d+)'.encode(), loader)
    if offsets is None:
        raise ValueError(f"the package holds no {MEMBER}")
    mesh, basis = b"", {}
    for field, value in _fields(packed[int(offsets[1]) : int(offsets[2])]):
        if field == 1:
            mesh = bytes(value)
        elif field == 2:
            inner = dict(_fields(bytes(value)))
            basis[int.from_bytes(inner[1], "little")] = round(struct.unpack("<f", inner[2])[0], 6)
    floats = [struct.unpack("<f", value)[0] for field, value in _fields(mesh) if field == 3]
    points = [[round(v, 6) for v in floats[i : i + 3]] for i in range(0, len(floats), FLOATS_A_POINT)]
    face = {"points": points, "rigid": {str(number): basis[number] for number in sorted(basis)}}
    return (json.dumps(face, separators=(",", ":")) + "\n").encode()


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and values of a protocol buffer's fields; a varint's value is its number, little-endian."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, number.to_bytes(8, "little")
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a protocol buffer has no fields of kind {kind}")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
