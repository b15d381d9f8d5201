"""Is every file there that the manifest lists, as it was published, and nothing left of a killed command?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.lint.defect import Defect
from ver_pipeline.schemas.hashing import sha256_file
from ver_pipeline.shards.journals import switch_journal, withdrawal_journal
from ver_pipeline.shards.manifest import MANIFEST_NAME
from ver_pipeline.shards.names import names_of
from ver_pipeline.shards.switch import stale_copies

HIDDEN = ".ver"


def file_defects(out_dir: Path, manifest: Mapping[str, Any]) -> Iterator[Defect]:
    """Every defect that can be told by names, sizes and hashes."""
    yield from _listed(out_dir, manifest["files"])
    yield from _copies(out_dir, manifest)
    yield from _unfinished(out_dir)
    yield from _stray(out_dir, manifest)


def _listed(out_dir: Path, files: list[dict[str, Any]]) -> Iterator[Defect]:
    """Missing files, and those whose size or hash is not the manifest's (tars are hashed by their own check)."""
    for entry in files:
        path, name = out_dir / entry["path"], entry["path"]
        if not path.is_file():
            yield Defect(name, "", "missing", "the manifest lists it and it is not there")
        elif path.stat().st_size != entry["size_bytes"]:
            yield Defect(name, "", "size", "the file's size is not the manifest's")
        elif entry["kind"] != "shard" and sha256_file(path) != entry["sha256"]:
            yield Defect(name, "", "sha256", "the file's sha256 is not the manifest's")
    for name, n in Counter(entry["path"] for entry in files).items():
        if n > 1:
            yield Defect(MANIFEST_NAME, "", "manifest", f"{name} is listed {n} times")


def _copies(out_dir: Path, manifest: Mapping[str, Any]) -> Iterator[Defect]:
    """Pages beside the manifest that are not those it lists: people would read of another data set."""
    for plain, name in stale_copies(out_dir, manifest).items():
        cure = f"copy {name} to {plain}"
        if (out_dir / plain).exists():
            yield Defect(plain, "", "copy", f"it is not the page that the manifest lists ({cure})")
        else:
            yield Defect(plain, "", "copy", f"the page's copy is not there ({cure})", note=True)


def _unfinished(out_dir: Path) -> Iterator[Defect]:
    """What a killed command left to be done; any command that may write there does it."""
    for path, code, what, note in (
        (
            withdrawal_journal(out_dir),
            "withdrawal",
            "samples are to be withdrawn and are not yet (run: ver drop)",
            False,
        ),
        (switch_journal(out_dir), "switch", "a command was killed while it replaced the data set (run it again)", True),
    ):
        if path.exists():
            yield Defect(path.relative_to(out_dir).as_posix(), "", code, what, note=note)


def _stray(out_dir: Path, manifest: Mapping[str, Any]) -> Iterator[Defect]:
    listed = names_of(manifest) | {MANIFEST_NAME}
    for path in sorted(out_dir.rglob("*")):
        name = path.relative_to(out_dir).as_posix()
        if path.is_file() and name not in listed and not name.startswith(f"{HIDDEN}/"):
            yield Defect(name, "", "stray", "the manifest does not list it: readers never see it", note=True)
