"""What a teacher's server sends is foreign: it leads nowhere else, and takes no memory without measure."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ver_pipeline.annotators.backends import http
from ver_pipeline.annotators.options import OpenAIOptions
from ver_pipeline.annotators.teacher.rate_limits import RateLimiter
from ver_pipeline.assets import packages


@contextmanager
def server(status: int, headers: dict[str, str], body: bytes) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", asked
    finally:
        running.shutdown()
        running.server_close()


def post(url: str) -> http.Reply:
    options = OpenAIOptions(model="m", tries=1)
    return http.post(http.Endpoint(url, "secret"), {}, options, RateLimiter(0))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_that_sends_us_elsewhere_makes_no_request_there(status: int) -> None:
    with server(200, {}, b"{}") as (elsewhere, asked), server(status, {"Location": elsewhere}, b"") as (teacher, _):
        reply = post(teacher)
    assert asked == [] and reply.body is None and "elsewhere" in reply.message


def test_a_reply_that_unpacks_to_gigabytes_is_not_taken() -> None:
    body = gzip.compress(bytes(300 << 20))
    with server(200, {"Content-Encoding": "gzip"}, body) as (teacher, _):
        reply = post(teacher)
    assert reply.body is None and "longer than" in reply.message


def test_credentials_in_a_registry_s_address_are_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(200, {}, b"ok") as (place, asked):
        address = place.replace("//", "//user:hunter%402@")
        with packages._open(address) as response:
            assert response.read() == b"ok"
    assert asked == [("/", "Basic dXNlcjpodW50ZXJAMg==")]
    monkeypatch.setenv("PIP_INDEX_URL", address)
    package = packages.Package("pypi", "x", "1", "x-1.whl", "0" * 64, 1)
    with pytest.raises(packages.FetchError) as caught:
        packages._pypi_address(package)
    assert "hunter" not in str(caught.value)
