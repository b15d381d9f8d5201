"""Lint a whole published data set: manifest, files, tars, index and catalog must tell one story."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.lint.defect import Defect
from ver_pipeline.lint.facts import file_columns, table_facts
from ver_pipeline.lint.files import file_defects
from ver_pipeline.lint.pool import Start, checking_pool
from ver_pipeline.lint.tar import TarReport, check_tar
from ver_pipeline.schemas.bounded_parquet import read_bounded
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.tables import INDEX
from ver_pipeline.shards.manifest import MANIFEST_NAME, load_manifest


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was looked at and what was found.  ``not_run`` says which checks could not be made, and why."""

    defects: tuple[Defect, ...]
    not_run: tuple[str, ...]
    n_files: int
    n_samples: int
    full: bool

    @property
    def is_sound(self) -> bool:
        """Nothing but notes was found, and everything that was asked for ran."""
        return not self.not_run and all(defect.note for defect in self.defects)


def lint_dataset(out_dir: Path, *, fast: bool = False, workers: int | None = None) -> LintReport:
    """Prove the data set in ``out_dir``, or name each defect with its file and key.

    Full: every file's sha256; every tar byte by byte; every record against the schema, its media, the
    index and the catalog; every video decoded.  Fast: sha256, tar layout, and the key sets of index,
    tars, catalog and manifest; records are read only in a tar whose hash does not fit.

    Args:
        fast: leave out parsing and decoding.
        workers: processes; None: one a core.
    """
    try:
        manifest = load_manifest(out_dir)
    except CorruptDataError as error:
        defect = Defect(MANIFEST_NAME, "", "manifest", str(error))
        return LintReport((defect,), ("everything else: the manifest is the only guide",), 1, 0, not fast)
    files = manifest["files"]
    defects = list(file_defects(out_dir, manifest))
    damaged = {defect.file for defect in defects if not defect.note}
    not_run: list[str] = []
    with checking_pool(workers, files, damaged) as run:
        rows = _index_rows(out_dir, files, run, damaged, defects, not_run)
        columns = {} if fast else _catalog_columns(out_dir, files, run, damaged, defects, not_run)
        jobs = [
            (
                entry,
                run(
                    entry["path"],
                    check_tar,
                    out_dir / entry["path"],
                    entry,
                    rows.get(entry["path"], []),
                    not fast,
                    columns,
                ),
            )
            for entry in files
            if entry["kind"] == "shard" and (out_dir / entry["path"]).is_file()
        ]
        reports = [_result(job, entry["path"], not_run) for entry, job in jobs]
        defects += [defect for report in reports for defect in report.defects]
        keys = _check_keys(rows, reports, manifest, defects)
        if fast:
            _compare_key_sets(out_dir, files, keys, run, defects, not_run)
        else:
            _compare_catalog(out_dir, files, reports, run, defects, not_run)
    unique = tuple(sorted(set(defects)))
    return LintReport(unique, tuple(not_run), len(files), len(keys), not fast)


def _index_rows(
    out_dir: Path,
    files: list[dict[str, Any]],
    run: Start,
    damaged: set[str],
    defects: list[Defect],
    not_run: list[str],
) -> dict[str, list[dict[str, Any]]]:
    """The index's rows by shard.  A damaged index guides nothing: its tars are read by their own headers,
    and its rows, as far as they can be read, are compared with what the tars hold."""
    entries = [entry for entry in files if entry["kind"] == "index"]
    if len(entries) != 1:
        defects.append(Defect(MANIFEST_NAME, "", "index", f"{len(entries)} indexes are listed, not one"))
        return {}
    entry = entries[0]
    if entry["path"] in damaged:
        if (out_dir / entry["path"]).is_file():
            job = run(entry["path"], _damaged_index_keys, out_dir, files, entry["path"])
            damaged_keys = _outcome(job, entry["path"], not_run)
            defects += [Defect(entry["path"], key, "index", what) for key, what in damaged_keys or ()]
        return {}
    by_shard: dict[str, list[dict[str, Any]]] = {}
    last = ""
    for row in _outcome(run(entry["path"], _read_rows, out_dir / entry["path"]), entry["path"], not_run) or ():
        if row["key"] <= last:
            defects.append(
                Defect(entry["path"], row["key"], "order", "the index is not sorted by key, or holds it twice")
            )
        last = row["key"]
        by_shard.setdefault(row["shard"], []).append(row)
    for shard in sorted(set(by_shard) - {e["path"] for e in files}):
        defects.append(
            Defect(entry["path"], by_shard[shard][0]["key"], "index", f"points to {shard}, which is not listed")
        )
    return by_shard


