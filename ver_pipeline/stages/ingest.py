"""ingest: what is this file, may we use it, and can it be read to its end?

Fetches a video that lies on an object store.  Reads a file's bytes once for the hash and its packets once for
the probe; decodes a still image.
"""

from __future__ import annotations

import stat
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.media.inspection import inspect
from ver_pipeline.media.open import MediaError
from ver_pipeline.media.probe import Probe, probe
from ver_pipeline.media.tracks import choose_track, told_language
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.config import IngestConfig
from ver_pipeline.schemas.errors import DISK_FULL, ConfigError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record_media import Rights, Source
from ver_pipeline.schemas.rules.characters import unclean
from ver_pipeline.sources.beside import Beside, beside_on_disk, ranked
from ver_pipeline.sources.lists import SIDECAR_FIELDS
from ver_pipeline.sources.remote import fetch, from_row
from ver_pipeline.stages.base import FILE, Outcome, Resources, Row, file_state

TRUNCATED_SLACK_S = 1.0
TRUNCATED_SLACK_FRAC = 0.05
"""Containers round their length and let streams end apart; a video short of more than this is cut off."""


class IngestStage:
    """File in, ``source`` (``record.Source``) and ``sidecar`` out; or a typed reject."""

    name = "ingest"
    version = "9"
    unit = "source"
    reads = ("uri", "path", "entry", "remote", "stat", "beside")
    writes = ("source", "sidecar", FILE)
    batch_size = 1
    resources = Resources(cpus=0.5, isolated=True, time_limit_s=7200)

    def __init__(self, config: IngestConfig) -> None:
        self.config = config

    def fingerprint(self) -> Mapping[str, Any]:
        """``ingest.*`` without what only chooses among files: the manifest, the takedown list, ``follow_links``."""
        return {"config": self.config.model_dump(exclude={"manifest", "takedown", "follow_links"})}

    def open(self) -> None:
        """Nothing to load."""

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Fetch each file where it lies elsewhere, hash it, probe it, read what lies beside it.

        Raises:
            OSError: the disk is full while a file is fetched; anything else that is wrong with a file is a reject.
        """
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        path = Path(row["path"])

        def reject(reason: Reason, message: str, source_id: str | None = None) -> Reject:
            return Reject(reason, self.name, f"{row['uri']}: {message}", source_id=source_id, uri=row["uri"])

        try:
            if row["remote"]:
                fetch(*from_row(row["remote"]), path)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            return reject(Reason.UNREADABLE, f"cannot be fetched: {error}")
        try:
            if not _can_be_read_to_its_end(path):
                return reject(Reason.NOT_MEDIA, "it is a pipe, a socket or a device, not a file")
            before = file_state(path)
            source_id, size_bytes = hash_file(path)
        except PermissionError:
            return reject(Reason.NO_PERMISSION, "no right to read it; change its mode or the user")
        except OSError as error:
            return reject(Reason.UNREADABLE, f"cannot be read: {error.strerror or error}")
        if size_bytes == 0:
            return reject(Reason.EMPTY_FILE, "holds no bytes; copy it again", source_id)
        try:
            beside = _beside(row)
            about = read_sidecar(path, row.get("entry") or {}, beside)
        except ValueError as error:
            return reject(Reason.BAD_SIDECAR, str(error), source_id)
        try:
            video = probe(path)
        except MediaError as error:
            return reject(error.reason, str(error), source_id)
        missing = _missing_s(video)
        if missing > 0:
            return reject(Reason.TRUNCATED, f"ends {missing:.1f} s before its container says it does", source_id)
        try:
            source = self._source(source_id, row, video, about)
        except MediaError as error:
            return reject(error.reason, str(error), source_id)
        except ValueError as error:
            return reject(Reason.BAD_SIDECAR, f"its sidecar or manifest entry: {_first_line(error)}", source_id)
        stated_language = about.get("language")
        try:
            subtitles = [
                {"name": s.name, "sha256": hash_file(path.parent / s.name)[0], "language": s.language, "why": s.why}
                for s in ranked(beside.subtitles, path.name, told_language(stated_language))
            ]
        except OSError as error:
            return reject(
                Reason.BAD_SIDECAR, f"its subtitles {error.filename} cannot be read: {error.strerror}", source_id
            )
        sidecar = {"language": stated_language, "subtitles": subtitles}
        if file_state(path) != before:
            return reject(Reason.CHANGED_SOURCE, "it was written to while it was being read; run the command again")
        return {"source": source, "sidecar": sidecar, FILE: before}

    def _source(self, source_id: str, row: Row, video: Probe, about: Row) -> Row:
        track = choose_track(video.tracks, told_language(about.get("language")), self.config.audio_track)
        seen = inspect(Path(row["path"]), video, track)
        rights = {name: about.get(name, getattr(self.config, name)) for name in ("license", "rights_basis", "consent")}
        source = Source(
            id=source_id,
            uri=row["uri"],
            group_id=str(about.get("group_id") or about.get("group") or source_id),
            title=about.get("title"),
            collection=about.get("collection"),
            rights=Rights(**rights),
            duration_s=round(video.end_s, 6),
            fps=round(float(video.fps), 6),
            variable_fps=video.variable_fps,
            width=video.width,
            height=video.height,
            rotation_deg=video.rotation_deg,  # type: ignore[arg-type]
            container=video.container,
            video_codec=video.video_codec,
            pixel_format=video.pixel_format,
            **_audio_fields(video, track, seen.audible),
            container_start_s=video.start_s,
            video_start_s=round(video.first_s, 6),
            field_order=seen.cadence.field_order,
            telecined=seen.cadence.telecined,
            color_matrix=video.color.matrix,
            color_primaries=video.color.primaries,
            color_transfer=video.color.transfer,
            full_range=video.color.full_range,
            peak=seen.peak if video.color.hdr else None,
            has_alpha=video.has_alpha,
            dolby_vision=video.dolby_vision,
            clock_jumps=tuple(jump.to_row() for jump in video.jumps),
        )
        return source.model_dump(mode="json")


def _audio_fields(video: Probe, number: int | None, audible: bool) -> Row:
    """What the record says of the audio: the codec of a track that does not decode too, but no track that is used."""
    track = next((track for track in video.tracks if track.number == number), None)
    fields: Row = {"audio_tracks": len(video.tracks)}
    if track is None:
        return fields
    return fields | {
        "audio_codec": track.codec,
        "sample_rate_hz": track.sample_rate_hz,
        "audio_channels": track.channels,
        "audio_track": track.number if audible else None,
        "audio_language": track.language,
    }


def read_sidecar(path: Path, entry: Row, beside: Beside | None = None) -> Row:
    """What the sidecar of a video says, overridden by its manifest entry; texts in Unicode NFC.

    Args:
        beside: what belongs to the video; None looks at its folder.

    Raises:
        ValueError: when it cannot be read, is not a JSON object, names a field nobody knows, or holds what is no text.
    """
    about: Row = {}
    for name in (beside or beside_on_disk(str(path))).sidecars:
        try:
            about = parse_json((path.parent / name).read_bytes())
        except OSError as error:
            raise ValueError(f"its sidecar {name} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ValueError(f"its sidecar {name} is not JSON: {error}") from error
        if not isinstance(about, dict):
            raise ValueError(f"its sidecar {name} is not a JSON object")
    about = {name: value for name, value in {**about, **entry}.items() if value is not None}
    unknown = sorted(set(about) - SIDECAR_FIELDS)
    if unknown:
        known = ", ".join(sorted(SIDECAR_FIELDS - {"path", "uri", "group"}))
        raise ValueError(f"its sidecar or manifest names the unknown field {unknown[0]!r} (known: {known})")
    for name, value in about.items():
        if isinstance(value, (dict, list)) or (name == "language" and not isinstance(value, str)):
            raise ValueError(f"its sidecar or manifest says {value!r} for {name!r}, which is no text")
        if isinstance(value, str):
            about[name] = unicodedata.normalize("NFC", value)
            if defect := unclean(about[name]):
                raise ValueError(f"what its sidecar or manifest says for {name!r} {defect}")
    return about


def _beside(row: Row) -> Beside:
    """As listing found it; a row that says nothing of it has its folder looked at.

    Raises:
        ValueError: what lies beside it may belong to another video too.
    """
    if row.get("beside") is not None:
        return Beside(**row["beside"])
    beside = beside_on_disk(row["path"])
    if beside.refused:
        raise ValueError(beside.refused)
    return beside


def _can_be_read_to_its_end(path: Path) -> bool:
    """Reading a pipe or a device may never end; a folder is one that could not be listed, and says so when read."""
    mode = path.stat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _first_line(error: ValueError) -> str:
    """What a validation found, in one line: field, wish and what stands there."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    defect = error.errors()[0]
    return f"{'.'.join(map(str, defect['loc']))}: {defect['msg']}, not {defect['input']!r}"


def _missing_s(video: Probe) -> float:
    """Seconds that the container promises and the file lacks; 0 within the usual slack."""
    if video.declared_s is None:
        return 0.0
    missing = video.declared_s - video.last_s
    return missing if missing > max(TRUNCATED_SLACK_S, TRUNCATED_SLACK_FRAC * video.declared_s) else 0.0


def read_takedown(path: str | None) -> frozenset[str]:
    """Source hashes and clip keys that must not be in the data set, one a line; ``#`` begins a comment.

    Raises:
        ConfigError: when the list cannot be read: a build must not go on without it.
    """
    if path is None:
        return frozenset()
    try:
        text = Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the takedown list {path} cannot be read: {error}", "mend ingest.takedown") from error
    return frozenset(filter(None, (line.split("#")[0].strip() for line in text.splitlines())))
