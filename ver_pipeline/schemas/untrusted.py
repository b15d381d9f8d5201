"""Names, keys and sizes that come out of a data set are somebody else's: what they may be is decided here.

A data set is read by its manifest and its index.  Both are checked when it is opened; whoever writes a file under a
name that came out of it joins the path with :func:`inside`, which cannot leave its folder.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.keys import KEY_PATTERN

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = frozenset({"shard", "index", "catalog", "card", "report", "expectations", "tombstones", "other"})
SPLITS = frozenset({"train", "val", "test", "heldout"})
MEMBERS = ("json", "mp4", "jpg")

INDEX_COLUMNS = ("key", "split", "shard", *(f"{name}_{what}" for name in MEMBERS for what in ("offset", "size")))
"""Columns of the index by which samples are found."""

SAFE_TOKENIZER: Mapping[str, Any] = {"trust_remote_code": False, "local_files_only": True}
"""Arguments of transformers' ``from_pretrained`` for a folder that may be anybody's: no code of the folder is run."""

SAFE_WEIGHTS: Mapping[str, Any] = {**SAFE_TOKENIZER, "use_safetensors": True}
"""The same for a model: nor are weights read that are not safetensors, since a pickle is code."""

TEXT_LIMIT_BYTES = 256 << 20
"""How large a manifest, a journal or a list of withdrawn keys may be."""

_KEY = re.compile(KEY_PATTERN)
_SHA256 = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_TEXTS = ("record_schema", "dataset_id")
_TABLES = ("config", "fingerprints", "tools", "counts")
_CURE = "do not use it: it was not written by a build of this release, or was tampered with"


def inside(folder: Path, *names: str) -> Path:
    """``folder / names...``, where each name is a single component and nothing on the way below ``folder`` is a link.

    Raises:
        CorruptDataError: a name would lead out of the folder, or a link stands in its way.
    """
    path = folder
    for name in names:
        if not is_component(name):
            raise CorruptDataError(f"{name!r} is no name of a file", _CURE)
        path = path / name
        if path.is_symlink():
            raise CorruptDataError(f"{path} is a link", "remove it: nothing is written through links")
    return path


def read_plain(path: Path, limit_bytes: int = TEXT_LIMIT_BYTES) -> bytes:
    """A text of a data set's folder, which may be anybody's: a pipe is not waited for, a device not read for ever.

    Raises:
        OSError: it is not there, cannot be read, or is no file.
        CorruptDataError: it is too large.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        if state.st_size > limit_bytes:
            raise CorruptDataError(f"{path} has {state.st_size} bytes, more than it can have", _CURE)
        return file.read()


def is_component(name: Any) -> bool:
    """Whether this is the name of a file in its folder, on any system: no separator, no device, no control sign."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not any(sign in '/\\:*?"<>|' or not sign.isprintable() for sign in name)
        and not name.endswith((".", " "))
        and len(name.encode("utf-8", "surrogatepass")) <= 255
    )


def is_key(text: Any) -> bool:
    """Whether this is a clip's key."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def check_manifest(manifest: Any, where: str) -> dict[str, Any]:
    """The manifest, if every field that anything relies on is what it must be.

    Args:
        where: what an error calls it: its path or address.

    Raises:
        CorruptDataError: naming the field.
    """

    def refuse(what: str) -> CorruptDataError:
        return CorruptDataError(f"{where}: {what}", _CURE)

    if not isinstance(manifest, dict):
        raise refuse("it is no JSON object")
    for name in _TABLES:
        if not isinstance(manifest.get(name), dict):
            raise refuse(f"{name!r} is no table")
    for name in _TEXTS:
        if not isinstance(manifest.get(name), str):
            raise refuse(f"{name!r} is no text")
    if not _SHA256.fullmatch(manifest["dataset_id"]):
        raise refuse("'dataset_id' is no sha256")
    if not all(_is_count(value) for value in manifest["counts"].values()):
        raise refuse("'counts' holds what is no count")
    files = manifest.get("files")
    if not isinstance(files, list):
        raise refuse("'files' is no list")
    seen: set[str] = set()
    for entry in files:
        wrong = _wrong_entry(entry)
        if wrong is not None:
            raise refuse(f"the file {_shown(entry)} has {wrong}")
        if entry["path"].lower() in seen:
            raise refuse(f"the file {_shown(entry)} is listed twice")
        seen.add(entry["path"].lower())
    return manifest


