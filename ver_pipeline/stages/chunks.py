"""chunks: which spans of a video become clips, and how a long video is dealt out to many workers.

The planner (``spans.py``) decides over the whole video; the spans are then dealt out in chunks of about ten
minutes, each a row of its own, so that one long video keeps many workers busy.  Where a chunk ends is a function
of the video alone, never of who works on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ver_pipeline.media.encode import clip_grid
from ver_pipeline.schemas.config import ClipConfig
from ver_pipeline.schemas.keys import clip_key
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row
from ver_pipeline.timeline.spans import Limits, Span, plan_spans, snap_words
from ver_pipeline.timeline.transcript import said_around, slice_speech
from ver_pipeline.timeline.turns import slice_events, slice_turns, speaker_changes, tell_speakers, turns_of

SAID_LATE_S = 1.0
"""The last clip also takes what is said so long past the last frame."""


class ChunksStage:
    """One source in, one row per chunk out: its ``chunk``, a dict of

    * ``fps``: the clip grid's frames per second, numerator and denominator;
    * ``origin_s``: the source time of the grid's frame 0, which is the video's first frame, likewise;
    * ``first``: the chunk's first frame, ``ends_video``: whether the video ends with it;
    * ``clips``: for each clip its ``key``, its frames ``[first, end)``, why it begins and ends there, the cuts
      inside, its neighbours' keys, its ``speech``, and in ``context`` what is said in the clips before and after;
    * ``detector``: what found the cuts.
    """

    name = "chunks"
    version = "4"
    unit = "source"
    reads = (
        "source.id",
        "source.fps",
        "source.duration_s",
        "source.video_start_s",
        "source.telecined",
        "shots",
        "transcript",
        "speakers",
    )
    writes = ("chunk",)
    batch_size = 1
    resources = Resources(cpus=0.1)

    def __init__(self, config: ClipConfig) -> None:
        self.config = config

    def fingerprint(self) -> Mapping[str, Any]:
        """The settings that shape the plan: lengths in seconds, pauses, joins, the highest frame rate."""
        shapes = ("min_s", "target_s", "max_s", "min_pause_s", "join_similarity", "max_fps", "chunk_s")
        return {name: getattr(self.config, name) for name in shapes}

    def open(self) -> None:
        """Nothing to load: the plan is arithmetic."""

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """For each source the rows of its chunks, in order of time; a source too short for one clip is a reject."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        source, shots = row["source"], row["shots"]
        config = self.config
        fps = clip_grid(source["fps"], config.max_fps, bool(source["telecined"]))
        origin = Fraction(source["video_start_s"]).limit_denominator(1_000_000)
        last_s = max(source["duration_s"], shots["last_frame_s"])
        n_frames = round((Fraction(last_s).limit_denominator(1_000_000) - origin) * fps)
        cuts = [
            (round((Fraction(at).limit_denominator(1_000_000) - origin) * fps), alike)
            for at, alike in zip(shots["cuts_s"], shots["similarity"], strict=True)
        ]
        limits = Limits(config.min_s, config.preferred_s, config.max_s, config.min_pause_s, config.join_similarity)
        speakers = row["speakers"]
        transcript = tell_speakers(row["transcript"], speakers["voices"]) if speakers["voices"] else row["transcript"]
        words = [(start - origin, end - origin) for start, end in _words(transcript, shots)]
        changes = [
            (Fraction(a + b).limit_denominator(1000) / 2) - origin for a, b in speaker_changes(transcript["words"])
        ]
        spans = plan_spans(n_frames, fps, cuts, [word for word in words if word[1] > 0], limits, changes)
        if not spans:
            message = f"it lasts {float(n_frames / fps):.2f} s, clips need {config.min_s:g} s"
            return Reject(Reason.TOO_SHORT, self.name, message, source["id"])
        clips = _clips(spans, source["id"], fps, origin, transcript, speakers)
        shared = {
            "fps": [fps.numerator, fps.denominator],
            "origin_s": [origin.numerator, origin.denominator],
            "detector": shots["detector"],
        }
        return [
            {"chunk": {**shared, "first": dealt[0]["first"], "ends_video": dealt[-1] is clips[-1], "clips": dealt}}
            for dealt in _dealt(clips, round(Fraction(config.chunk_s) * fps))
        ]


