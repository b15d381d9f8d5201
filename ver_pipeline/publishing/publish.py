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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.engine.cache import write_atomically
from ver_pipeline.growth.tombstones import carry
from ver_pipeline.publishing.reuse import contents_digest, published_shards
from ver_pipeline.publishing.staged import PAGES, Entry, data_set_id, entry_of, link, name_by_content
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.manifest import MANIFEST_NAME, MANIFEST_SCHEMA, load_manifest, manifest_bytes, seal_manifest
from ver_pipeline.schemas.record import SCHEMA_VERSION
from ver_pipeline.stages.instruction_set import in_use
from ver_pipeline.stages.shard import Sample, Shard, index_rows, plan_shards, read_offsets, sample_digests, write_shard

log = logging.getLogger(__name__)

PageWriter = Callable[[Path], None]
"""Adds derived files (expectations, card, report) to a staged data set."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that goes into a data set.  Rows are JSON dicts; ``samples`` in any order; ``processor`` is the instruction
    set that the arithmetic ran on."""

    samples: Sequence[Sample]
    sources: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    config: BuildConfig
    fingerprints: Mapping[str, str]
    tools: Mapping[str, str]
    processor: str = field(default_factory=in_use)


def publish(
    out_dir: Path, staging: Path, content: Content, pages: Sequence[PageWriter] = (), workers: int = 2,
    untouched: frozenset[str] = frozenset(),
) -> Path:  # fmt: skip
    """Write the data set and switch to it; returns the manifest's path.

    Args:
        out_dir: the data set; what a previous manifest listed and the new one does not is removed.
        staging: a folder on the same filesystem; emptied first, gone afterwards.
        pages: called in order on the staged data set (with its manifest), each may add files.
        workers: shards written at once.
        untouched: files of ``out_dir`` known to be as they were published; a shard among them that would be written
            again is kept instead.
    """
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    kept = published_shards(out_dir, untouched, content.fingerprints.get("shard"))
    shards = _write_shards(staging, content, workers, out_dir, kept)
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


def _write_shards(
    staging: Path, content: Content, workers: int, out_dir: Path, kept: Mapping[str, Entry]
) -> list[Shard]:
    def shard(split: str, samples: Sequence[Sample]) -> Shard:
        digests = sample_digests(samples)
        entry = kept.get(contents_digest(digests))
        if entry is None or entry["split"] != split:
            return write_shard(staging, split, samples, digests)
        name = entry["path"]
        link(out_dir / name, staging / name)
        return Shard(name, split, entry["sha256"], entry["size_bytes"], read_offsets(staging / name), digests)

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        planned = plan_shards(content.samples, content.config.shard)
        return [job.result() for job in [pool.submit(shard, split, samples) for split, samples in planned]]


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
    for table in [staging / "index.parquet", *sorted((staging / "catalog").glob("*.parquet"))]:
        name_by_content(table)


def _describe(staging: Path, shards: Sequence[Shard]) -> list[Entry]:
    """The manifest's entry for every staged file, sorted by path."""
    by_name = {shard.name: shard for shard in shards}
    entries = []
    for path in sorted(p for p in staging.rglob("*") if p.is_file() and p.name != MANIFEST_NAME):
        shard = by_name.get(path.name)
        if shard is not None:
            known = {"sha256": shard.sha256, "size_bytes": shard.size_bytes}
            entry = {"path": path.name, "kind": "shard", **known, "split": shard.split, "n_samples": len(shard.members)}
        else:
            entry = entry_of(staging, path)
        entries.append(entry)
    return entries


def _manifest(files: Sequence[Mapping[str, Any]], content: Content) -> dict[str, Any]:
    body = {
        "schema": MANIFEST_SCHEMA,
        "record_schema": SCHEMA_VERSION,
        "dataset_id": data_set_id(files),
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
        "processor": content.processor,
    }
    return seal_manifest(body)


def _listed(out_dir: Path) -> set[str]:
    """Files of the data set that is published now; none where its manifest cannot be believed."""
    if not (out_dir / MANIFEST_NAME).exists():
        return set()
    try:
        return {file["path"] for file in load_manifest(out_dir)["files"]}
    except CorruptDataError as error:
        log.warning("%s; it is replaced, and what it listed stays where it lies: ver lint names it", error)
        return set()


def _move_in(staging: Path, out_dir: Path, names: Sequence[str]) -> None:
    """Pages last: they alone overwrite what the old manifest lists."""
    for name in sorted(names, key=PAGES.__contains__):
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
