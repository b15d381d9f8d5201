"""The hub path, with the real hub client against a small hub on loopback (the client runs in a child)."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMIT = "c" * 40
FILES = {"model.bin": b"weights" * 100, "config.json": b"{}"}


class _Hub(http.server.BaseHTTPRequestHandler):
    """Answers what the client asks: the repository's description, its tree, and its files."""

    published: dict[str, bytes] = FILES

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/models/someone/tiny/tree/"):
            self._send(json.dumps([self._entry(name) for name in self.published]).encode(), body)
        elif path.startswith("/api/models/someone/tiny"):
            siblings = [{"rfilename": n, "size": len(d), "lfs": self._lfs(n)} for n, d in self.published.items()]
            described = {"id": "someone/tiny", "modelId": "someone/tiny", "sha": COMMIT, "siblings": siblings}
            self._send(json.dumps(described).encode(), body)
        elif "/resolve/" in path and path.rsplit("/", 1)[1] in self.published:
            self._send(self.published[path.rsplit("/", 1)[1]], body)
        else:
            self.send_error(404)

    def _lfs(self, name: str) -> dict[str, object] | None:
        data = self.published[name]
        pin = hashlib.sha256(data).hexdigest()
        return {"sha256": pin, "oid": pin, "size": len(data), "pointerSize": 130} if name == "model.bin" else None

    def _entry(self, name: str) -> dict[str, object]:
        entry = {"type": "file", "path": name, "size": len(self.published[name]), "oid": "0" * 40}
        return {**entry, "lfs": self._lfs(name)} if self._lfs(name) else entry

    def _send(self, data: bytes, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a child that sees only this hub."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxies = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "HF_HUB_OFFLINE", "VER_OFFLINE"}
    kept = {name: value for name, value in os.environ.items() if name not in proxies}
    yield {
        **kept,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "VER_HOME": str(tmp_path / "home"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_INDEX": "1",
    }
    server.shutdown()
    server.server_close()


def child(code: str, env: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


FETCH = """
from pathlib import Path
from ver_pipeline.assets import hub
folder = Path({folder!r}); folder.mkdir()
print(hub.fetch_pinned("someone/tiny", {pins!r}, folder), sorted(p.name for p in folder.iterdir()))
"""


def test_files_with_the_pinned_bytes_are_taken_from_the_hub(hub: dict[str, str], tmp_path: Path) -> None:
    pins = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    said = child(FETCH.format(folder=str(tmp_path / "got"), pins=pins), hub)
    assert said == "True ['config.json', 'model.bin']"
    assert (tmp_path / "got" / "model.bin").read_bytes() == FILES["model.bin"]


def test_other_bytes_on_the_hub_send_us_elsewhere_without_a_download(hub: dict[str, str], tmp_path: Path) -> None:
    pins = {"model.bin": "0" * 64}
    assert child(FETCH.format(folder=str(tmp_path / "got"), pins=pins), hub) == "False []"


def test_a_model_outside_the_list_is_had_by_its_commit_and_then_found_offline(
    hub: dict[str, str], tmp_path: Path
) -> None:
    code = f"""
from ver_pipeline.assets import store
path = store.resolve("hub:someone/tiny@{COMMIT}")
print(path.name, (path / "model.bin").stat().st_size, [p.name for p in path.iterdir() if p.name.startswith(".")])
"""
    expected = f"someone--tiny-{COMMIT} {len(FILES['model.bin'])} []"
    assert child(code, hub) == expected
    assert child(code, {**hub, "VER_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}) == expected


def test_a_hub_that_does_not_answer_is_an_error_with_a_cure_and_not_a_long_wait(hub: dict[str, str]) -> None:
    code = f"""
from ver_pipeline.cli import main
raise SystemExit(0 if main(["models", "fetch", "hub:someone/tiny@{COMMIT}"]) == 1 else 5)
"""
    env = {**hub, "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "the hub cannot be reached" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_hub_that_drops_the_connection_sends_us_elsewhere(hub: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as transcriber:

        def hang_up() -> None:
            while True:
                try:
                    transcriber.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        env = {**hub, "HF_ENDPOINT": f"http://127.0.0.1:{transcriber.getsockname()[1]}"}
        said = child(FETCH.format(folder=str(tmp_path / "got"), pins={"model.bin": "0" * 64}), env)
    assert said == "False []"
