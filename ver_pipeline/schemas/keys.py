"""The key of a clip: 16 hex digits of its source's id, start and end in milliseconds of source time.

No dot (a tar's members are ``KEY.EXTENSION``), sortable by source and time, equal wherever it is built.
"""

from __future__ import annotations

import re
from fractions import Fraction

KEY_PATTERN = "[0-9a-f]{16}_[0-9]{8}_[0-9]{8}"
_IN_BYTES = re.compile(KEY_PATTERN.encode())


def clip_key(source_id: str, start_s: Fraction, end_s: Fraction) -> str:
    """The key of the clip from ``start_s`` to ``end_s`` of the source with this sha256."""
    return f"{source_key(source_id)}_{round(start_s * 1000):08d}_{round(end_s * 1000):08d}"


def parse_key(key: str) -> tuple[str, int, int]:
    """The source's digits, start and end in milliseconds."""
    source, start_ms, end_ms = key.split("_")
    return source, int(start_ms), int(end_ms)


def source_key(source_id: str) -> str:
    """What the keys of all clips of a source begin with."""
    return source_id[:16]


def keys_in(text: bytes) -> set[str]:
    """Every key that a text names."""
    return {key.decode() for key in _IN_BYTES.findall(text)}