def _damaged_index_keys(out_dir: Path, files: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    """Rows of a damaged index that are not what the tars hold (runs in a child: reading may crash)."""
    import json

    import pyarrow as pa

    from ver_pipeline.schemas.tables import flat_columns
    from ver_pipeline.shards.read import ShardReader, read_offsets

    try:
        rows = {row["key"]: row for row in _read_rows(out_dir / name)}
    except (pa.ArrowException, OSError, KeyError, ValueError, CorruptDataError):
        return []
    wrong_rows = []
    reader = ShardReader(out_dir)
    for entry in files:
        if entry["kind"] != "shard":
            continue
        try:
            places = read_offsets(out_dir / entry["path"])
            records = {key: json.loads(reader.read(entry["path"], *places[key]["json"])) for key in places}
        except (CorruptDataError, KeyError, ValueError, RecursionError):
            continue  # the tar's own defects are told where it is looked through
        for key, members in places.items():
            record = records[key]
            wanted: dict[str, Any] = {**flat_columns(record), "shard": entry["path"], "split": entry["split"]}
            for extension, (offset, size) in members.items():
                wanted |= {f"{extension}_offset": offset, f"{extension}_size": size}
            for extension in set(members) - {"mp4"}:
                wanted[f"{extension}_sha256"] = hashlib.sha256(
                    reader.read(entry["path"], *members[extension])
                ).hexdigest()
            row = rows.pop(key, None)
            wrong = ["all of it"] if row is None else sorted(c for c, value in wanted.items() if row.get(c) != value)
            if wrong:
                wrong_rows.append((key, f"the index differs from the tar in {', '.join(wrong)}"))
    return wrong_rows + [(str(key), "the index holds a key that no tar holds") for key in rows]


def _check_keys(
    rows: Mapping[str, list[dict[str, Any]]],
    reports: list[TarReport],
    manifest: Mapping[str, Any],
    defects: list[Defect],
) -> set[str]:
    """Each key stands in one tar, and the manifest counts them."""
    seen = Counter(key for report in reports for key in report.keys)
    defects += [Defect(MANIFEST_NAME, key, "key", f"the key stands in {n} tars") for key, n in seen.items() if n > 1]
    if len(seen) != manifest["counts"]["samples"]:
        stated = manifest["counts"]["samples"]
        defects.append(Defect(MANIFEST_NAME, "", "counts", f"{stated} samples are claimed, the tars hold {len(seen)}"))
    return set(seen)


def _catalog_columns(
    out_dir: Path,
    files: list[dict[str, Any]],
    run: Start,
    damaged: set[str],
    defects: list[Defect],
    not_run: list[str],
) -> dict[str, frozenset[str]]:
    """The columns of each table's file.  Those of another release are noted and left out of the comparison."""
    keys: dict[str, frozenset[str]] = {}
    for entry in files:
        table = _table_of(entry)
        if table is None or not (out_dir / entry["path"]).is_file():
            continue
        held = _outcome(run(entry["path"], file_columns, out_dir / entry["path"]), entry["path"], not_run)
        known = frozenset(TABLES[table].names)
        keys[table] = known if held is None else held & known
        differing = sorted((held or known) ^ known)
        if differing and entry["path"] not in damaged:
            what = f"written by another release: columns {', '.join(differing)} are not compared"
            defects.append(Defect(entry["path"], "", "columns", what, note=True))
    return keys


def _compare_catalog(
    out_dir: Path,
    files: list[dict[str, Any]],
    reports: list[TarReport],
    run: Start,
    defects: list[Defect],
    not_run: list[str],
) -> None:
    """Every row of the catalog is what the record in the tar says, and nothing is missing."""
    wanted: dict[str, dict[str, str]] = {}
    for report in reports:
        for name, said in report.facts.items():
            wanted.setdefault(name, {}).update(said)
    for entry in files:
        table = _table_of(entry)
        if table is None or not (out_dir / entry["path"]).is_file():
            continue
        facts = _outcome(run(entry["path"], _read_facts, out_dir / entry["path"], table), entry["path"], not_run)
        if facts is None:
            continue
        told, expected = dict(facts), wanted.get(table, {})
        for key in sorted(set(told) | set(expected)):
            if key not in told:
                defects.append(
                    Defect(entry["path"], key, "catalog", "the record in the tar has rows that are not here")
                )
            elif key not in expected and table != "sources":
                defects.append(Defect(entry["path"], key, "catalog", "no record in the tars has these rows"))
            elif key in expected and told[key] != expected[key]:
                defects.append(Defect(entry["path"], key, "catalog", "the rows differ from the record in the tar"))
        if len(told) != len(facts):
            defects.append(Defect(entry["path"], "", "order", "rows of one key do not stand together"))


def _compare_key_sets(
    out_dir: Path, files: list[dict[str, Any]], keys: set[str], run: Start, defects: list[Defect], not_run: list[str]
) -> None:
    """The catalog's clips are the tars' samples."""
    for entry in files:
        if _table_of(entry) != "clips" or not (out_dir / entry["path"]).is_file():
            continue
        rows = _outcome(run(entry["path"], _read_rows, out_dir / entry["path"], ("key",)), entry["path"], not_run)
        if rows is not None:
            for key in sorted(keys ^ {row["key"] for row in rows}):
                defects.append(Defect(entry["path"], key, "catalog", "in the tars or in the catalog, not in both"))


def _table_of(entry: Mapping[str, Any]) -> str | None:
    """The table that a catalog file holds, if its rows come from records."""
    if entry["kind"] != "catalog":
        return None
    name = Path(entry["path"]).stem.rpartition("-")[0]
    return name if name in TABLES and name not in ("rejects", "runs") else None


def _read_rows(path: Path, columns: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_bounded(path, columns).to_pylist()
    if columns is None:
        known = dict.fromkeys(INDEX.names)
        return [{**known, **row} for row in rows]
    return rows


def _read_facts(path: Path, table: str) -> list[tuple[str, str]]:
    return list(table_facts(path, TABLES[table]))


def _result(job: Callable[[], Any], name: str, not_run: list[str]) -> TarReport:
    return _outcome(job, name, not_run) or TarReport()


def _outcome(job: Callable[[], Any], name: str, not_run: list[str]) -> Any:
    """The value of a job; None, with a line in ``not_run``, when the file could not be read."""
    import pyarrow as pa

    try:
        return job()
    except (pa.ArrowException, OSError, ValueError, KeyError, CorruptDataError, BrokenProcessPool) as error:
        not_run.append(f"{name}: its content could not be read ({type(error).__name__})")
        return None