def _wrong_entry(entry: Any) -> str | None:
    """What is wrong with the manifest's entry of one file, or None."""
    if not isinstance(entry, dict):
        return "an entry that is no table"
    path = entry.get("path")
    parts = path.split("/") if isinstance(path, str) else []
    if not 1 <= len(parts) <= 2 or not all(_NAME.fullmatch(part) for part in parts):
        return "a path that leads elsewhere"
    if not isinstance(entry.get("kind"), str) or entry["kind"] not in KINDS:
        return f"the unknown kind {entry.get('kind')!r}"
    if not isinstance(entry.get("sha256"), str) or not _SHA256.fullmatch(entry["sha256"]):
        return "no sha256"
    if not _is_count(entry.get("size_bytes")):
        return "no size"
    if entry["kind"] == "shard" and (str(entry.get("split")) not in SPLITS or not _is_count(entry.get("n_samples"))):
        return "no split or count of samples"
    return None


def check_files(root: Path, files: Sequence[Mapping[str, Any]]) -> None:
    """Every listed file that is there is a plain file, of its listed size; none is a link to elsewhere.

    Raises:
        CorruptDataError: naming the file.
    """
    for entry in files:
        parts = entry["path"].split("/")
        for path in (root / parts[0], root / entry["path"])[: len(parts)]:
            if path.is_symlink():
                raise CorruptDataError(f"{path} is a link", "a data set consists of plain files: copy it whole")
        try:
            state = os.lstat(root / entry["path"])
        except FileNotFoundError:
            continue  # whoever needs it says so: a catalog without its shards can be queried
        if not stat.S_ISREG(state.st_mode):
            raise CorruptDataError(f"{root / entry['path']} is no plain file", "copy the data set whole")
        if state.st_size != entry["size_bytes"]:
            what = f"{root / entry['path']} has {state.st_size} bytes, published were {entry['size_bytes']}"
            raise CorruptDataError(what, "run `ver lint`, restore the file or build again")


def read_index(path: Path, files: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> pa.Table:
    """The index of a data set, checked (:func:`check_index`).

    Args:
        columns: those that are wanted; None for all.

    Raises:
        CorruptDataError: it cannot be read, or a row of it is not what a build writes.
    """
    import pyarrow as pa

    from ver_pipeline.schemas.bounded_parquet import read_bounded

    try:
        table = read_bounded(path, columns)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise CorruptDataError(f"{path} cannot be read: {first_line(error)}", "run: ver lint") from error
    check_index(table, files, str(path))
    return table


def first_line(error: Exception) -> str:
    """What a library complained of, in one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def check_index(table: pa.Table, files: Sequence[Mapping[str, Any]], where: str) -> None:
    """Every row of the index has a key of its own, rows ascend by it, and each points into a shard of the manifest.

    Args:
        table: with ``key``, ``split``, ``shard`` and each member's offset and size in bytes.
        files: the manifest's entries.

    Raises:
        CorruptDataError: naming the first row that does not.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in INDEX_COLUMNS:
        wanted = pa.string() if name in INDEX_COLUMNS[:3] else pa.int64()
        if name not in table.column_names or table[name].type != wanted:
            raise CorruptDataError(f"{where}: the index has no column {name!r} of type {wanted}", _CURE)

    def refuse_where(bad: Any, what: str) -> None:
        bad = pc.fill_null(bad, True)
        if pc.any(bad).as_py():
            row = table.filter(bad).slice(0, 1).to_pylist()[0]
            raise CorruptDataError(f"{where}: the index row of {str(row['key'])[:60]!r} {what}", _CURE)

    refuse_where(pc.invert(pc.match_substring_regex(table["key"], f"^{KEY_PATTERN}$")), "has no key of a clip")
    refuse_where(pc.not_equal(pc.utf8_length(table["key"]), 34), "has no key of a clip")
    keys = table["key"].combine_chunks()
    if pc.any(pc.greater_equal(keys[:-1], keys[1:])).as_py():
        raise CorruptDataError(f"{where}: the index is not in order of keys, or names one twice", _CURE)
    sizes = {entry["path"]: entry["size_bytes"] for entry in files if entry["kind"] == "shard"}
    names = pa.array(list(sizes), pa.string())
    refuse_where(pc.invert(pc.is_in(table["shard"], value_set=names)), "names a shard that the manifest does not list")
    refuse_where(pc.invert(pc.is_in(table["split"], value_set=pa.array(sorted(SPLITS)))), "has an unknown split")
    ends = pa.array(sizes.values(), pa.int64()).take(pc.index_in(table["shard"], value_set=names))
    refuse_where(pc.is_null(table["json_offset"]), "has no record")
    for member in MEMBERS:
        offset, size = (pc.fill_null(table[f"{member}_{what}"], 0) for what in ("offset", "size"))
        outside = pc.or_(pc.less(offset, 0), pc.less(size, 0))
        beyond = pc.or_(pc.greater(size, ends), pc.greater(offset, pc.subtract(ends, size)))
        refuse_where(pc.or_(outside, beyond), f"points outside its shard ({member})")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def _shown(entry: Any) -> str:
    path = entry.get("path") if isinstance(entry, dict) else entry
    return repr(path)[:80]
