"""clip: which spans, and their media.

The planner (``spans.py``) decides; one decode-and-encode pass over the film (``media/encode.py``)
makes the pictures and sound; clips are cut from it by copying (``media/cut.py``) and each is probed.
In ``copy`` mode a clip whose boundaries are keyframes of the film itself is copied from it, and only
the others are encoded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.config import ClipConfig
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record import Clip, Media
from ver_pipeline.stages.base import Outcome, Resources, Row
from ver_pipeline.stages.measure.phash import phash
from ver_pipeline.stages.media.cut import Cut, CutError, check_clip, count_frames, cut_clips
from ver_pipeline.stages.media.encode import LOOK_SIDE, Pass, clip_grid, encode_pass, poster_near
from ver_pipeline.stages.media.ffmpeg import FfmpegError, ffmpeg_version
from ver_pipeline.stages.spans import Limits, Span, plan_spans, snap_words
from ver_pipeline.stages.speech_slice import said_around, slice_speech

COPY_CODECS = {"h264"}


@dataclass(frozen=True, slots=True)
class _Film:
    """What the stage needs to know of the source, on the clip grid."""

    id: str
    path: str
    fps: Fraction
    n_frames: int
    channels: int | None
    copyable: bool
    keyframes: frozenset[int]


class ClipStage:
    """One source in, one row per clip out: ``key``, ``clip``, ``media``, its files, its ``speech``, and in
    ``context`` what is said in the clips before and after.

    Args:
        config: bounds and encoder settings.
        media_dir: folder for finished media, named by content hash.
    """

    name = "clip"
    version = "2"
    unit = "source"
    reads = (
        "source.id", "source.fps", "source.duration_s", "source.audio_channels", "source.video_codec",
        "source.pixel_format", "source.rotation_deg", "source.variable_fps", "path", "keyframes_s", "shots",
        "transcript",
    )  # fmt: skip
    writes = ("key", "clip", "media", "media_path", "poster_path", "speech", "context")
    batch_size = 1
    resources = Resources(cpus=0.9, isolated=True, time_limit_s=4 * 3600)

    def __init__(self, config: ClipConfig, media_dir: Path) -> None:
        self.config = config
        self.media_dir = Path(media_dir)

    def fingerprint(self) -> Mapping[str, Any]:
        from importlib.metadata import version

        tools = {"ffmpeg": ffmpeg_version(), "av": version("av")}
        return {"config": self.config.model_dump(), **tools}

    def open(self) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)
        self.media_dir.mkdir(parents=True, exist_ok=True)

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        film = self._film(row)
        words = _words(row["transcript"], row["shots"])
        cuts = [
            (round(Fraction(at).limit_denominator(1_000_000) * film.fps), alike)
            for at, alike in zip(row["shots"]["cuts_s"], row["shots"]["similarity"], strict=True)
        ]
        config = self.config
        limits = Limits(config.min_s, config.max_s, config.min_pause_s, config.join_similarity)
        spans = plan_spans(film.n_frames, film.fps, cuts, words, limits)
        if not spans:
            message = f"it lasts {float(film.n_frames / film.fps):.2f} s, clips need {config.min_s:g} s"
            return Reject(Reason.TOO_SHORT, self.name, message, film.id)
        try:
            with tempfile.TemporaryDirectory(prefix="clip-", dir=self.media_dir) as work:
                clips = self._make(film, spans, Path(work))
        except FfmpegError as error:
            return Reject(Reason.ENCODE_FAILED, self.name, f"ffmpeg: {error}", film.id)
        except CutError as error:
            return Reject(Reason.CLIP_MISMATCH, self.name, str(error), film.id)
        return self._rows(film, row, spans, clips)

    def _film(self, row: Row) -> _Film:
        source = row["source"]
        fps = clip_grid(source["fps"], self.config.max_fps)
        last = max(source["duration_s"], row["shots"]["last_frame_s"])
        plain = source["video_codec"] in COPY_CODECS and source["pixel_format"] == "yuv420p"
        upright = source["rotation_deg"] == 0 and not source["variable_fps"]
        same_rate = fps == Fraction(source["fps"]).limit_denominator(100_000)
        keyframes = {round(Fraction(at).limit_denominator(1_000_000) * fps) for at in row["keyframes_s"]}
        return _Film(
            id=source["id"],
            path=row["path"],
            fps=fps,
            n_frames=round(Fraction(last).limit_denominator(1_000_000) * fps),
            channels=source["audio_channels"],
            copyable=self.config.mode == "copy" and plain and upright and same_rate,
            keyframes=frozenset(keyframes),
        )

    def _make(self, film: _Film, spans: Sequence[Span], work: Path) -> list[Row]:
        """Write every clip's media; returns ``media``, ``phash`` and file names, in the order of ``spans``."""
        if not film.copyable:
            done = encode_pass(film.path, work, film.fps, [s.first for s in spans], film.channels, self.config)
            return self._cut(film, done, spans, work)
        made = []
        for number, span in enumerate(spans):
            folder = work / str(number)
            whole = span.first in film.keyframes and (span.end in film.keyframes or span.end == film.n_frames)
            made.extend(self._copy(film, span, folder) if whole else self._encode_one(film, span, folder))
        return made

    def _encode_one(self, film: _Film, span: Span, folder: Path) -> list[Row]:
        """One clip alone, decoded from the keyframe before it; for boundaries that cannot be copied."""
        length = span.end - span.first
        begin_s = span.first / film.fps
        done = encode_pass(film.path, folder, film.fps, [0], film.channels, self.config, begin_s, length)
        return self._cut(film, done, [Span(0, length, span.boundary_start, span.boundary_end, ())], folder)

    def _copy(self, film: _Film, span: Span, folder: Path) -> list[Row]:
        """Copy the film's own packets; the small looks and the sound come from a pass over the span."""
        length = span.end - span.first
        begin_s = span.first / film.fps
        try:
            done = encode_pass(
                film.path, folder, film.fps, [0], film.channels, self.config, begin_s, length, picture=False
            )
            cut = Cut(span.first, span.end, folder / "copied.mp4")
            audio = _audio(done)
            shifted = None if audio is None else _Shifted(audio, round(begin_s * done.rate_hz))
            list(cut_clips(Path(film.path), film.fps, [cut], shifted, done.rate_hz, self.config))
            return [self._finish(film, done, Span(0, length, "source", "source", ()), cut.to, "copy")]
        except CutError:
            return self._encode_one(film, span, folder / "again")

    def _cut(self, film: _Film, done: Pass, spans: Sequence[Span], work: Path) -> list[Row]:
        spans = _fit(spans, done)
        planned = [Cut(s.first, s.end, work / f"{s.first}.mp4") for s in spans]
        finished = cut_clips(done.video, film.fps, planned, _audio(done), done.rate_hz, self.config)
        return [self._finish(film, done, span, cut.to, "encode") for span, cut in zip(spans, finished, strict=True)]

    def _finish(self, film: _Film, done: Pass, span: Span, path: Path, mode: str) -> Row:
        """Probe a written clip, name it by its content, and describe it."""
        n_frames = span.end - span.first
        rate_hz = done.rate_hz if done.channels else None
        width, height = check_clip(path, film.fps, n_frames, rate_hz)
        sha256, size_bytes = hash_file(path)
        media_path = self._keep(path, f"{sha256}.mp4")
        poster = poster_near(done.posters, float((span.first + span.end) / 2 / film.fps))
        poster_path = self._keep(poster, f"{hash_file(poster)[0]}.jpg", copy=True) if poster else None
        media = Media(
            policy="embed",  # what is published of it is decided when the record is made
            sha256=sha256,
            size_bytes=size_bytes,
            video_codec="h264",
            audio_codec="aac" if rate_hz else None,
            mode=mode,  # type: ignore[arg-type]
        )
        looks = _phashes(done, span)
        picture = {"width": width, "height": height, "phash": looks, "n_frames": n_frames}
        return {"media": media.model_dump(), "media_path": media_path, "poster_path": poster_path, **picture}

    def _keep(self, path: Path, name: str, copy: bool = False) -> str:
        folder = self.media_dir / name[:2]
        folder.mkdir(exist_ok=True)
        final = folder / name
        if copy:
            temporary = path.with_suffix(".keep")
            shutil.copyfile(path, temporary)
            path = temporary
        os.replace(path, final)
        return str(final)

    def _rows(self, film: _Film, row: Row, spans: Sequence[Span], clips: Sequence[Row]) -> list[Row]:
        keys = [clip_key(film.id, span, film.fps) for span in spans]
        heard = [
            slice_speech(row["transcript"], *_speech_span(span, film, i, len(spans))) for i, span in enumerate(spans)
        ]
        out: list[Row] = []
        for i, (span, made) in enumerate(zip(spans, clips, strict=True)):
            n_frames = made["n_frames"]
            start_s = span.first / film.fps
            clip = Clip(
                start_s=_seconds(start_s),
                end_s=_seconds(start_s + n_frames / film.fps),
                duration_s=_seconds(n_frames / film.fps),
                fps=round(float(film.fps), 6),
                n_frames=n_frames,
                width=made["width"],
                height=made["height"],
                has_audio=made["media"]["audio_codec"] is not None,
                boundary_start=span.boundary_start,
                boundary_end=span.boundary_end,
                n_shots=len(span.cuts) + 1,
                shot_cuts_s=tuple(_seconds((frame - span.first) / film.fps) for frame in span.cuts),
                prev_key=keys[i - 1] if i else None,
                next_key=keys[i + 1] if i + 1 < len(keys) else None,
                phash=tuple(made["phash"]),
                detector=row["shots"]["detector"],
            )
            files = {name: made[name] for name in ("media", "media_path", "poster_path")}
            told = {"speech": heard[i], "context": said_around(heard, i)}
            out.append({"key": keys[i], "clip": clip.model_dump(mode="json"), **told, **files})
        return out


