"""What every column of the pipeline holds, with units: rows are JSON, so these are typed dicts.

Stages declare the columns that they read and write; ``docs/reference/columns.md`` is made from here.  Columns that end
up in the record as they are (``source``, ``clip``, ``speech``, ``measured``, ...) have the record's own models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict


class Beside(TypedDict):
    """Files that belong to a video, by their names in its folder."""

    sidecars: list[str]
    subtitles: list[str]


class Subtitles(TypedDict):
    """A subtitle file: its name in the video's folder, its hash, the language that its name tells, and why it is not
    looked at, if it is not."""

    name: str
    sha256: str
    language: str | None
    why: str | None


class Sidecar(TypedDict):
    """What stands beside a video: a hint of its language, and its subtitle files, the first to be looked at first."""

    language: str | None
    subtitles: list[Subtitles]


class Remote(TypedDict):
    """Where a video is to be fetched from first."""

    source: str
    uri: str
    path: str
    size_bytes: int
    mtime_ns: int


class Shots(TypedDict):
    """Cuts in source time (s), how alike both sides of each are (0 to 1), and the frames that decoded."""

    cuts_s: list[float]
    similarity: list[float]
    n_frames: int
    last_frame_s: float
    detector: str


class TranscriptColumn(TypedDict):
    """What is said in the whole video, in source time (s): ``transcribers/base.py`` writes it."""

    segments: list[dict[str, object]]
    words: list[dict[str, object]]
    speech_spans: list[tuple[float, float]]
    language_windows: list[dict[str, object]]
    captions: list[dict[str, object]]
    subtitles: list[dict[str, object]]
    recogniser: dict[str, str]
    has_audio: bool


class SpeakersColumn(TypedDict):
    """Who told voices apart (None: nobody), the voices in source time (s), and where asked for a vector of each, and
    where the sound is speech, singing or music."""

    diarizer: str | None
    voices: list[dict[str, object]]
    vectors: dict[str, list[float]] | None
    events: list[dict[str, object]] | None


class SplitUnit(TypedDict):
    """What no split tears apart: its name, and the groups that it holds."""

    name: str
    groups: list[str]


class PlannedClip(TypedDict):
    """A clip before it is cut: its frames ``[first, end)`` on the clip grid, and the frames of the cuts inside."""

    key: str
    first: int
    end: int
    boundary_start: Literal["source", "shot", "turn", "pause", "limit"]
    boundary_end: Literal["source", "shot", "turn", "pause", "limit"]
    cuts: list[int]
    prev_key: str | None
    next_key: str | None
    speech: dict[str, object]
    context: dict[str, str | None]


class ChunkColumn(TypedDict):
    """A stretch of a video: the clip grid's frame rate and the source time of its frame 0 (numerators, denominators),
    the stretch's first frame, and its clips."""

    fps: tuple[int, int]
    origin_s: tuple[int, int]
    first: int
    ends_video: bool
    clips: list[PlannedClip]
    detector: str


class ContextColumn(TypedDict):
    """What is said in the clips before and after; None where nobody speaks or there is no such clip."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column: the type of its value and one line of meaning."""

    type: str
    meaning: str


COLUMNS: dict[str, ColumnType] = {
    "uri": ColumnType("str", "the video's name in the data set: relative, with /"),
    "path": ColumnType("str", "where the video lies now; never part of a cache key"),
    "entry": ColumnType("dict[str, str]", "its row of the manifest; empty without one"),
    "remote": ColumnType("Remote | None", "where to fetch it from first"),
    "beside": ColumnType("Beside", "the files that belong to it: names in its folder"),
    "stat": ColumnType("list[int]", "size in bytes, time of change in ns and mode of the video and of each sidecar"),
    "file": ColumnType("list[int] | None", "size in bytes and time of change in ns when ingest read it"),
    "source": ColumnType("record.Source", "what is known of the video"),
    "sidecar": ColumnType("Sidecar", "language hint and subtitle files"),
    "shots": ColumnType("Shots", "where the shots change"),
    "transcript": ColumnType("TranscriptColumn", "what is said in the whole video"),
    "speakers": ColumnType("SpeakersColumn", "which voice speaks when in the whole video"),
    "split_unit": ColumnType("SplitUnit | None", "the videos that share its split; None: its group"),
    "chunk": ColumnType("ChunkColumn", "the clips planned in one stretch of the video"),
    "key": ColumnType("str", "the clip's key: 16 hex digits of the source, start and end in ms"),
    "clip": ColumnType("record.Clip", "the span and the frames of the clip"),
    "media": ColumnType("record.Media", "hash, size in bytes and codecs of the clip's file"),
    "media_path": ColumnType("str", "the clip's MP4, named by its content"),
    "poster_path": ColumnType("str | None", "a JPEG of its middle, named by its content"),
    "speech": ColumnType("record.Speech", "what is said in the clip, in clip time (s)"),
    "context": ColumnType("ContextColumn", "what is said around it"),
    "measured": ColumnType("record.Measured", "faces, voice, frames, sentiment"),
    "annotation": ColumnType("record.Annotation", "the adopted annotation"),
    "alternatives": ColumnType("list[record.Annotation]", "the other annotations"),
    "agreement": ColumnType("record.Agreement", "how far independent sources agree"),
    "human": ColumnType("record.Human | None", "the reviewers' decision"),
    "record": ColumnType("record.Record", "the whole record"),
    "split": ColumnType("str", "train, val, test or heldout"),
    "record_path": ColumnType("str", "the record's JSON, named by key and content"),
    "size_bytes": ColumnType("int", "what the sample takes in a tar"),
    "duration_s": ColumnType("float", "length of the clip in s"),
    "embedded": ColumnType("bool", "whether the media goes into the tar"),
}
"""Every column of a row, by name."""
