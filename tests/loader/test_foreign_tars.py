"""Tars of others: whatever stands in one costs its sample, or one line; never a hang, memory or a traceback."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ver_pipeline.model.data.webfolder import open_webfolder, read_turns
from ver_pipeline.schemas.errors import CorruptDataError

TALK = json.dumps([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]).encode()


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def write(path: Path, names: list[str], data: bytes = TALK) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def header(kind: bytes, size_bytes: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size_bytes
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("talk", ["[[1]]", "[3]", '{"conversations": [null]}', '{"conversations": ["a"]}', "[]", "3"])
def test_a_conversation_of_another_form_is_a_bad_sample_and_nothing_else(talk: str) -> None:
    with pytest.raises(ValueError, match=r"turn|conversations"):
        read_turns(json.loads(talk))


def test_a_pipe_or_a_folder_named_as_a_tar_is_refused_in_one_line(tmp_path: Path) -> None:
    for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "x.tar")
        with pytest.raises(CorruptDataError, match="no plain file"):
            open_webfolder(tmp_path / name)


def test_a_key_that_occurs_twice_among_very_many_is_found_at_once(tmp_path: Path) -> None:
    write(tmp_path / "x.tar", [f"{i}.txt" for i in range(30_000)], b"")
    write(tmp_path / "y.tar", [f"{i}.txt" for i in range(29_999, 50_000)], b"")
    with pytest.raises(CorruptDataError, match="'29999' occurs twice"):
        open_webfolder(tmp_path)


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write(tmp_path / "x.tar", ["\udcff.json"])
    with pytest.raises(CorruptDataError, match="not UTF-8"):
        open_webfolder(tmp_path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("size_bytes", [7 << 30, 8 << 20, 40 << 30])
def test_an_extended_header_that_claims_gigabytes_is_not_read(tmp_path: Path, kind: bytes, size_bytes: int) -> None:
    with (tmp_path / "x.tar").open("wb") as file:
        file.write(header(kind, size_bytes))
        file.truncate(50 << 30)  # a sparse file: it takes no room
    with pytest.raises(CorruptDataError, match="extended header"):
        open_webfolder(tmp_path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_extended_headers_that_follow_each_other_without_end_are_one_line(tmp_path: Path, kind: bytes) -> None:
    text = b"a\0" if kind == tarfile.GNUTYPE_LONGNAME else b"8 path=a\n"
    part = header(kind, len(text)) + text.ljust(512, b"\0")
    (tmp_path / "x.tar").write_bytes(part * 20_000)
    with pytest.raises(CorruptDataError, match="no whole tar"):
        open_webfolder(tmp_path)
