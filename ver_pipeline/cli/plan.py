"""``ver plan``: what a build would do, without doing it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING

from ver_pipeline.cli.arguments import add_build_arguments, read_config

if TYPE_CHECKING:
    from ver_pipeline.sources.listing import SourceRef


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what ``ver plan`` takes: all that names a build, and how far to look."""
    add_build_arguments(parser)
    parser.add_argument("--files", action="store_true", help="say only what each file of the source becomes, and why")
    what = "find out where each video would be cut and tell how long the clips would be; nothing is encoded"
    parser.add_argument("--clips", action="store_true", help=what)


def _size_bytes(ref: SourceRef) -> int:
    if ref.remote is not None:
        return int(ref.remote["size_bytes"])
    return os.path.getsize(ref.path) if os.path.exists(ref.path) else 0


def run(args: argparse.Namespace) -> int:
    """Print the pools, what each stage has done and has to do, the sources, the clips to expect and what they cost.

    Raises:
        UsageError, ConfigError: the source or the configuration cannot be read.
    """
    from ver_pipeline.cli.plan_files import file_lines, summary
    from ver_pipeline.dag import make_dag
    from ver_pipeline.engine.cache import stage_digest
    from ver_pipeline.engine.cache_lookup import CacheLookup
    from ver_pipeline.engine.pools import fit_pools
    from ver_pipeline.forecast import forecast
    from ver_pipeline.hardware.gpus import gpu_names
    from ver_pipeline.planned import planned_clips
    from ver_pipeline.shards.tombstones import read_tombstones
    from ver_pipeline.shards.workdir import WorkFolder
    from ver_pipeline.sources.listing import list_sources
    from ver_pipeline.sources.rows import source_rows

    config = read_config(args)
    work = WorkFolder(args.out.resolve() / ".ver")
    ingest = config.ingest
    refs = list_sources(args.source, ingest.manifest, ingest.follow_links, work.sources, args.out)[: args.limit]
    if args.files:
        for line in file_lines(refs, args.source, args.out):
            sys.stdout.write(os.fsencode(line).decode("utf-8", "replace") + "\n")
        return 0
    dag = make_dag(config, work, read_tombstones(args.out))
    # What a cluster has is not known here: as many GPUs as are asked for.
    gpus = max(stage.resources.gpus for stage in dag) if args.ray_address else len(gpu_names())
    pools = fit_pools(dag, args.cpus or os.cpu_count() or 1, gpus)
    lookup = CacheLookup(dag, work)
    listed = source_rows(refs)[0]
    finished = sum(lookup.follow(row) is not None for row in listed)
    for pool in pools:
        workers = str(pool.min_size) if pool.min_size == pool.max_size else f"{pool.min_size}-{pool.max_size}"
        sys.stdout.write(f"{pool.name}: {workers} worker(s), {pool.cpus:g} CPUs and {pool.gpus:g} GPUs each\n")
        for stage in pool.stages:
            known = lookup.seen.get(stage.name, 0)
            todo = lookup.missing.get(stage.name, 0 if known or finished == len(listed) else "not known yet")
            reads = ", ".join(dict.fromkeys(name.partition(".")[0] for name in stage.reads))
            sys.stdout.write(f"  {stage.name:10} a row is a {stage.unit}; done before: {known}, to do: {todo}\n")
            sys.stdout.write(f"  {'':10} {reads} -> {', '.join(stage.writes)}   [{stage_digest(stage)[:8]}]\n")
    for pool in pools:
        if pool.note:
            sys.stdout.write(f"{pool.name}: {pool.note}\n")
    size_bytes = sum(_size_bytes(ref) for ref in refs)
    there = next(folder for folder in (args.out.resolve(), *args.out.resolve().parents) if folder.exists())
    free_bytes = shutil.disk_usage(there).free
    files = f"{len(refs)} files ({finished} done before), {size_bytes / 1e6:.1f} MB"
    sys.stdout.write(f"\n{files}; {free_bytes / 1e9:.1f} GB free where the data set goes\n")
    for line in summary(refs):
        sys.stdout.write(os.fsencode(line).decode("utf-8", "replace") + "\n")
    planned = planned_clips(dag, listed, work, args.clips)
    sys.stdout.write(f"{planned.lines()}\n")
    expected = forecast(dag, listed, work, config, args.out)
    if expected is not None:
        sys.stdout.write(f"{expected.lines()}\n")
    return 0
