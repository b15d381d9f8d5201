"""Join published data sets into one.

Splits stay as they are unless a group would then stand in two of them, which is refused: assign them anew
(``resplit``).  A key that stands in several sets with different content needs a decision too.  What was
withdrawn from one of the sets enters the joined one from none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.catalog.records import local_root, read_records
from ver_pipeline.editing.edit import reject_of, source_of
from ver_pipeline.editing.settle import settle
from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import BuildConfig, ShardConfig
from ver_pipeline.schemas.errors import UsageError, VerError
from ver_pipeline.schemas.keys import keys_in
from ver_pipeline.schemas.migrate import config_of
from ver_pipeline.schemas.split import split_of
from ver_pipeline.schemas.untrusted import inside
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.layout import Sample, estimate_size
from ver_pipeline.shards.lock import locked
from ver_pipeline.shards.manifest import MANIFEST_NAME
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.shards.staged import PageWriter
from ver_pipeline.shards.tombstones import is_withdrawn, read_tombstones
from ver_pipeline.shards.workdir import WorkFolder

Prefer = Literal["first", "last"]
SHOWN = 3

Row = dict[str, Any]


@dataclass(slots=True)
class Merged:
    """What a merge did."""

    n_samples: int = 0
    n_same: int = 0
    n_replaced: int = 0
    n_withdrawn: int = 0
    per_set: Counter[str] = field(default_factory=Counter)


def merge(
    sets: Sequence[Path],
    out_dir: Path,
    pages: Sequence[PageWriter],
    prefer: Prefer | None = None,
    resplit: bool = False,
) -> Merged:
    """Join ``sets`` into a new data set in ``out_dir``.

    Args:
        prefer: whose record counts where a key stands in several sets with different content.
        resplit: assign splits anew by group, with the fractions and seed of the first set.

    A merge that was killed is made again by the same command, also where its result stands already.

    Raises:
        UsageError: ``out_dir`` holds a data set already, keys conflict, or a group stands in two splits.
        VerError: a withdrawal from one of the sets was begun and cannot be finished.
    """
    out_dir = out_dir.resolve()
    work = WorkFolder(out_dir / ".ver")
    from_where = [os.path.relpath(folder.resolve(), out_dir) for folder in sets]
    task = canonical_json({"sets": from_where, "prefer": prefer, "resplit": resplit})
    _refuse_to_overwrite(out_dir, work, task)
    for folder in sets:
        settle(folder, passes_on=True)
    out_dir.mkdir(parents=True, exist_ok=True)
    with locked(work):
        _refuse_to_overwrite(out_dir, work, task)
        write_atomically(work.merge_note, task)
        done = _merge(sets, out_dir, work, pages, prefer, resplit)
        work.merge_note.unlink()
    return done


def _refuse_to_overwrite(out_dir: Path, work: WorkFolder, task: bytes) -> None:
    mine = work.merge_note.is_file() and work.merge_note.read_bytes() == task
    if (out_dir / MANIFEST_NAME).exists() and not mine:
        raise UsageError(f"{out_dir} holds a data set", "choose another --out")


def _merge(
    sets: Sequence[Path],
    out_dir: Path,
    work: WorkFolder,
    pages: Sequence[PageWriter],
    prefer: Prefer | None,
    resplit: bool,
) -> Merged:
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, work.merging, ignore_errors=True)
        opened = [stack.enter_context(open_dataset(folder)) for folder in sets]
        withdrawn = read_tombstones(out_dir)
        for data in opened:
            data.check_texts()
            withdrawn |= read_tombstones(local_root(data))
        config = config_of(opened[0].manifest)
        job = _Join(work.merging, withdrawn, prefer, config.shard if resplit else None)
        for data in opened:
            job.add(data)
        job.check_groups()
        publish(out_dir, work.staging, _content(opened, job, config), pages)
    job.done.n_samples = len(job.samples)
    return job.done


class _Join:
    """Samples of several sets, laid out as files for the publisher."""

    def __init__(
        self, folder: Path, withdrawn: Mapping[str, str], prefer: Prefer | None, resplit: ShardConfig | None
    ) -> None:
        self.folder, self.withdrawn, self.prefer, self.resplit = folder, withdrawn, prefer, resplit
        self.samples: dict[str, Sample] = {}
        self.groups: dict[str, dict[str, str]] = {}
        self.conflicts: list[str] = []
        self.done = Merged()
        self._hashes: dict[str, str] = {}
        self._silent: set[str] = set()
        self._heard: set[str] = set()

    @property
    def emptied(self) -> set[str]:
        """Sources all of whose samples are withdrawn."""
        return self._silent - self._heard

    def add(self, data: Dataset) -> None:
        """Lay out the samples of one set."""
        name = str(local_root(data))
        with ShardReader(local_root(data)) as shards:
            for row, record in read_records(data):
                if is_withdrawn(row["key"], self.withdrawn):
                    self.done.n_withdrawn += 1
                    self._silent.add(row["source_id"])
                    continue
                self._heard.add(row["source_id"])
                for side in ("prev_key", "next_key"):
                    if is_withdrawn(record["clip"][side] or "", self.withdrawn):
                        record["clip"][side] = None
                if self.resplit is not None:
                    record["split"] = split_of(record["source"]["group_id"], self.resplit)
                text = canonical_json(record)
                if self._wanted(row["key"], hashlib.sha256(text).hexdigest()):
                    self._lay_out(record, {**shards.members(row), "json": text})
                    self.done.per_set[name] += 1

    def _wanted(self, key: str, sha256: str) -> bool:
        """Whether this record counts; notes conflicts."""
        known = self._hashes.setdefault(key, sha256)
        if key not in self.samples:
            return True
        if known == sha256:
            self.done.n_same += 1
            return False
        if self.prefer is None:
            self.conflicts.append(key)
            return False
        self.done.n_replaced += 1
        self._hashes[key] = sha256 if self.prefer == "last" else known
        return self.prefer == "last"

    def _lay_out(self, record: Row, members: Mapping[str, bytes]) -> None:
        key = record["key"]
        paths: dict[str, str] = {}
        for extension, data in members.items():
            path = inside(self.folder, key[:2], f"{key}.{extension}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            paths[extension] = str(path)
        sizes = [len(members.get(extension, b"")) for extension in ("json", "mp4", "jpg")]
        self.groups.setdefault(record["source"]["group_id"], {})[record["split"]] = key
        self.samples[key] = Sample(
            key, record["split"], paths["json"], paths.get("mp4"), paths.get("jpg"), estimate_size(*sizes)
        )

    def check_groups(self) -> None:
        """Refuse keys in conflict and groups in two splits.

        Raises:
            UsageError: naming the first of them.
        """
        if self.conflicts:
            named = ", ".join(self.conflicts[:SHOWN])
            raise UsageError(
                f"{len(self.conflicts)} samples differ between the sets: {named}",
                "choose with --prefer first or --prefer last",
            )
        torn = [(group, splits) for group, splits in self.groups.items() if len(splits) > 1]
        if torn:
            group, splits = torn[0]
            both = " and ".join(sorted(splits))
            raise UsageError(
                f"{len(torn)} groups would stand in several splits, such as {group!r} in {both}",
                "add --resplit to assign splits anew",
            )


def _content(opened: Sequence[Dataset], job: _Join, config: BuildConfig) -> Content:
    manifests = [data.manifest for data in opened]
    return Content(
        samples=list(job.samples.values()),
        sources=[s for s in _once(opened, "SELECT * FROM sources", source_of) if s["id"] not in job.emptied],
        rejects=[r for r in _once(opened, "SELECT * FROM rejects", reject_of) if _counts(r, job)],
        runs=list(_once(opened, "SELECT * FROM runs", dict)),
        config=config,
        fingerprints=_joined([manifest["fingerprints"] for manifest in manifests]),
        tools=_joined([manifest["tools"] for manifest in manifests]),
        processor=", ".join(sorted({manifest.get("processor", "unknown") for manifest in manifests})),
        withdrawn=job.withdrawn,
    )


def _once(opened: Sequence[Dataset], query: str, shape: Any) -> Iterator[Row]:
    """Rows of all sets in a stable order; equal rows, and sources of one id, once."""
    sources: dict[str, Row] = {}
    for data in opened:
        for row in data.sql(query).dicts():
            shaped = shape(row)
            sources.setdefault(str(shaped.get("id") or canonical_json(shaped)), shaped)
    return iter(sources[name] for name in sorted(sources))


def _counts(reject: Row, job: _Join) -> bool:
    """Whether a reject still holds: its clip is no sample of another set, and it names nothing withdrawn."""
    named = keys_in(canonical_json(reject))
    return reject["key"] not in job.samples and not any(is_withdrawn(key, job.withdrawn) for key in named)


def _joined(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Values by name; where the sets differ, all of them."""
    names = sorted({name for table in tables for name in table})
    return {name: ", ".join(sorted({str(table[name]) for table in tables if name in table})) for name in names}


def check_sets(sets: Sequence[Path]) -> None:
    """Refuse one set given twice, which would hide a mistake.

    Raises:
        VerError: a folder is given twice.
    """
    seen = Counter(folder.resolve() for folder in sets)
    twice = [str(folder) for folder, n in seen.items() if n > 1]
    if twice:
        raise VerError(f"{twice[0]} is given twice", "name each data set once")
