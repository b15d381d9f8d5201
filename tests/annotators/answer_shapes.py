"""A grammar of answers: what a model means, how it writes it down, and how a server wraps that.

Each piece says what becomes of the meaning, so that a test knows of every answer whether it may be accepted.
"""

# ruff: noqa: E501  (a table of words reads better unbroken)
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]
DRAFT = 0.123
"""The confidence by which a draft is known."""


def dumped(answer: Any, **kw: Any) -> str:
    return json.dumps(answer, ensure_ascii=False, **kw)


def other(answer: Answer) -> Answer:
    """A draft: another answer that fits the schema as well."""
    return {**answer, "confidence": DRAFT, "mixed": not answer["mixed"]}


READABLE: dict[str, Callable[[Answer], str]] = {
    "plain": dumped,
    "ascii": lambda a: json.dumps(a),
    "pretty": lambda a: dumped(a, indent=2),
    "fence": lambda a: f"```json\n{dumped(a)}\n```",
    "fence without a language": lambda a: f"```\n{dumped(a, indent=1)}\n```",
    "prose before": lambda a: "Sure, here is the answer you asked for: " + dumped(a),
    "prose after": lambda a: dumped(a) + "\n\nI hope this helps {with} your work.",
    "prose around a fence": lambda a: f"好的，以下是结果：\n```json\n{dumped(a)}\n```\n希望对您有帮助。",
    "reasoning": lambda a: f"<think>First {{look}} at the face.</think>\n{dumped(a)}",
    "reasoning with a draft": lambda a: f"<think>Perhaps {dumped(other(a))}? No.</think>{dumped(a)}",
    "opening tag eaten": lambda a: f"Perhaps {dumped(other(a))}? No, the mouth says otherwise.</think>\n\n{dumped(a)}",
    "harmony channels": lambda a: f"<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>{dumped(a)}",
    "byte order mark": lambda a: "\ufeff" + dumped(a),
    "end token": lambda a: dumped(a) + "<|im_end|>",
    "in a list": lambda a: dumped([a]),
    "as a text": lambda a: dumped(dumped(a)),
    "escaped": lambda a: json.dumps(dumped(a))[1:-1],
    "HTML escapes": lambda a: json.dumps(a).replace("&", "&amp;").replace('"', "&quot;"),
    "line breaks in texts": lambda a: dumped(a).replace(" in ", "\nin "),
    "unknown escapes": lambda a: dumped(a).replace('"text_en": "', '"text_en": "\\'),
    "key twice, same value": lambda a: dumped(a)[:-1] + f', "mixed": {dumped(a["mixed"])}}}',
    "under one key": lambda a: dumped({"answer": a}),
    "tool call in words": lambda a: f"<tool_call>{dumped({'name': 'answer', 'arguments': a})}</tool_call>",
    "a thought as an object before": lambda a: dumped({"thought": "The mouth."}) + "\n" + dumped(a),
    "only inside its reasoning": lambda a: f"<think>\n{dumped(a)}\n</think>",
}
"""Ways to write an answer down that leave no doubt what is meant."""

UNREADABLE: dict[str, Callable[[Answer], str]] = {
    "nothing": lambda a: "",
    "reasoning only": lambda a: f"<think>So {dumped(a)} is my draft.</think>",
    "closing tag only": lambda a: "</think>",
    "unclosed reasoning": lambda a: f"<think>I could say {dumped(a)} but",
    "reasoning begins late": lambda a: f"Well. <think>I could say {dumped(a)} but",
    "half": lambda a: dumped(a)[: len(dumped(a)) // 2],
    "half in a fence": lambda a: "```json\n" + dumped(a)[: len(dumped(a)) // 2],
    "without its last brace": lambda a: dumped(a)[:-1],
    "two that differ": lambda a: dumped(other(a)) + "\n" + dumped(a),
    "a correction that breaks off": lambda a: dumped(other(a)) + "\nWait, better: " + dumped(a)[:80],
    "a correction with a fault": lambda a: dumped(other(a)) + "\n" + dumped(a).replace(",", ",,", 1),
    "a correction with a field too many": lambda a: dumped(other(a)) + "\n" + dumped({**a, "comment": "corrected"}),
    "key twice, two values": lambda a: dumped(a)[:-1] + f', "mixed": {dumped(not a["mixed"])}}}',
    "half a character": lambda a: dumped(a).replace('"text_en": "', '"text_en": "\\ud83d ', 1),
    "a lost character": lambda a: dumped(a).replace('"text_en": "', '"text_en": "\ufffd ', 1),
    "not a number": lambda a: dumped({**a, "confidence": float("nan")}),
    "infinite": lambda a: dumped(a)[:-1] + ', "confidence": 1e999}',
    "huge number": lambda a: dumped(a)[:-1] + ', "confidence": ' + "9" * 5000 + "}",
    "deep": lambda a: '{"a":' * 20_000 + dumped(a) + "}" * 20_000,
    "deep and unclosed": lambda a: '{"a":' * 20_000 + dumped(a),
    "deep list": lambda a: "[" * 20_000 + "]" * 20_000,
    "an object of others": lambda a: dumped({"emotion": "happy"}),
    "a number": lambda a: "42",
    "a word": lambda a: "happiness",
    "web page": lambda a: "<!DOCTYPE html><html><title>Sign in</title><body>Please sign in</body></html>",
    "refusal": lambda a: "I'm sorry, I cannot assist with that request.",
    "prose": lambda a: "The person is happy, I think.",
    "fields missing": lambda a: dumped({name: a[name] for name in list(a)[:4]}),
    "a field too many": lambda a: dumped({**a, "comment": "done"}),
    "texts instead of numbers": lambda a: dumped({**a, "confidence": str(a["confidence"])}),
    "nulls": lambda a: dumped(dict.fromkeys(a)),
    "trailing commas": lambda a: dumped(a)[:-1] + ",}",
    "Python": lambda a: str(a),
}  # fmt: skip
"""Answers of which nothing may be accepted."""


def reply(message: Any, finish: Any = "stop", usage: Any = None, **more: Any) -> str:
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage})