def clip_key(source_id: str, span: Span, fps: Fraction) -> str:
    """``<16 hex of the source>_<start ms>_<end ms>``: no dot, sortable, equal wherever it is built."""
    return f"{source_id[:16]}_{round(span.first / fps * 1000):08d}_{round(span.end / fps * 1000):08d}"


class _Shifted:
    """Sound that begins ``lead`` samples into the film, indexed as if it were the whole film's."""

    def __init__(self, audio: Any, lead: int) -> None:
        self.audio, self.lead = audio, lead
        self.shape, self.dtype = audio.shape, audio.dtype

    def __getitem__(self, part: slice) -> Any:
        return self.audio[max(0, part.start - self.lead) : max(0, part.stop - self.lead)]


def _words(transcript: Row, shots: Row) -> list[tuple[Fraction, Fraction]]:
    exact = [
        (Fraction(w["start_s"]).limit_denominator(1000), Fraction(w["end_s"]).limit_denominator(1000))
        for w in transcript["words"] or transcript["segments"]
    ]
    cuts = [Fraction(at).limit_denominator(1_000_000) for at in shots["cuts_s"]]
    return snap_words(sorted(exact), cuts)


def _speech_span(span: Span, film: _Film, i: int, n: int) -> tuple[float, float]:
    """The span whose words a clip gets: the last clip also takes what is said past the last picture."""
    start_s, end_s = float(span.first / film.fps), float(span.end / film.fps)
    return (start_s, end_s + 1.0 if i == n - 1 else end_s)