@dataclass(frozen=True, slots=True)
class VideoChunk:
    """A chunk as the stage that cuts it reads it.  ``clips`` are as ``ChunksStage`` wrote them."""

    fps: Fraction
    origin_s: Fraction
    first: int
    ends_video: bool
    clips: tuple[Mapping[str, Any], ...]
    detector: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> VideoChunk:
        """From the column ``chunk``."""
        grid = Fraction(*row["fps"]), Fraction(*row["origin_s"])
        return cls(*grid, row["first"], row["ends_video"], tuple(row["clips"]), row["detector"])

    def time_s(self, frame: int) -> Fraction:
        """When a frame of the grid is shown, in source time."""
        return self.origin_s + frame / self.fps

    @property
    def whole_video(self) -> bool:
        """The video's only chunk."""
        return self.first == 0 and self.ends_video

    @property
    def n_frames(self) -> int:
        """Frames of the grid from the chunk's first to the end of its last clip."""
        return int(self.clips[-1]["end"]) - self.first

    def spans(self) -> list[Span]:
        """The clips' spans, counted from the chunk's first frame."""
        return [
            Span(clip["first"] - self.first, clip["end"] - self.first, clip["boundary_start"], clip["boundary_end"],
                 tuple(frame - self.first for frame in clip["cuts"]))
            for clip in self.clips
        ]  # fmt: skip


def _clips(
    spans: Sequence[Span], source_id: str, fps: Fraction, origin: Fraction, transcript: Row, speakers: Row
) -> list[Row]:
    times = [(origin + span.first / fps, origin + span.end / fps) for span in spans]
    keys = [clip_key(source_id, start, end) for start, end in times]
    said = [
        slice_speech(transcript, float(start), float(end), SAID_LATE_S if (start, end) == times[-1] else 0.0)
        for start, end in times
    ]
    speech_by_clip = [{**one, **turns} for one, turns in zip(said, _turns(speakers, said, times), strict=True)]
    return [
        {
            "key": keys[i],
            "first": span.first,
            "end": span.end,
            "boundary_start": span.boundary_start,
            "boundary_end": span.boundary_end,
            "cuts": list(span.cuts),
            "prev_key": keys[i - 1] if i else None,
            "next_key": keys[i + 1] if i + 1 < len(keys) else None,
            "speech": speech_by_clip[i],
            "context": said_around(speech_by_clip, i),
        }
        for i, span in enumerate(spans)
    ]


def _turns(speakers: Row, heard: Sequence[Row], times: Sequence[tuple[Fraction, Fraction]]) -> Iterator[dict[str, Any]]:
    """Of each clip its turns, who told them apart, and the vectors of its voices."""
    turns = turns_of(speakers["voices"])
    for speech, (start, end) in zip(heard, times, strict=True):
        here = slice_turns(turns, speech["words"], float(start), float(end))
        turns_told_apart = None if speakers["diarizer"] is None else here
        vectors = speakers["vectors"]
        if vectors is not None:
            vectors = {name: vectors[name] for name in sorted({turn["speaker"] for turn in here} & vectors.keys())}
        events = speakers.get("events")
        sounds = None if events is None else slice_events(events, float(start), float(end))
        yield {"events": sounds, "turns": turns_told_apart, "diarizer": speakers["diarizer"], "voice_vectors": vectors}


def _dealt(clips: Sequence[Row], chunk_frames: int) -> Iterator[list[Row]]:
    """Clips in chunks of at least ``chunk_frames`` and less than twice that, where the video is that long."""
    chunk: list[Row] = []
    for clip in clips:
        left = clips[-1]["end"] - clip["first"]
        if chunk and clip["first"] - chunk[0]["first"] >= chunk_frames and left >= chunk_frames:
            yield chunk
            chunk = []
        chunk.append(clip)
    yield chunk


def _words(transcript: Row, shots: Row) -> list[tuple[Fraction, Fraction]]:
    exact = [
        (Fraction(w["start_s"]).limit_denominator(1000), Fraction(w["end_s"]).limit_denominator(1000))
        for w in transcript["words"] or transcript["segments"]
    ]
    cuts = [Fraction(at).limit_denominator(1_000_000) for at in shots["cuts_s"]]
    return snap_words(sorted(exact), cuts)
