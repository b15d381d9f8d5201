"""From what a server sent to what the model said: the shapes in which servers of this protocol really answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

MAX_WORDS = 200
"""Characters of a server's own words that a message repeats."""
MAX_TOKENS = 10**9
"""A larger count of tokens is no count."""
LENGTH = frozenset({"length", "max_tokens", "max_length", "MAX_TOKENS"})
NO_CHOICE = "the server's reply holds no answer"
_SECRET = re.compile(r"(?i)(?:\b(?:sk|pk|key|token)-[\w-]{8,}|(?<=bearer )(?!\(key\))[\w.~+/=-]{6,})")
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


@dataclass(frozen=True, slots=True)
class Message:
    """What the model said.  ``reasoning`` is what it thought aloud in a field of its own: no part of the answer."""

    text: str | None
    finish: str
    refusal: bool
    reasoning: str
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class ServerError:
    """The server answered, and with no answer of the model.  ``again`` where another try may help."""

    words: str
    again: bool = True


def read_reply(body: str) -> Message | ServerError:
    """Read the body of a reply whose status is 200."""
    try:
        return _read(body)
    except RecursionError:
        return ServerError("the server's reply nests too deep")


def _read(body: str) -> Message | ServerError:
    value = _json(body)
    if isinstance(value, str):
        value = _json(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        events = _events(body)
        if events is None:
            return ServerError(servers_words(body) or NO_CHOICE, again=not _is_page(body))
        value = _joined(events)
    if value.get("error") and not _choices(value):
        return ServerError(servers_words(json.dumps(value)) or NO_CHOICE, again=_may_pass(value["error"]))
    choice = next((candidate for candidate in _choices(value) if isinstance(candidate, dict)), None)
    if choice is None:
        words = servers_words(json.dumps(value)) if "choices" not in value else ""
        return ServerError(f"{NO_CHOICE}{': ' + words if words else ''}")
    failed = choice.get("error")
    if failed or choice.get("finish_reason") == "error":
        return ServerError(servers_words(json.dumps({"error": failed or "the server broke off"})), True)
    if value.get("cut"):
        return ServerError("the stream of the answer ended before it was complete")
    return _message(choice, value.get("usage"))


def servers_words(content: str) -> str:
    """What a server says in its own words, on one line, without what looks like a key, at most ``MAX_WORDS``."""
    value = _json(content)
    words = _error_words(value) if isinstance(value, dict) else ""
    if not words:
        words = _page_words(content) if _is_page(content) else content
    text = "".join(c if c.isprintable() else " " for c in words[: 50 * MAX_WORDS])
    return " ".join(_SECRET.sub("(key)", text).split())[:MAX_WORDS]


def _message(choice: Mapping[str, Any], usage: Any) -> Message:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    parts = _Parts()
    parts.take(message.get("content"))
    for name in _REASONING:
        parts.think(message.get(name))
    if not parts.text.strip():
        for called in _calls(message):
            parts.take(called)
    if not parts.text.strip():
        parts.take(message.get("parsed") or choice.get("text"))
    refused = message.get("refusal") or parts.refused
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) and finish else "stop"
    usage = usage if isinstance(usage, dict) else {}
    return Message(
        text=parts.text or None,
        finish="length" if finish in LENGTH else finish,
        refusal=bool(refused) or finish == "content_filter",
        reasoning=parts.thought,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
    )


class _Parts:
    """Text collected from content that is a text, an object, or a list of parts."""

    def __init__(self) -> None:
        self.text, self.thought, self.refused = "", "", False

    def take(self, content: Any) -> None:
        if isinstance(content, str):
            self.text += content
        elif isinstance(content, list):
            for part in content:
                self.take(part)
        elif isinstance(content, dict):
            self._part(content)
        elif isinstance(content, int | float):
            self.text += json.dumps(content)

    def think(self, content: Any) -> None:
        inner = _Parts()
        inner.take(content)
        self.thought += inner.text + inner.thought

    def _part(self, part: Mapping[str, Any]) -> None:
        kind = part.get("type")
        if not isinstance(kind, str):
            self.text += _dumped(part) if "text" not in part else ""
            self.take(part.get("text"))
        elif re.search(r"think|reason|summary", kind):
            self.think(part.get("thinking") or part.get("text") or part.get("reasoning") or part.get("summary"))
        elif kind == "refusal":
            self.refused = True
        else:
            text = part.get("text")
            self.take(text.get("value") if isinstance(text, dict) else text)


