"""Proves one tar, byte by byte: headers, order, adjacency, padding, and every member's content.

The index says where each member's data lies; a header is the block before it.  Every byte of the file
must be a member's header, data or zero padding, or the zeros at the end, so any change has a place.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from ver_pipeline.lint.defect import Defect
from ver_pipeline.lint.facts import Columns, record_facts
from ver_pipeline.media.open import MediaError, open_media
from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.hashing import sha256_file
from ver_pipeline.schemas.migrate import of_today
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.strict import relation_errors
from ver_pipeline.schemas.tables import flat_columns
from ver_pipeline.shards.read import tar_headers

BLOCK = 512
Note = Callable[[str, str], None]
"""Takes the code of a defect and what it is, of the sample at hand."""
EXTENSIONS = ("jpg", "json", "mp4")  # the order inside a sample: sorted by name
EPOCH = {"mtime": 0, "uid": 0, "gid": 0, "mode": 0o644}


@dataclass(slots=True)
class TarReport:
    """Defects of one tar, and what its records say (table to key to digest) for comparison with the catalog."""

    defects: list[Defect] = field(default_factory=list)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


def check_tar(
    path: Path,
    entry: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    full: bool,
    columns: Columns | None = None,
) -> TarReport:
    """Check one shard.

    Args:
        path: the tar.
        entry: its entry in the manifest.
        rows: its rows of the index; empty when the index is not readable (then the tar's own headers guide).
        full: also parse and compare every record and decode every video.  When the tar's hash does not
            fit, members are compared in any case, to name the samples that were hit.
        columns: the columns of each table of the catalog that will be compared with the records.
    """
    report = TarReport()
    name = str(entry["path"])
    sha256 = sha256_file(path)
    intact = sha256 == entry["sha256"]
    if not intact:
        report.defects.append(Defect(name, "", "sha256", "the file's sha256 is not the manifest's"))
    if entry["sha256"][:8] not in name:
        report.defects.append(Defect(name, "", "name", "the name does not carry the content's hash"))
    placed = sorted(_places(rows) if rows else _own_places(path, report, name), key=lambda member: member.offset)
    with path.open("rb") as file:
        _check_layout(file, placed, report, name, path.stat().st_size)
        report.keys = sorted({member.key for member in placed})
        if len(report.keys) != entry.get("n_samples", len(report.keys)):
            report.defects.append(Defect(name, "", "counts", "the manifest says another number of samples"))
        if full or not intact:
            by_key = {row["key"]: row for row in rows}
            for key in report.keys:
                members = {m.extension: m for m in placed if m.key == key} if len(placed) < 64 else None
                _check_sample(
                    file, key, members or _of(placed, key), by_key.get(key), entry, report, full, columns or {}
                )
    return report


@dataclass(frozen=True, slots=True)
class Member:
    """One member's place: ``offset`` and ``size`` of its data, in bytes."""

    key: str
    extension: str
    offset: int
    size: int


def _places(rows: Sequence[Mapping[str, Any]]) -> Iterator[Member]:
    for row in rows:
        for extension in EXTENSIONS:
            if row[f"{extension}_offset"] is not None:
                yield Member(row["key"], extension, row[f"{extension}_offset"], row[f"{extension}_size"])


def _own_places(path: Path, report: TarReport, name: str) -> Iterator[Member]:
    """Places by the tar's own headers, as far as they can be read."""
    try:
        for info in tar_headers(path):
            key, _, extension = info.name.partition(".")
            yield Member(key, extension, info.offset_data, info.size)
    except (tarfile.TarError, OSError, EOFError) as error:
        report.defects.append(Defect(name, "", "header", f"the tar cannot be read: {error}"))


def _check_layout(file: BinaryIO, placed: Sequence[Member], report: TarReport, name: str, size: int) -> None:
    """Headers, order, adjacency, padding: every byte outside the members' data is what it must be."""
    names = [(member.key, member.extension) for member in placed]
    if names != sorted(names):
        report.defects.append(Defect(name, "", "order", "members are not sorted by key and name, sample by sample"))
    position = 0
    for member in placed:
        if member.offset != position + BLOCK:
            what = "bytes between this member and the one before belong to nothing, or they overlap"
            report.defects.append(Defect(name, member.key, "adjacency", what))
        file.seek(member.offset - BLOCK)
        fault = _header_fault(file.read(BLOCK), member)
        if fault:
            report.defects.append(Defect(name, member.key, "header", f"{member.extension}: {fault}"))
        padded = -(-member.size // BLOCK) * BLOCK
        file.seek(member.offset + member.size)
        padding = file.read(padded - member.size)
        if len(padding) != padded - member.size or any(padding):
            report.defects.append(Defect(name, member.key, "padding", f"{member.extension}: padding is not zeros"))
        position = member.offset + padded
    file.seek(position)
    rest = file.read()
    if any(rest):
        report.defects.append(Defect(name, "", "tail", "bytes after the last member are not zeros"))
    if len(rest) < 2 * BLOCK or size % BLOCK:
        report.defects.append(Defect(name, "", "tail", "the end of the archive is missing"))


def _header_fault(block: bytes, member: Member) -> str | None:
    """What is wrong with a header block, or None.  tarfile verifies the block's checksum."""
    try:
        info = tarfile.TarInfo.frombuf(block, tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError as error:
        return f"the header is damaged ({error})"
    if info.name != f"{member.key}.{member.extension}":
        return f"the header names {info.name!r}"
    if info.size != member.size or not info.isreg():
        return "the header has another size or kind"
    wrong = [name for name, value in EPOCH.items() if getattr(info, name) != value]
    if wrong or info.uname or info.gname:
        return f"the header is not reproducible ({', '.join(wrong) or 'owner'})"
    return None


def _check_sample(
    file: BinaryIO,
    key: str,
    members: Mapping[str, Member],
    row: Mapping[str, Any] | None,
    entry: Mapping[str, Any],
    report: TarReport,
    full: bool,
    columns: Columns,
) -> None:
    name = str(entry["path"])

    def found(code: str, what: str) -> None:
        report.defects.append(Defect(name, key, code, what))

    if "json" not in members:
        found("members", "there is no record")
        return
    data = {extension: _read(file, member) for extension, member in members.items()}
    for extension in ("json", "jpg"):
        indexed_sha256 = (row or {}).get(f"{extension}_sha256")
        if indexed_sha256 and extension in data and hashlib.sha256(data[extension]).hexdigest() != indexed_sha256:
            found("record" if extension == "json" else "poster", f"the {extension} is not the one that was indexed")
    record = _parse(data["json"], found)
    if record is None:
        return
    _check_record(record, key, data, entry, found)
    if not full:
        return
    dumped = record.model_dump(mode="json")
    _check_index_row(dumped, row, found)
    if "mp4" in data:
        for what in video_faults(data["mp4"], record):
            found("decode", what)
    for table, owner, fact in record_facts(dumped, columns):
        report.facts.setdefault(table, {})[owner] = fact


def _as_it_stands(data: bytes) -> bytes:
    """The same JSON in canonical form."""
    return canonical_json(parse_json(data))


def _parse(data: bytes, found: Note) -> Record | None:
    """The record, if it fits the schema and is in canonical form."""
    try:
        now = of_today(data)
        record = parse_record(now)
    except (ValidationError, ValueError) as error:
        if isinstance(error, ValidationError):
            defect = error.errors(include_input=False, include_url=False)[0]
            found("schema", f"/{'/'.join(str(part) for part in defect['loc'])}: {defect['msg']}")
        else:
            found("schema", f"the record is not JSON: {error}")
        return None
    unset = now is data  # records of this version may lack later fields; an earlier version's form is its own
    if (canonical_json(record.model_dump(mode="json", exclude_unset=True)) if unset else _as_it_stands(data)) != data:
        found("canonical", "the record is not in canonical form")
    for fault in relation_errors(record):
        found("schema", f"{fault.pointer}: {fault.message}")
    return record


def _check_record(record: Record, key: str, data: Mapping[str, bytes], entry: Mapping[str, Any], found: Note) -> None:
    """What the record says of its key, split, verdict and media, against what lies beside it."""
    if record.key != key:
        found("key", f"the record's key is {record.key!r}")
    if record.split != entry.get("split", record.split):
        found("split", f"a record of split {record.split!r} in a tar of {entry['split']!r}")
    if record.verdict is None or record.verdict.status == "reject":
        found("verdict", "the record was not accepted by the rules")
    if record.media.policy != "embed":
        if "mp4" in data or "jpg" in data:
            found("media", f"pixels are stored under the policy {record.media.policy!r}")
        return
    if "mp4" not in data:
        found("members", "there is no video, and the record says that it is embedded")
        return
    if len(data["mp4"]) != record.media.size_bytes or hashlib.sha256(data["mp4"]).hexdigest() != record.media.sha256:
        found("media", "the video is not the one that the record describes")


def _check_index_row(dumped: dict[str, Any], row: Mapping[str, Any] | None, found: Note) -> None:
    if row is None:
        return
    flat = flat_columns(dumped)
    wrong = [name for name, value in flat.items() if row[name] != value]
    if wrong:
        found("index", f"the index differs from the record in {', '.join(sorted(wrong))}")


def video_faults(data: bytes, record: Record) -> list[str]:
    """Where the decoded video is not what the record claims: frames, duration, size, audio, decoding errors."""
    import av

    try:
        with open_media(data) as container:
            if not container.streams.video:
                return ["the video has no frame"]
            stream = container.streams.video[0]
            n_frames, size = 0, (stream.codec_context.width, stream.codec_context.height)
            for _ in container.decode(stream):
                n_frames += 1
            has_audio = bool(container.streams.audio)
    except (MediaError, av.FFmpegError, ValueError, IndexError) as error:
        return [f"the video does not decode: {error}"]
    clip, faults = record.clip, []
    if n_frames != clip.n_frames:
        faults.append(f"{n_frames} frames decode, the record says {clip.n_frames}")
    if abs(n_frames / clip.fps - clip.duration_s) > 1 / clip.fps + 0.001:
        faults.append(f"the video lasts {n_frames / clip.fps:.3f} s, the record says {clip.duration_s:g} s")
    if size != (clip.width, clip.height):
        faults.append(f"the frame is {size[0]} x {size[1]}, the record says {clip.width} x {clip.height}")
    if has_audio != clip.has_audio:
        faults.append("the record and the video disagree on audio")
    return faults


def _of(placed: Sequence[Member], key: str) -> dict[str, Member]:
    """The members of one key; ``placed`` is sorted by offset, which a sound tar also sorts by key."""
    import bisect

    start = bisect.bisect_left(placed, key, key=lambda member: member.key)
    near = placed[start : start + len(EXTENSIONS)]
    members = {member.extension: member for member in near if member.key == key}
    return members or {member.extension: member for member in placed if member.key == key}


def _read(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.offset)
    return file.read(member.size)
