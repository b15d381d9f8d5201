"""One form for JSON that is hashed, compared or published: same value, same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Serialise with sorted keys, UTF-8 unescaped, no spaces; NaN and infinities raise ValueError."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def digest(value: Any) -> str:
    """sha256 (64 hex) of the canonical JSON form of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
