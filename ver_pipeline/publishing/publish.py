"""Publishing: shards, index, catalog and pages are made in a staging folder, and switched in by the manifest."""

from __future__ import annotations

import heapq
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.hardware.instruction_set import in_use
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.record import SCHEMA_VERSION
from ver_pipeline.shards.layout import Sample, plan_shards
from ver_pipeline.shards.manifest import MANIFEST_NAME, MANIFEST_SCHEMA, add_checksum
from ver_pipeline.shards.read import read_offsets
from ver_pipeline.shards.reuse import contents_digest, published_shards
from ver_pipeline.shards.staged import Entry, PageWriter, data_set_id, link, name_by_content, with_pages
from ver_pipeline.shards.switch import recover, switch
from ver_pipeline.shards.tombstones import read_tombstones, write_tombstones
from ver_pipeline.shards.write import Shard, index_rows, sample_digests, write_shard


@dataclass(frozen=True, slots=True)
class Content:
    """All that goes into a data set.  Rows are JSON dicts; ``samples`` in any order; ``withdrawn`` are tombstones
    (sha256 of key -> reason) besides those of the data set that is replaced; ``processor`` is the instruction set that
    the arithmetic ran on."""

    samples: Sequence[Sample]
    sources: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    config: BuildConfig
    fingerprints: Mapping[str, str]
    tools: Mapping[str, str]
    withdrawn: Mapping[str, str] = field(default_factory=dict)
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
    recover(out_dir)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    reusable = published_shards(out_dir, untouched, content.fingerprints.get("shard"))
    shards = _write_shards(staging, content, workers, out_dir, reusable)
    _write_tables(staging, shards, content)
    write_tombstones(staging, {**content.withdrawn, **read_tombstones(out_dir)})
    manifest = with_pages(staging, [_entry(shard) for shard in shards], pages, lambda files: _manifest(files, content))
    switch(out_dir, staging, manifest)
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


def _entry(shard: Shard) -> Entry:
    known = {"sha256": shard.sha256, "size_bytes": shard.size_bytes}
    return {"path": shard.name, "kind": "shard", **known, "split": shard.split, "n_samples": len(shard.members)}


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
    return add_checksum(body)
