"""One form for JSON that is hashed, compared or published: same value, same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NoReturn

_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|[eE]\+?\d{3}|\d{300}")
"""What may be half a character, or a number that becomes infinite."""


def canonical_json(value: Any) -> bytes:
    """Serialise with sorted keys, UTF-8 unescaped, no spaces; NaN and infinities raise ValueError."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def parse_json(data: bytes | str) -> Any:
    """A JSON text that may be anybody's, as what :func:`canonical_json` can write again.

    Raises:
        ValueError: it is not JSON in UTF-8, or holds NaN, an infinite number, half a character, or nests too deep.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
        if _SUSPECT.search(raw):
            canonical_json(value)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def digest(value: Any) -> str:
    """sha256 (64 hex) of the canonical JSON form of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
