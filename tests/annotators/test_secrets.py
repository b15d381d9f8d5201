"""A key from the environment reaches the server and nothing else: no file, no log, no report, no list of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from server_kit import QUICK, make_server, run
from test_reannotate import make_data_set
from test_reannotate_unreached import served

KEY = "sk-t0p+secret/quoted%41"  # signs that addresses write in other ways
WORDS = (KEY, "t0p+secret", "t0p%2Bsecret")

MANNERS = (
    ["good", "repeats the key", "refusal"],
    ["denied", "denied", "denied"],
    ["too long", "too long", "too long"],  # repeats the key in its refusal
    ["down", "gone", "hangs"],
    ["cut", "prose", "repeats the key"],
)


@pytest.mark.parametrize("manners", MANNERS, ids=" ".join)
def test_a_teacher_s_key_is_nowhere_after_runs_that_succeed_and_that_fail(manners: list[str], tmp_path: Path) -> None:
    out = make_data_set(tmp_path, [b"one", b"two", b"three"])
    with served(out, manners) as server:
        options = {"openai": {"model": "m", "base_url": server.base_url, "send": "nothing", **QUICK}}
        command = [sys.executable, "-P", "-m", "ver_pipeline", "annotate", str(out), "--annotator", "openai", "-vv"]
        said = watched([*command, "--set", f"annotate.options={json.dumps(options)}"], tmp_path)
        assert server.keys == {f"Bearer {KEY}"}
    assert_nowhere(said, "what the command said")
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert_nowhere(path.read_bytes().decode("utf-8", "replace"), str(path))
        assert_nowhere(path.name, "a file's name")


@pytest.mark.parametrize("key", [KEY, None])
def test_a_password_of_the_user_s_own_for_that_host_is_not_sent_in_place_of_the_key(
    key: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login bob password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OPENAI_API_KEY", key or "")
    with make_server(1) as server:
        assert run(server, 1)[0].annotation is not None
        assert server.keys == {f"Bearer {key}" if key else None}


def test_a_user_in_the_address_of_the_environment_is_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with make_server(1) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url.replace("//", "//bob:word@"))
        assert run(server, 1, base_url="")[0].annotation is not None
        assert server.keys == {"Basic Ym9iOndvcmQ="}


def test_a_store_s_key_is_nowhere_when_the_store_refuses_it(tmp_path: Path) -> None:
    out = make_data_set(tmp_path, [b"one"])
    address = "s3://bucket/set?scheme=http&endpoint_override=127.0.0.1%3A9&region=us-east-1"
    said = watched([sys.executable, "-P", "-m", "ver_pipeline", "push", str(out), address, "-vv"], tmp_path, status=1)
    assert_nowhere(said, "what the command said")
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert_nowhere(path.read_bytes().decode("utf-8", "replace"), str(path))


def watched(command: list[str], folder: Path, status: int | None = None) -> str:
    """Run a command with the key in its environment; every process it starts is looked at meanwhile."""
    keys = dict.fromkeys(("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"), KEY)
    env = {**os.environ, **keys, "TMPDIR": str(folder)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: set[str] = set()
    while process.poll() is None:
        for child in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            try:
                lines.add(" ".join(child.cmdline()))
            except psutil.Error:
                continue
        time.sleep(0.05)
    said = process.communicate()[0]
    assert status is None or process.returncode == status, said
    for line in lines:
        assert_nowhere(line, "the list of processes")
    return said


def assert_nowhere(text: str, where: str) -> None:
    for word in WORDS:
        assert word not in text, f"the key stands in {where}"
