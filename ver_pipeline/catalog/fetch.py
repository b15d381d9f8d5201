"""Where a data set's files are: a local folder, or anything reachable over HTTP or an object store.

Only what ``manifest.json`` names is ever read.  Remote files are copied to a private folder and their
sha256 is compared with the manifest before anything opens them.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from ver_pipeline.schemas.address import shown, told
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError, VerError
from ver_pipeline.schemas.untrusted import TEXT_LIMIT_BYTES, check_files, check_manifest
from ver_pipeline.shards.manifest import MANIFEST_NAME, MANIFEST_SCHEMA, checksum_matches, load_manifest

CHUNK = 1 << 20
TIMEOUT_S = 60.0
_HASHED = re.compile(r"^(?P<name>.+)-[0-9a-f]{8}\.parquet$")


@dataclass(frozen=True, slots=True)
class Located:
    """A data set whose catalog can be read: its manifest and a local path for each table.

    ``tables`` maps table name (and ``index``) to a Parquet file; ``root`` is the folder of the shards,
    or None when the data set is remote.
    """

    location: str
    manifest: dict[str, Any]
    tables: dict[str, Path]
    root: Path | None


def locate(location: str | Path, download_dir: Path) -> Located:
    """Find a data set and bring its catalog within reach.

    Args:
        location: a folder, or a URL of one (``http://``, ``https://``, ``s3://``, ``file://``).
        download_dir: a private folder; files are copied there when the data set is remote.

    Raises:
        CorruptDataError: no manifest, a manifest that does not fit its checksum or names what no build writes, or a
            file that does not fit the manifest.
        VerError: the place cannot be reached.
    """
    text = str(location)
    if "://" not in text:
        root = Path(text).absolute()
        manifest = load_manifest(root)
        tables = {name: root / file["path"] for name, file in table_files(manifest).items()}
        absent = sorted(path.name for path in tables.values() if not path.is_file())
        if absent:
            raise CorruptDataError(f"{root} lacks {absent[0]}, which its manifest names", f"run: ver lint {root}")
        check_files(root, manifest["files"])
        return Located(text, manifest, tables, root)
    opener = _http if text.startswith(("http://", "https://")) else _object_store
    base = text.rstrip("/")
    base = base.removesuffix("/" + MANIFEST_NAME)
    manifest = _remote_manifest(base, opener)
    tables = {}
    for name, file in table_files(manifest).items():
        tables[name] = download_dir / f"{name}.parquet"
        _copy(opener, f"{base}/{file['path']}", tables[name], file)
    return Located(text, manifest, tables, None)


def table_files(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The manifest's entries of the index and the catalog, by table name.

    Raises:
        CorruptDataError: an entry lies outside the data set or is no table, or there is no index.
    """
    tables = {}
    for file in manifest.get("files", []):
        if file.get("kind") not in ("index", "catalog"):
            continue
        path = PurePosixPath(file["path"])
        match = _HASHED.match(path.name)
        if match is None or path.is_absolute() or ".." in path.parts:
            raise CorruptDataError(
                f"the manifest names {file['path']!r}, which is no table", "build the data set again"
            )
        tables[match["name"]] = file
    if "index" not in tables:
        raise CorruptDataError("the manifest names no index", "build the data set again")
    return tables


def _remote_manifest(base: str, opener: Callable[[str], BinaryIO]) -> dict[str, Any]:
    with opener(f"{base}/{MANIFEST_NAME}") as stream:
        data = stream.read(TEXT_LIMIT_BYTES)
    try:
        manifest = parse_json(data)
    except ValueError as error:
        raise CorruptDataError(f"{shown(base)}/{MANIFEST_NAME} is not JSON: {error}", "check the address") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != MANIFEST_SCHEMA or not checksum_matches(manifest):
        raise CorruptDataError(f"{shown(base)}/{MANIFEST_NAME} is not a whole {MANIFEST_SCHEMA}", "publish it again")
    return check_manifest(manifest, f"{shown(base)}/{MANIFEST_NAME}")


def _copy(opener: Callable[[str], BinaryIO], url: str, path: Path, file: dict[str, Any]) -> None:
    seen = hashlib.sha256()
    with opener(url) as source, path.open("wb") as target:
        while chunk := source.read(CHUNK):
            seen.update(chunk)
            target.write(chunk)
    if seen.hexdigest() != file["sha256"]:
        raise CorruptDataError(
            f"{shown(url)} is not what the manifest says: its sha256 differs", "publish the file again"
        )


def _http(url: str) -> BinaryIO:
    try:
        return cast(BinaryIO, urllib.request.urlopen(url, timeout=TIMEOUT_S))
    except (urllib.error.URLError, TimeoutError) as error:
        raise VerError(f"cannot read {shown(url)}: {told(error, url)}", "check the address and the network") from error
    except (http.client.HTTPException, ValueError) as error:  # its words may be a proxy's password
        what = f"cannot read {shown(url)}: the address, or a proxy's, is not understood ({type(error).__name__})"
        raise VerError(what, "check the address, http_proxy and https_proxy") from None


def _object_store(url: str) -> BinaryIO:
    """Any filesystem that pyarrow knows by URI: s3, gs, file; credentials come from the environment."""
    import pyarrow as pa
    from pyarrow import fs

    try:
        if "?" in url:  # options such as endpoint_override follow the folder's path
            head, _, tail = url.partition("?")
            options, _, name = tail.partition("/")
            url = f"{head.rstrip('/')}/{name}?{options}"
        filesystem, path = fs.FileSystem.from_uri(url)
        return cast(BinaryIO, filesystem.open_input_stream(path))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise VerError(
            f"cannot read {shown(url)}: {told(error, url)}", "check the address and the credentials"
        ) from error
