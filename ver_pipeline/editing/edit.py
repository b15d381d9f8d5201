"""A data set without some of its samples, staged: which shards change, and all tables anew.

Only shards that held a dropped clip, or a clip that names one as its neighbour, are written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import Dataset
from ver_pipeline.catalog.records import local_root
from ver_pipeline.catalog.write import write_catalog, write_index
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.keys import keys_in
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.schemas.tables import flat_columns
from ver_pipeline.shards.manifest import add_checksum
from ver_pipeline.shards.names import shard_stem
from ver_pipeline.shards.read import ShardReader, flat_offsets, read_offsets
from ver_pipeline.shards.staged import Entry, Manifest, data_set_id, link, name_by_content
from ver_pipeline.shards.write import write_tar

Row = dict[str, Any]


class Edit:
    """The data set that is read, the keys that it loses, and what is staged of it so far."""

    def __init__(self, data: Dataset, keys: frozenset[str], staging: Path) -> None:
        self.data, self.keys, self.staging = data, keys, staging
        self.root = local_root(data)
        self.shards: list[Entry] = []
        self.rewritten: list[str] = []
        self._counts: dict[str, int] = {}
        self._places: dict[str, Row] = {}

    def stage(self) -> None:
        """Write shards, index and catalog of the edited data set into the staging folder; unchanged shards as links."""
        concerned = self._concerned()
        for entry in self.data.manifest["files"]:
            if entry["kind"] != "shard":
                continue
            if entry["path"] in concerned:
                self._rewrite(entry)
            else:
                link(self.root / entry["path"], self.staging / entry["path"])
                self.shards.append(entry)
        self._tables()

    def sealed(self, files: Sequence[Entry]) -> Manifest:
        """The manifest over these entries: configuration and fingerprints stay, identity is computed anew."""
        contents = {"files": list(files), "counts": self._counts, "dataset_id": data_set_id(files)}
        return add_checksum({**self.data.manifest, **contents})

    def _concerned(self) -> frozenset[str]:
        """Shards that hold a dropped clip, or a clip that names one as its neighbour."""
        rows = self.data.sql(
            'SELECT i.key, i.shard, c.prev_key, c.next_key FROM "index" i JOIN clips c ON c.key = i.key'
        )
        return frozenset(shard for key, shard, *near in rows if key in self.keys or self.keys.intersection(near))

    def _rewrite(self, entry: Entry) -> None:
        """Write one shard again without the dropped samples; nothing when none is left."""
        rows = self.data.sql('SELECT * FROM "index" WHERE shard = ? ORDER BY key', [entry["path"]]).dicts()
        self.rewritten.append(entry["path"])
        left = [row for row in rows if row["key"] not in self.keys]
        if not left:
            return
        with ShardReader(self.root) as shards:
            stem = shard_stem(entry["split"], left[0]["key"])
            path, sha256, size_bytes = write_tar(self.staging, stem, self._members(shards, left))
        known = {"sha256": sha256, "size_bytes": size_bytes, "n_samples": len(left)}
        self.shards.append({**entry, "path": path.name, **known})
        for key, offsets in read_offsets(path).items():
            self._places[key] |= {"shard": path.name, **flat_offsets(offsets)}

    def _members(self, shards: ShardReader, rows: Iterable[Row]) -> Iterator[tuple[str, dict[str, bytes]]]:
        for row in rows:
            members = shards.members(row)
            record = record_of(members["json"], row["key"], row["shard"])
            for side in ("prev_key", "next_key"):
                if record["clip"][side] in self.keys:
                    record["clip"][side] = None
            text = canonical_json(record)
            for key in self.keys.intersection(keys_in(text)):
                raise VerError(f"the record {row['key']} names a sample that is dropped ({key})", "please report this")
            self._places[row["key"]] = {"json_sha256": hashlib.sha256(text).hexdigest()}
            yield row["key"], {**members, "json": text}

    def _tables(self) -> None:
        sources, rejects, runs = self._other_tables()
        write_index(self._index_rows(), self.staging / "index.parquet")
        write_catalog(self._records(), sources, rejects, runs, self.staging / "catalog")
        for path in [self.staging / "index.parquet", *sorted((self.staging / "catalog").glob("*.parquet"))]:
            name_by_content(path)
        n_samples = sum(entry["n_samples"] for entry in self.shards)
        self._counts = {
            "sources": len(sources),
            "clips": n_samples + sum(1 for reject in rejects if reject["key"]),
            "samples": n_samples,
            "rejects": len(rejects),
        }

    def _index_rows(self) -> Iterator[Row]:
        rows = self.data.sql('SELECT * FROM "index" ORDER BY key')
        for values in rows:
            row = dict(zip(rows.columns, values, strict=True))
            if row["key"] not in self.keys:
                yield row | self._places.get(row["key"], {})

    def _records(self) -> Iterator[Row]:
        with ShardReader(self.staging) as shards:
            for row in self._index_rows():
                data = shards.member(row, "json") or b""
                record = record_of(data, row["key"], row["shard"])
                if any(row[name] != value for name, value in flat_columns(record).items()):
                    raise VerError(f"index and record of {row['key']} disagree", "run: ver lint")
                yield record

    def _other_tables(self) -> tuple[list[Row], list[Row], list[Row]]:
        """Sources without those that only gave dropped samples; rejects that name no dropped key; runs."""
        used = self.data.sql('SELECT source_id, list(key) AS keys FROM "index" GROUP BY source_id').dicts()
        emptied = {row["source_id"] for row in used if self.keys.issuperset(row["keys"])}
        sources = [source_of(row) for row in self.data.sql("SELECT * FROM sources").dicts()]
        rejects = [reject_of(row) for row in self.data.sql("SELECT * FROM rejects").dicts()]
        rejects_left = [r for r in rejects if not self.keys.intersection(keys_in(canonical_json(r)))]
        return [s for s in sources if s["id"] not in emptied], rejects_left, self.data.sql("SELECT * FROM runs").dicts()


def names_any(data: Dataset, keys: frozenset[str]) -> bool:
    """Whether a sample, a sample's neighbour or a reject of the data set names one of the keys."""
    named = 'SELECT key, prev_key, next_key FROM clips UNION ALL SELECT key, NULL, NULL FROM "index"'
    if any(not keys.isdisjoint(row) for row in data.sql(named)):
        return True
    return any(not keys.isdisjoint(keys_in(canonical_json(row))) for row in data.sql("SELECT * FROM rejects").dicts())


def source_of(row: Row) -> Row:
    """The ``Source`` dict behind a row of ``sources``."""
    rights = {name: row[name] for name in ("license", "rights_basis", "consent")}
    rest = {name: value for name, value in row.items() if name not in rights and name != "source_id"}
    return {"id": row["source_id"], "rights": rights, **rest}


def reject_of(row: Row) -> Row:
    """The reject behind a row of ``rejects``."""
    return {name: value for name, value in row.items() if name != "meaning"}
