"""A small published data set from synthetic records, laid out as a build lays it out."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from factory import make_records

from ver_pipeline.catalog.write import write_catalog, write_index
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.tables import flat_columns
from ver_pipeline.shards.manifest import manifest_bytes

REJECTS = [
    Reject(Reason.NOT_MEDIA, "ingest", "no media in it", None, "raw/notes.txt").to_row(),
    Reject(Reason.TOO_SHORT, "clip", "0.4 s left", "b" * 64, "raw/blink.mp4").to_row(),
    Reject(Reason.TOO_SHORT, "clip", "0.2 s left", "c" * 64, "raw/wink.mp4").to_row(),
]
RUNS = [
    {"run_id": "20260101T000000Z", "stage": stage, "wall_s": wall, "busy_s": wall, "rows_in": 12, "rows_out": 11}
    for stage, wall in (("ingest", 0.5), ("speech", 9.25), ("clip", 4.0))
]
EPOCH = {"mtime": 0, "uid": 0, "gid": 0, "mode": 0o644}


def picture(seed: int) -> bytes:
    """A PNG of one colour (a stand-in where only the bytes of a poster matter)."""
    row = b"\0" + bytes((seed * 37 % 256, seed * 91 % 256, seed * 53 % 256)) * 16
    body = zlib.compress(row * 9)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 16, 9, 8, 2, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def publish(
    out: Path, records: Iterable[Record] | None = None, *, shard_samples: int = 4, video: bytes | None = None
) -> dict[str, Any]:
    """Write a data set into ``out`` and return its manifest.  ``video`` stands in for every clip's media."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = sorted(records if records is not None else make_records(24), key=lambda record: record.key)
    files: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for split in ("test", "train", "val"):
        members = [record for record in chosen if record.split == split]
        for number, first in enumerate(range(0, len(members), shard_samples)):
            _shard(out, split, number, members[first : first + shard_samples], files, rows, video)
    dicts = [record.model_dump(mode="json") for record in chosen]
    rows.sort(key=lambda row: row["key"])
    tables = write_catalog(dicts, [record["source"] for record in dicts], REJECTS, RUNS, out / "catalog")
    tables["index"] = write_index(rows, out / "index.parquet")
    for name, path in tables.items():
        data = path.read_bytes()
        final = path.with_name(f"{name}-{hashlib.sha256(data).hexdigest()[:8]}.parquet")
        path.rename(final)
        kind = "index" if name == "index" else "catalog"
        files.append(_entry(out, final, kind))
    manifest = {
        "schema": "ver-manifest/1", "record_schema": "ver-record/2",
        "dataset_id": hashlib.sha256("".join(f["sha256"] for f in files).encode()).hexdigest(),
        "files": sorted(files, key=lambda file: file["path"]),
        "counts": {"sources": len({r["source"]["id"] for r in dicts}), "clips": len(dicts) + 2, "samples": len(dicts),
                   "rejects": len(REJECTS)},
        "config": {"shard": {"media": "embed"}}, "fingerprints": {"clip": "0" * 16}, "tools": {"ffmpeg": "7.1"},
    }  # fmt: skip
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))
    return manifest


def reseal(out: Path, **fields: Any) -> None:
    """Make the manifest fit files that were changed, as somebody who tampers with a data set would."""
    manifest = {**json.loads((out / "manifest.json").read_bytes()), **fields}
    for entry in manifest["files"]:
        path = out / entry["path"]
        if path.is_file():
            data = path.read_bytes()
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))


def _entry(out: Path, path: Path, kind: str, **more: Any) -> dict[str, Any]:
    data = path.read_bytes()
    return {
        "path": path.relative_to(out).as_posix(), "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data), "kind": kind, **more,
    }  # fmt: skip


def _shard(
    out: Path, split: str, number: int, members: list[Record], files: list, rows: list, video: bytes | None
) -> None:
    temporary = out / f"{split}-{number:06d}.tar"
    begun = len(rows)
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for i, record in enumerate(members):
            row: dict[str, Any] = {}
            parts = {
                "jpg": picture(number * 100 + i),
                "json": record.to_json(),
                "mp4": video or record.key.encode() * 20,
            }
            for suffix, data in parts.items():
                info = tarfile.TarInfo(f"{record.key}.{suffix}")
                info.size = len(data)
                for name, value in EPOCH.items():
                    setattr(info, name, value)
                row |= {f"{suffix}_offset": tar.offset + 512, f"{suffix}_size": len(data)}
                tar.addfile(info, io.BytesIO(data))
            rows.append({**flat_columns(record.model_dump(mode="json")), **row})
    sha = hashlib.sha256(temporary.read_bytes()).hexdigest()
    final = temporary.with_name(f"{temporary.stem}-{sha[:8]}.tar")
    temporary.rename(final)
    for row in rows[begun:]:
        row["shard"] = final.name
    files.append(_entry(out, final, "shard", split=split, n_samples=len(members)))
