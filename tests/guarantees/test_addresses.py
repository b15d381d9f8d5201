"""An address may hold a password: it is told in no message, nor is a proxy's."""

from __future__ import annotations

from pathlib import Path

import pytest
from published import publish

from ver_pipeline.cli import main
from ver_pipeline.schemas.address import shown, told

STORE = "region=us-east-1&scheme=http&endpoint_override=127.0.0.1%3A9&connect_timeout=1"
ADDRESSES = (
    "http://bob:hidden-word@127.0.0.1:9/set",
    "http://127.0.0.1:9/set?sig=hidden-word",
    f"s3://AKID:hidden-word@bucket/set?{STORE}",
    "s3://AKID:hidden-word@bucket/set?nonsense=3",
    "s3://AKID:hidden-word@buc ket/set",
    "s3://AKID:hidden/hidden-word@bucket/set",
    "none://bob:hidden-word@bucket/set",
)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("command", ["query", "push", "plan", "validate"])
def test_no_message_tells_a_password_that_stands_in_an_address(
    command: str, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    if command == "push":
        publish(tmp_path / "out")
    arguments = {
        "query": [address, "SELECT 1"], "validate": [address], "push": [str(tmp_path / "out"), address],
        "plan": ["--source", address, "--out", str(tmp_path / "new")],
    }[command]  # fmt: skip
    assert main([command, *arguments]) in (1, 2)
    said = "".join(capsys.readouterr())
    assert said.count("\n") == 1 and "hidden-word" not in said, said


@pytest.mark.parametrize("proxy", ["http://bob:hidden/word@127.0.0.1:9", "http://bob:a@b:hidden@127.0.0.1:hidden"])
def test_no_message_tells_a_proxy_s_password(
    proxy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    assert main(["query", "http://example.test/set", "SELECT 1"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "hidden" not in said, said


def test_what_tells_where_a_data_set_is_stays() -> None:
    assert shown("s3://AKID:word@bucket/a/set?region=x") == "s3://bucket/a/set"
    assert shown("/data/a@b?c") == "/data/a@b?c"
    assert shown("s3://bucket/mail@home/set") == "s3://bucket/mail@home/set"
    assert told(OSError("no s3://u:word@b/set there, says word\nmore"), "s3://u:word@b/set") == (
        "no s3://b/set there, says (hidden)"
    )
