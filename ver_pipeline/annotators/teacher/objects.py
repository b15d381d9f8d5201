"""The one JSON object in a model's text, whatever stands around it; or the true name of what is wrong.

Wrapping is taken off: reasoning, a code fence, prose, a byte order mark, escapes too many.  Content is never guessed
at: of an object that breaks off nothing is taken, and where two different objects could be meant, neither is.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.reasons import Reason

MAX_CHARS = 400_000
"""A longer answer is no answer: the schema's own bounds end far below."""
MAX_OBJECTS = 16
REASONING_ONLY = "the answer is reasoning only, with nothing after it"
_BLANK = " \t\r\n\ufeff\u200b"
_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|analysis"
_OPENS = re.compile(
    rf"<(?:{_NAMES})>|◁think▷|\[THINK\]|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>", re.I
)
_CLOSES = re.compile(
    rf"</(?:{_NAMES})>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>|(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>",
    re.I,
)
_LAST_TOKENS = re.compile(r"(?:<\|(?:im_end|end|return|eot_id|endoftext)\|>|</s>)\s*$")
_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4}|.)', re.DOTALL)
_KNOWN_ESCAPE = re.compile(r'["\\/bfnrt]|u[0-9a-fA-F]{4}')
_NO_TEXT = re.compile("[\ud800-\udfff\ufffd\x00]")
_DEBRIS = re.compile(r'"\s*:')
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body)\b", re.I)

Fits = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Object:
    """The object.  ``repaired`` where wrapping had to be taken off; ``reasoned`` where some of it was reasoning."""

    value: dict[str, Any]
    repaired: bool
    reasoned: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """Why no object could be read.  ``why`` holds none of the text."""

    reason: Reason
    why: str


class _DoubleKeyError(ValueError):
    """A key that stands twice with different values."""


def read_object(text: str, fits: Fits) -> Object | Unread:
    """The JSON object that ``text`` holds.

    Args:
        fits: whether an object is what was asked for; decides between several, and about one inside another.
    """
    if len(text) > MAX_CHARS:
        return Unread(Reason.NOT_JSON, f"the answer is longer than {MAX_CHARS} characters")
    try:
        return _object(text.strip(_BLANK), fits, text.strip())
    except RecursionError:
        return Unread(Reason.NOT_JSON, "the answer nests too deep")


def _object(text: str, fits: Fits, raw: str) -> Object | Unread:
    whole = _whole(text, fits, raw)
    if whole is not None:
        return whole
    rest, thought = without_reasoning(text)
    if thought is None:
        return _among_prose(text, fits)
    answer = (_whole(rest, fits, raw) or _among_prose(rest, fits)) if rest else object_of_reasoning(thought, fits)
    return Object(answer.value, True, True) if isinstance(answer, Object) else answer


def without_reasoning(text: str) -> tuple[str, str | None]:
    """The text after its reasoning, and the reasoning, None where there is none.

    An opening tag may be missing, as where a template ate it.
    """
    rest, thoughts = text, list[str]()
    while True:
        opened, closed = _OPENS.search(rest), _CLOSES.search(rest)
        if closed is None:
            if opened is None:
                break
            thoughts.append(rest[opened.end() :])  # it was never closed: all that follows is reasoning
            rest = rest[: opened.start()].strip(_BLANK)
            continue
        begun = opened is not None and opened.start() < closed.start()
        if thoughts and not begun and "{" in rest[: closed.start()]:
            break  # a tag inside or after the answer
        thoughts.append(rest[opened.end() if begun and opened else 0 : closed.start()])
        before = rest[: opened.start()] if begun and opened and "{" in rest[: opened.start()] else ""
        rest = (before + rest[closed.end() :]).strip(_BLANK)
    return rest, "\n".join(thought.strip(_BLANK) for thought in thoughts) if thoughts else None


def object_of_reasoning(thought: str, fits: Fits) -> Object | Unread:
    """The reasoning as the answer, only where it is one object that fits and nothing else: no draft is taken."""
    try:
        value = _loaded(_unfenced(thought.strip(_BLANK)))
    except RecursionError:
        value = None
    if isinstance(value, dict) and fits(value):
        return Object(value, True, True)
    return Unread(Reason.NOT_JSON, REASONING_ONLY)


def _whole(text: str, fits: Fits, raw: str) -> Object | Unread | None:
    """The object where the text is one and nothing else; None where it is not."""
    for reading in _readings(text):
        value = _loaded(reading)
        if isinstance(value, Unread):
            return value
        if isinstance(value, dict):
            inner = _inside(value, fits)
            return Object(inner, inner is not value or not _is_plain(raw, value), False)
        if value is not None:
            return Unread(Reason.NOT_JSON, "the answer is JSON, but no object")
    return None


def _readings(text: str) -> list[str]:
    """The text as it is, without its fence or closing token, and without escapes where all of it is escaped."""
    bare = _LAST_TOKENS.sub("", text).strip(_BLANK)
    readings = [text, bare, _unfenced(bare)]
    if '"' not in bare and "&quot;" in bare:
        readings.append(html.unescape(_unfenced(bare)))
    if re.match(r"\{\s*(?:\\[nrt]\s*)*\\\"", _unfenced(bare)):
        with suppress(ValueError):
            readings.append(str(json.loads(f'"{_unfenced(bare)}"', strict=False)))
    return list(dict.fromkeys(readings))


