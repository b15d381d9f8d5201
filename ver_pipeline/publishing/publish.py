"""Publishing: shards, index and catalog are made beside the data set and switched in by the manifest.

Everything is written and synced in a staging folder on the same filesystem, moved in under names that
carry a hash of the content, and only then listed in ``manifest.json``, which is replaced last.  A build
that dies at any point leaves the data set that was published before it whole.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.engine.cache import write_atomically
from ver_pipeline.growth.tombstones import carry
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.manifest import MANIFEST_NAME, MANIFEST_SCHEMA, load_manifest, manifest_bytes, seal_manifest
from ver_pipeline.schemas.record import SCHEMA_VERSION
from ver_pipeline.stages.shard import NAME_HASH_CHARS, Sample, Shard, index_rows, plan_shards, write_shard

log = logging.getLogger(__name__)

NOT_CONTENT = frozenset({"catalog/runs", "report.html"})
"""Files that tell of the build as well as of the data (clock times): left out of the data set's identity."""

PageWriter = Callable[[Path], None]
"""Adds derived files (expectations, card, report) to a staged data set."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that goes into a data set.  Rows are JSON dicts; ``samples`` in any order."""

    samples: Sequence[Sample]
    sources: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    config: BuildConfig
    fingerprints: Mapping[str, str]
    tools: Mapping[str, str]


def publish(out_dir: Path, staging: Path, content: Content, pages: Sequence[PageWriter] = (), workers: int = 2) -> Path:
    """Write the data set and switch to it; returns the manifest's path.

    Args:
        out_dir: the data set; what a previous manifest listed and the new one does not is removed.
        staging: a folder on the same filesystem; emptied first, gone afterwards.
        pages: called in order on the staged data set (with its manifest), each may add files.
        workers: shards written at once.
    """
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    shards = _write_shards(staging, content, workers)
    _write_tables(staging, shards, content)
    carry(out_dir, staging)
    files = _describe(staging, shards)
    manifest = _manifest(files, content)
    for page in pages:
        write_atomically(staging / MANIFEST_NAME, manifest_bytes(manifest))
        page(staging)
        files = _describe(staging, shards)
        manifest = _manifest(files, content)
    before = _listed(out_dir)
    _move_in(staging, out_dir, [file["path"] for file in files])
    write_atomically(out_dir / MANIFEST_NAME, manifest_bytes(manifest))
    _remove(out_dir, before - {file["path"] for file in files})
    shutil.rmtree(staging, ignore_errors=True)
    return out_dir / MANIFEST_NAME


def _write_shards(staging: Path, content: Content, workers: int) -> list[Shard]:
    numbers: dict[str, int] = {}
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        jobs = []
        for split, samples in plan_shards(content.samples, content.config.shard):
            number = numbers[split] = numbers.get(split, -1) + 1
            jobs.append(pool.submit(write_shard, staging, split, number, samples))
        return [job.result() for job in jobs]


def _write_tables(staging: Path, shards: Sequence[Shard], content: Content) -> None:
    from ver_pipeline.catalog.write import write_catalog, write_index
    from ver_pipeline.schemas.tables import flat_columns

    paths = {sample.key: sample.record_path for sample in content.samples}

    def flat(keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        return (flat_columns(json.loads(Path(paths[key]).read_bytes())) for key in keys)

    by_shard = [index_rows(shard, flat(sorted(shard.members))) for shard in shards]
    write_index(heapq.merge(*by_shard, key=lambda row: row["key"]), staging / "index.parquet")
    records = (json.loads(Path(paths[key]).read_bytes()) for key in sorted(paths))
    write_catalog(records, content.sources, content.rejects, content.runs, staging / "catalog")
    _name_by_content(staging / "index.parquet")
    for table in sorted((staging / "catalog").glob("*.parquet")):
        _name_by_content(table)


def _name_by_content(path: Path) -> None:
    sha256, _ = hash_file(path)
    os.replace(path, path.with_name(f"{path.stem}-{sha256[:NAME_HASH_CHARS]}{path.suffix}"))


def _describe(staging: Path, shards: Sequence[Shard]) -> list[dict[str, Any]]:
    """The manifest's entry for every staged file, sorted by path."""
    by_name = {shard.name: shard for shard in shards}
    entries = []
    for path in sorted(p for p in staging.rglob("*") if p.is_file() and p.name != MANIFEST_NAME):
        name = path.relative_to(staging).as_posix()
        shard = by_name.get(name)
        if shard is not None:
            known = {"sha256": shard.sha256, "size_bytes": shard.size_bytes}
            entry = {"path": name, "kind": "shard", **known, "split": shard.split, "n_samples": len(shard.members)}
        else:
            sha256, size_bytes = hash_file(path)
            entry = {"path": name, "kind": _kind(name), "sha256": sha256, "size_bytes": size_bytes}
        entries.append(entry)
    return entries


def _kind(name: str) -> str:
    if name.startswith("catalog/"):
        return "catalog"
    fixed = {"README.md": "card", "report.html": "report", "expectations.json": "expectations"}
    return fixed.get(name, "index" if name.startswith("index-") else "other")


def _manifest(files: Sequence[Mapping[str, Any]], content: Content) -> dict[str, Any]:
    same = [(f["path"], f["sha256"]) for f in files if not _tells_of_the_run(f["path"])]
    body = {
        "schema": MANIFEST_SCHEMA,
        "record_schema": SCHEMA_VERSION,
        "dataset_id": digest(same),
        "files": list(files),
        "counts": {
            "sources": len(content.sources),
            "clips": len(content.samples) + sum(1 for r in content.rejects if r["key"]),
            "samples": len(content.samples),
            "rejects": len(content.rejects),
        },
        "config": content.config.model_dump(mode="json", by_alias=True),
        "fingerprints": dict(content.fingerprints),
        "tools": dict(content.tools),
    }
    return seal_manifest(body)


def _tells_of_the_run(name: str) -> bool:
    return name in NOT_CONTENT or name.rpartition("-")[0] in NOT_CONTENT


def _listed(out_dir: Path) -> set[str]:
    """Files of the data set that is published now."""
    if not (out_dir / MANIFEST_NAME).exists():
        return set()
    return {file["path"] for file in load_manifest(out_dir)["files"]}


def _move_in(staging: Path, out_dir: Path, names: Sequence[str]) -> None:
    for name in names:
        target = out_dir / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staging / name, target)
    for folder in {(out_dir / name).parent for name in names}:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(out_dir: Path, names: set[str]) -> None:
    for name in sorted(names):
        try:
            (out_dir / name).unlink()
        except FileNotFoundError:
            log.info("%s was already gone", name)
