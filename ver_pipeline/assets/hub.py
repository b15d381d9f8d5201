"""The model hub, asked only when it answers: pinned files, or a whole repository at one commit."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from ver_pipeline.assets.packages import FetchError
from ver_pipeline.schemas.extras import imports
from ver_pipeline.schemas.hashing import sha256_file

log = logging.getLogger(__name__)

PROBE_S = 3.0


def answers() -> bool:
    """Whether the hub may be asked and a connection to it opens; its client retries for minutes if not."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    try:
        from huggingface_hub.constants import ENDPOINT
    except ImportError:
        return False  # there is no client that could ask
    endpoint = urllib.parse.urlsplit(ENDPOINT)
    address = (endpoint.hostname or "", endpoint.port or (80 if endpoint.scheme == "http" else 443))
    try:
        socket.create_connection(address, timeout=PROBE_S).close()
    except OSError:
        return False
    return True


def fetch_pinned(repository: str, pins: Mapping[str, str], folder: Path) -> bool:
    """Put files with these sha256 into ``folder``; False when the hub does not hold those bytes or fails."""
    if not answers():
        return False
    from huggingface_hub import HfApi, hf_hub_download

    try:
        info = HfApi().model_info(repository, files_metadata=True)
        published = {s.rfilename: s.lfs.sha256 for s in info.siblings or () if s.lfs}
        if any(published.get(path, pin) != pin for path, pin in pins.items()):
            return False  # other bytes under the same name: the pinned package serves
        for path in pins:
            hf_hub_download(repository, path, revision=info.sha, local_dir=folder)
    except _client_errors() as error:
        log.info("%s: the hub did not serve it: %s", repository, error)
        return False
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return all(sha256_file(folder / path) == pin for path, pin in pins.items())


def fetch_snapshot(repository: str, revision: str, folder: Path) -> None:
    """Put the whole repository as of one commit into ``folder``.

    Raises:
        FetchError: the hub cannot be reached or does not hold that commit.
        MissingDependencyError: huggingface_hub is not installed.
    """
    if not answers():
        raise FetchError("the hub cannot be reached")
    with imports("build", "a model of the hub"):
        from huggingface_hub import snapshot_download

    try:
        snapshot_download(repository, revision=revision, local_dir=folder)
    except _client_errors() as error:
        raise FetchError(f"the hub did not serve {repository}: {error}") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _client_errors() -> tuple[type[BaseException], ...]:
    """What the hub's client raises when the hub fails it.

    Which HTTP library is under it, and so the class of a broken connection, differs between its versions;
    that library's base error is the first base of the client's own.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return (*HfHubHTTPError.__bases__, OSError, ValueError)