def said(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def events(pieces: list[dict[str, Any]], end: str = "data: [DONE]\n\n", finish: str | None = "stop") -> str:
    lines = [{"choices": [{"index": 0, "delta": piece, "finish_reason": None}]} for piece in pieces]
    last = [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}] if finish else []
    return "".join(f"data: {json.dumps(line)}\n\n" for line in [*lines, *last]) + end


def in_pieces(text: str, name: str = "content") -> list[dict[str, Any]]:
    return [{name: text[i : i + 40]} for i in range(0, len(text), 40)]


CARRIED: dict[str, Callable[[str], str]] = {
    "text": lambda t: reply(said(t)),
    "no usage": lambda t: json.dumps({"choices": [{"message": said(t)}]}),
    "usage in words": lambda t: reply(said(t), usage={"prompt_tokens": "many", "completion_tokens": None}),
    "usage beyond counting": lambda t: reply(said(t), usage={"prompt_tokens": 1e300, "completion_tokens": -4}),
    "usage a list": lambda t: reply(said(t), usage=[1]),
    "parts": lambda t: reply(said([{"type": "text", "text": t[:30]}, {"type": "output_text", "text": t[30:]}])),
    "parts with reasoning": lambda t: reply(said([{"type": "thinking", "thinking": "{}"}, {"type": "text", "text": t}])),
    "strings in a list": lambda t: reply(said([t[:9], t[9:]])),
    "reasoning field": lambda t: reply(said(t, reasoning_content='I draft {"a": 1}')),
    "tool call": lambda t: reply(said(None, tool_calls=[{"type": "function", "function": {"arguments": t}}]), "tool_calls"),
    "function call": lambda t: reply(said("", function_call={"name": "answer", "arguments": t})),
    "legacy text": lambda t: json.dumps({"choices": [{"text": t, "finish_reason": "stop"}]}),
    "byte order mark": lambda t: "\ufeff" + reply(said(t)),
    "stream": lambda t: events(in_pieces(t)),
    "stream with reasoning": lambda t: events([{"reasoning_content": '{"a"'}, {"reasoning_content": ": 2}"}, *in_pieces(t)]),
    "stream without an end mark": lambda t: ": ping\n\n" + events(in_pieces(t), end=""),
    "null before the choice": lambda t: json.dumps({"choices": [None, {"message": said(t)}]}),
    "odd finish": lambda t: reply(said(t), finish={"type": "stop"}),
    "refusal is null": lambda t: reply(said(t, refusal=None, audio=None, tool_calls=[])),
    "error is null": lambda t: json.dumps({"error": None, "choices": [{"message": said(t)}]}),
}  # fmt: skip
"""Ways in which servers carry a text."""

LOST: dict[str, Callable[[str], str]] = {
    "cut at the limit": lambda t: reply(said(t), "length"),
    "filtered": lambda t: reply(said(t), "content_filter"),
    "refused": lambda t: reply(said(None, refusal="I will not.")),
    "refusal part": lambda t: reply(said([{"type": "refusal", "refusal": "No."}])),
    "error": lambda t: json.dumps({"error": {"message": "CUDA out of memory", "code": 500}}),
    "error in words": lambda t: json.dumps({"error": "model is loading"}),
    "error in the choice": lambda t: reply(said(t), "error", error={"message": "upstream failed"}),
    "no choice": lambda t: json.dumps({"choices": []}),
    "null choice": lambda t: json.dumps({"choices": [None]}),
    "choices in words": lambda t: json.dumps({"choices": "none"}),
    "empty": lambda t: "",
    "web page": lambda t: "<html><head><title>Login</title></head><body>Please log in</body></html>",
    "a list": lambda t: "[1, 2]",
    "null": lambda t: "null",
    "stream cut off": lambda t: events(in_pieces(t), end="", finish=None),
    "stream cut inside a line": lambda t: events(in_pieces(t))[:-60].rpartition("data:")[0] + 'data: {"cho',
    "stream that fails": lambda t: events(in_pieces(t), end='data: {"error": {"message": "worker died"}}\n\n', finish=None),
    "message is a number": lambda t: json.dumps({"choices": [{"message": 7}]}),
    "content is null": lambda t: reply(said(None)),
    "draft among its reasoning": lambda t: reply(said(None, reasoning_content="I draft: " + t)),
    "deep": lambda t: '{"choices":' + "[" * 50_000,
    "two tool calls": lambda t: reply(said(None, tool_calls=[{"function": {"arguments": "{}"}},
                                                            {"function": {"arguments": t[:50]}}])),
}  # fmt: skip
"""Ways in which a text does not arrive."""
