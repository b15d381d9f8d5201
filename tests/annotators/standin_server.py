"""A stand-in OpenAI-compatible server: answers by script, counts everything, and can misbehave.

It tells clips apart by the duration in the measured facts, which the tests make unique.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from canary_eyes import answer_to_body

DURATION = re.compile(r'"duration_s": ([0-9.]+)')
WRONG_ENGLISH = "这里本该是英文，但是写成了中文。"


def asked_text(body: dict[str, Any]) -> str:
    """The question in words; frames, if any, stand before it."""
    content = body["messages"][1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


class StandIn:
    """``answers`` maps a duration to a good answer, ``manners`` to how the server behaves on that clip; what happens to
    the frames of canaries on the way is ``hinder``."""

    def __init__(self, answers: dict[float, dict[str, Any]], manners: dict[float, str], delay_s: float = 0.0) -> None:
        self.answers, self.manners, self.delay_s = answers, manners, delay_s
        self.asked: Counter[float] = Counter()
        self.answered: Counter[float] = Counter()
        self.keys: set[str | None] = set()
        self.bodies: list[dict[str, Any]] = []
        self.canaries = 0
        self.hinder: Any = None
        self.sound_in_video = True
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            counted = False

            def do_POST(self) -> None:
                stand_in.serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self) -> StandIn:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, handler: Any) -> None:
        handler.counted = False
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        about_senses = answer_to_body(body, self.hinder, self.sound_in_video)
        if about_senses is not None:
            self.canaries += 1
            choice = {"message": {"content": json.dumps(about_senses)}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 900, "completion_tokens": 60}
            return self._send(handler, 200, json.dumps({"choices": [choice], "usage": usage}).encode())
        text = asked_text(body)
        duration = self.clip_of(text)
        with self.lock:
            self.asked[duration] += 1
            turn = self.asked[duration]
            handler.counted = self.manners.get(duration) != "hangs"  # its client has left long before it ends
            self.at_once += handler.counted
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.keys.add(handler.headers.get("Authorization"))
            self.bodies.append(body)
        try:
            time.sleep(self.delay_s)
            self._behave(handler, body, duration, turn)
        finally:
            self._done(handler)

    def clip_of(self, text: str) -> float:
        """The clip that a question is about, by its duration; one without facts is about the only clip."""
        told = DURATION.findall(text)
        return float(told[0]) if told else next(iter(self.answers))

    def good_answer(self, body: dict[str, Any], wanted: list[str], duration: float) -> dict[str, Any]:
        """What is answered by a server that behaves."""
        return {name: self.answers[duration][name] for name in wanted}

    def _done(self, handler: Any) -> None:
        """The question is answered: counted out before the reply leaves, since the next one follows at once."""
        with self.lock:
            self.at_once -= handler.counted
            handler.counted = False

    def _behave(self, handler: Any, body: dict[str, Any], duration: float, turn: int) -> None:
        manner = self.manners.get(duration, "good")
        wanted = body["response_format"]["json_schema"]["schema"]["required"]
        good = self.good_answer(body, wanted, duration)
        if manner == "slow":
            time.sleep(0.2)
        if manner == "busy" and turn == 1:
            return self._send(handler, 429, b"{}", {"Retry-After": "0.05"})
        if manner in ("stumbles", "down") and (turn == 1 or manner == "down"):
            return self._send(handler, 500, b"boom")
        if manner in ("drops", "gone") and (turn == 1 or manner == "gone"):
            self._done(handler)
            handler.connection.close()
            return None
        if manner == "hangs":
            time.sleep(1.5)
        if manner == "empty body":
            return self._send(handler, 200, b"")
        if manner == "denied":
            return self._send(handler, 401, b"{}")
        if manner == "too long":
            words = f"the context holds 4096 tokens; {handler.headers.get('Authorization')}"
            return self._send(handler, 400, json.dumps({"error": {"message": words}}).encode())
        content, finish, refusal = self._content(manner, good, turn)
        if manner == "repeats the key":
            content = f"{content}\nYou sent {handler.headers.get('Authorization')}"
        choice = {"message": {"role": "assistant", "content": content, "refusal": refusal}, "finish_reason": finish}
        reply = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 50}}
        with self.lock:
            self.answered[duration] += 1
        return self._send(handler, 200, json.dumps(reply).encode())

    def _content(self, manner: str, good: dict[str, Any], turn: int) -> tuple[str | None, str, str | None]:
        text = json.dumps(good, ensure_ascii=False)
        if manner == "cut" or (manner == "cut once" and turn == 1):
            return text[: len(text) // 2], "stop", None
        if manner == "says nothing" and turn == 1:
            return "", "stop", None
        if manner == "length":
            return text[: len(text) // 2], "length", None
        if manner == "wrong language" and "description_en" in good:
            return json.dumps({**good, "description_en": WRONG_ENGLISH * 6}, ensure_ascii=False), "stop", None
        if manner == "refusal":
            return None, "stop", "I will not."
        if manner == "refusal in words":
            return "I'm sorry, I cannot assist with that request.", "stop", None
        if manner == "invents" and "observations" in good:
            seen = {
                **good["observations"][-1],
                "eid": "t9",
                "modality": "lexical",
                "quote": "nobody ever said this here",
            }
            return json.dumps({**good, "observations": [*good["observations"], seen]}, ensure_ascii=False), "stop", None
        if manner == "hears" and "observations" in good:
            seen = {**good["observations"][0], "eid": "a7", "modality": "acoustic"}
            return json.dumps({**good, "observations": [*good["observations"], seen]}, ensure_ascii=False), "stop", None
        if manner == "empty":
            return "", "stop", None
        if manner == "chatty":
            return f"```json\n{text}\n```", "stop", None
        if manner == "prose":
            return "The person is happy, I think.", "stop", None
        if manner == "other shape":
            return json.dumps({"emotion": "happy"}), "stop", None
        return text, finish_of(manner), None

    def _send(self, handler: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._done(handler)
        try:
            handler.send_response(status)
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True


def finish_of(manner: str) -> str:
    """How the server says a whole answer ended; some servers filter content."""
    return "content_filter" if manner == "filtered" else "stop"
