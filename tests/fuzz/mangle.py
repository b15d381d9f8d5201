"""How foreign files go wrong: strategies for hypothesis, over the bytes and the JSON of files that were whole."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("VER_FUZZ_EXAMPLES", "40"))
"""Cases a test; raised by hand for a long run."""

HANG_S = 20
bounded = settings(
    max_examples=EXAMPLES,
    deadline=HANG_S * 1000,
    derandomize=EXAMPLES <= 100,  # the run that everybody sees tries the same cases each time
    suppress_health_check=list(HealthCheck),
)

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["../../x", "/etc/passwd", "a\0b", "\ud800", "nan", "-1", "1e999", "con", "C:\\x", "x" * 300, "\u202e"]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([-1, 0, 2**31, 2**63, 2**64, -(2**70), 10**400, True, float("nan")])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def mangled_json(draw: st.DrawFn, whole: Any) -> Any:
    """A JSON value with one to three of its places removed, replaced, doubled or renamed."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(VALUES)
        holder, name = draw(st.sampled_from(places))
        what = draw(st.sampled_from(["remove", "replace", "replace", "rename", "double"]))
        if what == "remove":
            del holder[name]
        elif what == "replace":
            holder[name] = draw(VALUES)
        elif what == "rename" and isinstance(holder, dict):
            holder[draw(TEXTS)] = holder.pop(name)
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[name]))
    return value


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for name in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, name
            yield from _places(value[name])


@st.composite
def mangled_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes that were cut, overwritten, doubled or spliced with others at a few places."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.sampled_from([1, 2, 4, 8, 64, 512]))
        what = draw(st.sampled_from(["cut", "remove", "overwrite", "double", "flip"]))
        if what == "cut":
            del data[at:]
        elif what == "remove":
            del data[at : at + length]
        elif what == "overwrite":
            data[at : at + length] = draw(st.binary(min_size=1, max_size=length))
        elif what == "double":
            data[at:at] = data[at : at + length]
        elif data:
            data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


def json_text(value: Any) -> bytes:
    """JSON as a careless writer leaves it: NaN and lone surrogates included."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def outcome(call: Callable[[], Any], *expected: type[Exception]) -> Any:
    """What a call gives, or the expected error it raised; any other error fails the test."""
    try:
        return call()
    except expected as error:
        return error