def _calls(message: Mapping[str, Any]) -> Iterable[Any]:
    """The arguments of the tools that the model called."""
    calls = message.get("tool_calls")
    for call in [*(calls if isinstance(calls, list) else []), {"function": message.get("function_call")}]:
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if arguments:
            yield _dumped(arguments) + "\n"


def _dumped(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _events(body: str) -> list[dict[str, Any]] | None:
    """The JSON objects of a stream of server-sent events, or of one object a line; None where it is neither."""
    events: list[dict[str, Any]] = []
    for line in body.splitlines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else line.strip()
        if not data or line.startswith((":", "event:", "id:", "retry:")):
            continue
        value = {"done": True} if data == "[DONE]" else _json(data)
        if not isinstance(value, dict):
            if events:
                break  # the stream was cut off
            return None
        events.append(value)
    return events or None


def _joined(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply that the pieces of a stream make; ``cut`` where the last one is missing."""
    message: dict[str, Any] = {"content": [], "tool_calls": {}}
    joined: dict[str, Any] = {"choices": []}
    finish, done = None, False
    for event in events:
        done |= bool(event.get("done"))
        if event.get("error"):
            return event
        joined["usage"] = event.get("usage") or joined.get("usage")
        for choice in _choices(event):
            if isinstance(choice, dict) and not choice.get("index"):
                finish = choice.get("finish_reason") or finish
                joined["choices"] = [{}]
                _add_piece(message, choice)
    if joined["choices"]:
        message["tool_calls"] = [message["tool_calls"][i] for i in sorted(message["tool_calls"])]
        joined["choices"] = [{"message": message, "finish_reason": finish}]
    return {**joined, "cut": not done and finish is None}


def _add_piece(message: dict[str, Any], choice: Mapping[str, Any]) -> None:
    delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
    if not isinstance(delta, dict):
        return
    message["content"].append(delta.get("content"))
    message["refusal"] = message.get("refusal") or delta.get("refusal")
    for name in _REASONING:
        if delta.get(name):
            message.setdefault(name, []).append(delta[name])
    calls = delta.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if arguments is not None:
            place = _count(call.get("index"))
            known = message["tool_calls"].setdefault(place, {"function": {"arguments": ""}})
            known["function"]["arguments"] += _dumped(arguments)


def _choices(value: Mapping[str, Any]) -> list[Any]:
    choices = value.get("choices")
    return choices if isinstance(choices, list) else [choices] if isinstance(choices, dict) else []


def _count(value: Any) -> int:
    """A count of tokens; 0 where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS:
        return 0
    return int(value) if math.isfinite(value) else 0


def _may_pass(error: Any) -> bool:
    """Whether an error that came with status 200 may be another one at the next try."""
    code = error.get("code") if isinstance(error, dict) else None
    number = int(str(code)) if re.fullmatch(r"[1-5][0-9]{2}", str(code)) else 500
    return number in (408, 409, 425, 429) or number >= 500


def _error_words(value: Mapping[str, Any]) -> str:
    for name in ("error", "errors", "detail", "message", "msg", "base_resp", "status_msg", "title"):
        words = value.get(name)
        if isinstance(words, list) and words:
            words = words[0]
        if isinstance(words, dict):
            words = _error_words(words) or json.dumps(words, ensure_ascii=False)
        if isinstance(words, str) and words.strip():
            return words
    return ""


class _Page(HTMLParser):
    """The words of a web page, title first."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if data.strip() and self._hidden <= 0:
            self.words.append(data.strip())


def _page_words(content: str) -> str:
    page = _Page()
    page.feed(content[:20_000])
    return "a web page: " + " | ".join(dict.fromkeys(page.words))


def _is_page(content: str) -> bool:
    return content.lstrip(" \t\r\n\ufeff")[:200].lower().startswith(("<!doctype", "<html", "<head", "<body", "<?xml"))


def _json(text: str) -> Any:
    """A text as JSON; None where it is none."""
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
