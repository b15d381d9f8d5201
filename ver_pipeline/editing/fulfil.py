"""Fulfil a withdrawal that is written down: afterwards a dropped key occurs in no byte of the data set.

Not in a tar, the index, the catalog, the pages, the work folder, a file that a killed run left, nor as a neighbour of
another clip.  What remains is the sha256 of the key, in ``tombstones.json`` and in the ledger of the work folder.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.catalog.records import local_root
from ver_pipeline.editing.edit import Edit, names_any
from ver_pipeline.editing.forget import Traces, forget, forget_unlisted
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.shards.journals import withdrawal_journal
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.shards.staged import PageWriter, with_pages
from ver_pipeline.shards.switch import switch
from ver_pipeline.shards.tombstones import published_tombstones, read_tombstones, tombstone_of, write_tombstones
from ver_pipeline.shards.withdrawal import Withdrawal, cross_out, ledger_path, note, pending
from ver_pipeline.shards.workdir import WorkFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a drop did.  ``n_leftovers``: files of the work folder and of killed runs that went."""

    n_samples: int
    shards_rewritten: tuple[str, ...]
    n_shards: int
    n_leftovers: int


def finish(out_dir: Path, pages: Sequence[PageWriter]) -> Dropped | None:
    """Fulfil the withdrawal that was begun and not finished; None when there is none.  Call it under the lock.

    Raises:
        VerError: it cannot be done now; it stays written down.
    """
    wish = pending(out_dir)
    if wish is None:
        return None
    with open_dataset(out_dir) as data:
        data.check_texts()
        done = fulfil(data, out_dir, wish, pages)
    cross_out(out_dir)
    return done


def fulfil(data: Dataset, out_dir: Path, wish: Withdrawal, pages: Sequence[PageWriter]) -> Dropped:
    """Do everything but cross out the wish, which must be the very last thing that happens.

    What no manifest lists is cleaned first, while the shards still tell what to look for; then comes the switch.
    """
    work = WorkFolder(out_dir / ".ver")
    traces = Traces(tokens={key.encode() for key in wish.keys})
    _learn(data, wish, work, traces)
    n_leftovers = forget(work.root, traces, (work.root / "lock", ledger_path(out_dir), withdrawal_journal(out_dir)))
    n_leftovers += forget_unlisted(out_dir, data.manifest, traces)
    rewritten: tuple[str, ...] = ()
    known = published_tombstones(out_dir)
    if names_any(data, wish.keys) or any(tombstone_of(key) not in known for key in wish.keys):
        rewritten = _switch_without(data, out_dir, wish, work.staging, pages)
    note(out_dir, wish)
    return Dropped(len(wish.keys), rewritten, n_shards(load_manifest(out_dir)), n_leftovers)


def n_shards(manifest: Mapping[str, Any]) -> int:
    """How many shards a manifest lists."""
    return sum(file["kind"] == "shard" for file in manifest["files"])


def _learn(data: Dataset, wish: Withdrawal, work: WorkFolder, traces: Traces) -> None:
    """What the dropped records leave behind: those of the data set, and earlier ones in the work folder.

    The latter are among the last that :func:`forget` removes, so a drop that was killed finds them again.
    """
    query = 'SELECT * FROM "index" WHERE key IN (SELECT unnest(?)) ORDER BY key'
    with ShardReader(local_root(data)) as shards:
        for row in data.sql(query, [sorted(wish.keys)]).dicts():
            members = shards.members(row)
            try:
                traces.add(record_of(members["json"], row["key"], row["shard"]), members)
            except CorruptDataError as error:
                log.warning("%s; it goes, and its traces are found by its key and its bytes alone", error)
                traces.add_members(row["key"], members)
    for path in sorted(work.records.rglob("*.json")):
        if path.name.rpartition("-")[0] in wish.keys:
            try:
                traces.add(parse_json(path.read_bytes()), {})
            except (ValueError, KeyError, TypeError) as error:
                log.info("%s is no record: %s", path, error)  # its name tells enough for it to go


def _switch_without(
    data: Dataset, out_dir: Path, wish: Withdrawal, staging: Path, pages: Sequence[PageWriter]
) -> tuple[str, ...]:
    """Publish the data set without the samples; returns the shards that were written again."""
    staging.mkdir()
    try:
        edit = Edit(data, wish.keys, staging)
        edit.stage()
        write_tombstones(staging, read_tombstones(out_dir))
        switch(out_dir, staging, with_pages(staging, edit.shards, pages, edit.sealed))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return tuple(edit.rewritten)
