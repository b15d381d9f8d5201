"""Take samples out of a published data set for good.

Afterwards a dropped key occurs in no byte of the data set: not in a tar, the index, the catalog, the pages,
the work folder, a file that a killed run left, nor as a neighbour of another clip.  What remains is the sha256 of
the key, in ``tombstones.json`` and in the ledger of the work folder.

The wish is written down first and crossed out last; in between everything may be killed and done again.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.catalog.records import local_root
from ver_pipeline.catalog.where import keys_where
from ver_pipeline.editing.edit import Edit, names_any
from ver_pipeline.editing.forget import Traces, forget, forget_unlisted
from ver_pipeline.editing.settle import writing
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.errors import CorruptDataError, UsageError
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.shards.journals import withdrawal_journal
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.shards.staged import PageWriter, with_pages
from ver_pipeline.shards.switch import switch
from ver_pipeline.shards.tombstones import published_tombstones, read_tombstones, tombstone_of, write_tombstones
from ver_pipeline.shards.withdrawal import Withdrawal, cross_out, is_fulfilled, ledger_path, note, pending, write_down
from ver_pipeline.shards.workdir import WorkFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a drop did.  ``n_leftovers``: files of the work folder and of killed runs that went."""

    n_samples: int
    shards_rewritten: tuple[str, ...]
    n_shards: int
    n_leftovers: int


def drop(out_dir: Path, where: str, reason: str, pages: Sequence[PageWriter]) -> Dropped:
    """Drop every sample that ``where`` chooses (``catalog/where.py``).

    A withdrawal that was killed before is finished first: the same command again ends as the first would have, also
    where another command has finished it meanwhile.

    Raises:
        UsageError: nothing is chosen (and nothing was left to finish, and this condition never chose anything), or
            ``reason`` names a key.
        VerError: a build is writing to the data set, or a dropped key would stay somewhere.  What was asked for stays
            written down then, and whoever works on the data set next finishes it.
    """
    out_dir = out_dir.resolve()
    load_manifest(out_dir)  # no work folder where there is no data set
    with writing(out_dir, pages) as finished:
        with open_dataset(out_dir) as data:
            data.check_texts()
            keys = frozenset(keys_where(data, where))
            condition = hashlib.sha256(where.encode()).hexdigest()
            if not keys and (finished is not None or is_fulfilled(out_dir, condition)):
                return finished or Dropped(0, (), _n_shards(data.manifest), 0)
            if not keys:
                cure = "try it first: ver query OUT 'SELECT key FROM samples WHERE ...'"
                raise UsageError("the condition chooses no sample", cure)
            if any(key in reason for key in keys):
                raise UsageError("the reason names a key that is dropped", "say why without naming the sample")
            wish = Withdrawal(keys, reason, condition)
            write_down(out_dir, wish)
            done = _fulfil(data, out_dir, wish, pages)
        cross_out(out_dir)
        return done


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
        done = _fulfil(data, out_dir, wish, pages)
    cross_out(out_dir)
    return done


def _fulfil(data: Dataset, out_dir: Path, wish: Withdrawal, pages: Sequence[PageWriter]) -> Dropped:
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
    return Dropped(len(wish.keys), rewritten, _n_shards(load_manifest(out_dir)), n_leftovers)


def _n_shards(manifest: Mapping[str, Any]) -> int:
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
