"""How a withdrawn clip is remembered: by the sha256 of its key, never by the key."""

from __future__ import annotations

import hashlib


def tombstone_of(key: str) -> str:
    """The hash under which a key is remembered."""
    return hashlib.sha256(key.encode("ascii")).hexdigest()