def _fit(spans: Sequence[Span], done: Pass) -> list[Span]:
    """The film as encoded may end a frame or two off its declared length: the last clip ends with it."""
    frames = count_frames(done.video)
    last = spans[-1]
    if frames <= last.first:
        raise CutError(f"the film decodes to {frames} frames; its last clip should begin at {last.first}")
    return [*spans[:-1], Span(last.first, frames, last.boundary_start, last.boundary_end, last.cuts)]


def _audio(done: Pass) -> Any:
    """The pass's sound as an array on disk, [samples, channels]; None for a silent film."""
    import numpy as np

    if done.audio is None or done.audio.stat().st_size == 0:
        return None
    return np.memmap(done.audio, dtype=np.int16, mode="r").reshape(-1, done.channels)


def _phashes(done: Pass, span: Span) -> list[str]:
    """Perceptual hashes of looks at a clip's beginning, middle and end, all inside the clip."""
    import numpy as np

    looks = np.memmap(done.looks, dtype=np.uint8, mode="r").reshape(-1, LOOK_SIDE, LOOK_SIDE)
    first = min(-(-span.first // done.look_step), len(looks) - 1)
    last = max(first, min((span.end - 1) // done.look_step, len(looks) - 1))
    return [phash(np.asarray(looks[i])) for i in (first, (first + last) // 2, last)]


def _seconds(value: Fraction) -> float:
    return round(float(value), 3)