def _unfenced(text: str) -> str:
    """What stands inside a Markdown fence, where the text is nothing but one."""
    match = re.fullmatch(r"(?:```|~~~)[\w-]*[ \t]*\n?(.*?)\n?[ \t]*(?:```|~~~)", text, re.DOTALL)
    return match.group(1).strip(_BLANK) if match and "```" not in match.group(1) else text


def _loaded(text: str) -> Any:
    """A whole text as JSON, an object in quotation marks or in a list of its own too; None where it is none."""
    value = _json(text)
    if isinstance(value, str) and value.strip(_BLANK).startswith(("{", "[")):
        value = _json(value.strip(_BLANK))
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    return value


def _json(text: str) -> Any:
    """A text as JSON, or Unread; None where it is none.

    Line breaks inside texts and escapes that JSON does not know are read.
    """
    for form in (text, _ESCAPE.sub(_known_escape, text)):
        try:
            value = json.loads(form, strict=False, object_pairs_hook=_pairs, parse_constant=_refuse)
        except _DoubleKeyError as error:
            return Unread(Reason.NOT_JSON, str(error))
        except RecursionError:
            return Unread(Reason.NOT_JSON, "the answer nests too deep")
        except ValueError:
            continue
        return _checked(value)
    return None


def _checked(value: Any) -> Any:
    """The value with its texts in Unicode NFC, or Unread where a text is none."""
    try:
        return _normal(value)
    except UnicodeError as error:
        return Unread(Reason.NOT_JSON, str(error.args[0]))


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        if _NO_TEXT.search(value):
            raise UnicodeError("the answer holds half a character or one lost in decoding")
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_normal(name): _normal(item) for name, item in value.items()}
    return [_normal(item) for item in value] if isinstance(value, list) else value


def _among_prose(text: str, fits: Fits) -> Object | Unread:
    """The one object among words."""
    values: dict[bytes, dict[str, Any]] = {}
    spans = _braces(text)
    starts, ends = [start for start, _ in spans], [0, *(end or len(text) for _, end in spans)]
    between = [text[end:start] for end, start in zip(ends, [*starts, len(text)], strict=True)]
    broken = sum(bool(_DEBRIS.search(words)) for words in between)
    for n, (start, end) in enumerate(spans):
        if end is None or n >= MAX_OBJECTS:
            if re.match(r"\{\s*(?:\\?[\"']|$)", text[start:]) is None and n < MAX_OBJECTS:
                break  # a brace of the prose
            if values:
                return Unread(Reason.NOT_JSON, "the answer begins a second JSON object")
            return Unread(Reason.TRUNCATED_ANSWER, "the JSON ends before it is complete")
        value = _loaded(text[start:end])
        if isinstance(value, Unread):
            return value
        if isinstance(value, dict):
            values[canonical_json(value)] = value
        else:
            broken += bool(_DEBRIS.search(text, start, end))
    if broken:
        return Unread(Reason.NOT_JSON, "the JSON in the answer is broken")
    good = [inner for inner in (_inside(value, fits) for value in values.values()) if fits(inner)]
    if len(good) == 1 and all(
        set(value).isdisjoint(good[0]) or _inside(value, fits) == good[0] for value in values.values()
    ):
        return Object(good[0], True, False)  # the others are no tries at the same answer
    if len(values) == 1:
        return Object(next(iter(values.values())), True, False)
    if values:
        return Unread(Reason.NOT_JSON, "the answer holds several different JSON objects")
    page = "is a web page" if _PAGE.match(text) else "holds no JSON object"
    return Unread(Reason.NOT_JSON, f"the answer {page}" if text else "the answer is empty")


def _braces(text: str) -> list[tuple[int, int | None]]:
    """Start and end of every outermost pair of braces; the end is None where one is not closed."""
    spans: list[tuple[int, int | None]] = []
    depth, start, quoted, skip = 0, 0, False, False
    for i, char in enumerate(text):
        if skip:
            skip = False
        elif depth and char == "\\":
            skip = True
        elif depth and char == '"':
            quoted = not quoted
        elif char == "{" and not quoted:
            start, depth = (start, depth + 1) if depth else (i, 1)
        elif char == "}" and depth and not quoted:
            depth -= 1
            if not depth:
                spans.append((start, i + 1))
    return [*spans, (start, None)] if depth else spans


def _inside(value: dict[str, Any], fits: Fits) -> dict[str, Any]:
    """What was asked for where it stands alone inside the object: under one key, or as a tool's arguments."""
    if fits(value):
        return value
    inner = next(iter(value.values())) if len(value) == 1 else value.get("arguments") or value.get("parameters")
    if isinstance(inner, str):
        inner = _loaded(inner.strip(_BLANK))
    return inner if isinstance(inner, dict) and fits(inner) else value


def _is_plain(raw: str, value: dict[str, Any]) -> bool:
    """The text was this object as JSON wants it, and nothing else."""
    try:
        return bool(json.loads(raw) == value)
    except (ValueError, RecursionError):
        return False


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        for name, one in pairs:
            if type(one) is not type(value[name]) or one != value[name]:
                raise _DoubleKeyError("a key stands twice in the JSON, with different values")
    return value


def _known_escape(match: re.Match[str]) -> str:
    return match.group() if _KNOWN_ESCAPE.fullmatch(match.group(1)) else match.group(1)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
