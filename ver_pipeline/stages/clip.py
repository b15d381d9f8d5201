"""clip: the media of a chunk of a video, one clip a row.

One decode-and-encode pass over the chunk (``media/encode.py``) makes the frames and audio; clips are cut
from it by copying (``media/cut.py``) and each is probed.  In ``copy`` mode a clip whose boundaries are
keyframes of the video itself is copied from it, and only the others are encoded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ver_pipeline.measure.phash import phash
from ver_pipeline.media.audio_check import OutOfStepError, check_step
from ver_pipeline.media.clock import Jump
from ver_pipeline.media.cut import Cut, CutError, check_clip, count_frames, cut_clips
from ver_pipeline.media.decoded import ENOUGH, FRAMES_MISSING, has_hole, shortfall
from ver_pipeline.media.encode import THUMBNAIL_SIDE, Input, Pass, encode_pass, exact_rate, poster_near
from ver_pipeline.media.ffmpeg import FfmpegError, ffmpeg_version
from ver_pipeline.media.normalise import Stored, frame_rate
from ver_pipeline.media.open import MediaError
from ver_pipeline.media.probe import has_square_pixels, keyframe_times
from ver_pipeline.schemas.config import ClipConfig
from ver_pipeline.schemas.errors import DISK_FULL
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record_media import Clip, Media
from ver_pipeline.stages.base import Outcome, Resources, Row
from ver_pipeline.stages.chunks import VideoChunk
from ver_pipeline.timeline.spans import Span

COPY_CODECS = {"h264"}


@dataclass(frozen=True, slots=True)
class _Video:
    """What the stage needs to know of the source, on the clip grid."""

    input: Input
    fps: Fraction
    origin_s: Fraction
    constant_rate: bool
    copyable: bool
    keyframes: frozenset[int]


class ClipStage:
    """One chunk in, one row per clip out: ``key``, ``clip``, ``media``, its files, its ``speech``, and in
    ``context`` what is said in the clips before and after.

    Args:
        config: encoder settings.
        media_dir: folder for finished media, named by content hash.
    """

    name = "clip"
    version = "7"
    unit = "chunk"
    reads = (
        "source.id", "source.fps", "source.audio_channels", "source.video_codec", "source.pixel_format",
        "source.rotation_deg", "source.variable_fps", "source.width", "source.height", "source.audio_track",
        "source.field_order", "source.telecined", "source.color_matrix", "source.color_primaries",
        "source.color_transfer", "source.full_range", "source.peak", "source.has_alpha", "source.dolby_vision",
        "source.clock_jumps", "source.container_start_s", "path", "file", "chunk",
    )  # fmt: skip
    writes = ("key", "clip", "media", "media_path", "poster_path", "speech", "context")
    batch_size = 1
    resources = Resources(cpus=0.9, isolated=True, time_limit_s=4 * 3600)

    def __init__(self, config: ClipConfig, media_dir: Path) -> None:
        self.config = config
        self.media_dir = Path(media_dir)

    def fingerprint(self) -> Mapping[str, Any]:
        """All of ``clip.*`` and the versions of ffmpeg and PyAV: another encoder writes other bytes."""
        from importlib.metadata import version

        tools = {"ffmpeg": ffmpeg_version(), "av": version("av")}
        return {"config": self.config.model_dump(), **tools}

    def open(self) -> None:
        """Make the folder for media.  libav's messages are switched off: what it meets comes back as a reject."""
        import av

        av.logging.set_level(av.logging.PANIC)
        self.media_dir.mkdir(parents=True, exist_ok=True)

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """For each chunk the rows of its clips, in order of time.

        A chunk of which one clip cannot be made, or does not hold its planned frames and audio, is one reject: it says
        from which second of the video.
        """
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        import av

        chunk = VideoChunk.of(row["chunk"])
        source_id = row["source"]["id"]
        where = "" if chunk.whole_video else f"from {float(chunk.time_s(chunk.first)):.1f} s: "
        try:
            video = self._video(row, chunk)
            with tempfile.TemporaryDirectory(prefix="clip-", dir=self.media_dir) as work:
                finished = self._make(video, chunk, Path(work))
        except MediaError as error:
            return Reject(error.reason, self.name, f"{where}{error}", source_id)
        except av.FFmpegError as error:
            if error.errno in DISK_FULL:
                raise  # the machine's fault and not the video's
            return Reject(Reason.DECODE_FAILED, self.name, f"{where}it cannot be read on: {error}", source_id)
        except FfmpegError as error:
            return Reject(Reason.ENCODE_FAILED, self.name, f"{where}ffmpeg: {error}", source_id)
        except (CutError, OutOfStepError) as error:
            return Reject(Reason.CLIP_MISMATCH, self.name, f"{where}{error}", source_id)
        return [
            _row(chunk, planned, one) if isinstance(one, dict) else self._lost(planned["key"], source_id, where + one)
            for planned, one in zip(chunk.clips, finished, strict=True)
        ]

    def _lost(self, key: str, source_id: str, message: str) -> Row:
        """A clip that the source does not hold, though its container says so."""
        return {"reject": Reject(Reason.DECODE_FAILED, self.name, message, source_id, key=key).to_row()}

    def _video(self, row: Row, chunk: VideoChunk) -> _Video:
        source = row["source"]
        stored = Stored.of(source)
        rate = frame_rate(exact_rate(source["fps"]), stored.telecined)
        start_s = Fraction(source["container_start_s"]).limit_denominator(1_000_000)
        jumps = tuple(Jump.of(jump) for jump in source["clock_jumps"])
        plain = source["video_codec"] in COPY_CODECS and stored.plain and not source["variable_fps"]
        small = max(source["width"], source["height"]) <= self.config.max_side
        same_rate = chunk.fps == exact_rate(source["fps"])
        copyable = self.config.mode == "copy" and plain and small and same_rate and not jumps and not chunk.origin_s
        copyable = copyable and has_square_pixels(row["path"])
        return _Video(
            input=Input(
                row["path"], rate, start_s, stored, source["audio_track"], source["audio_channels"] or 0, jumps
            ),
            fps=chunk.fps,
            origin_s=chunk.origin_s,
            constant_rate=not source["variable_fps"],
            copyable=copyable,
            keyframes=frozenset(round(at * chunk.fps) for at in keyframe_times(row["path"]))
            if copyable
            else frozenset(),
        )

    def _make(self, video: _Video, chunk: VideoChunk, work: Path) -> list[Row | str]:
        """Write every clip's media; returns ``media``, ``phash`` and file names, in the order of the clips.  In the
        place of a clip that does not decode stands what is wrong with it."""
        if not video.copyable:
            return self._encode(video, chunk.first, chunk.spans(), chunk.ends_video, work)
        clips: list[Row | str] = []
        for span in chunk.spans():
            first, end = chunk.first + span.first, chunk.first + span.end
            last = chunk.ends_video and span.end == chunk.n_frames
            whole = first in video.keyframes and (end in video.keyframes or last)
            make = self._copy if whole else self._encode_one
            clips.extend(make(video, first, end, last, work / str(first)))
        return clips

    def _encode(
        self, video: _Video, first: int, spans: Sequence[Span], ends_video: bool, work: Path
    ) -> list[Row | str]:
        """Spans counted from frame ``first``, from one pass that decodes from the keyframe before it."""
        begin_s = video.origin_s + first / video.fps
        # Inverse telecine repeats frames at the end (``normalise.py``), which are cut off again.
        limit = None if ends_video and not video.input.stored.telecined else spans[-1].end
        starts = [span.first for span in spans]
        done = encode_pass(video.input, work, video.fps, starts, self.config, begin_s, limit)
        n_frames = count_frames(done.video)
        failures = _failures(video, done, spans, n_frames)
        # The last clip ends with the video, a frame or two off what the container says.
        ends = [n_frames if ends_video and span is spans[-1] else min(span.end, n_frames) for span in spans]
        planned = [replace(span, end=end) for span, end in zip(spans, ends, strict=True)]
        whole = [span for span, failure in zip(planned, failures, strict=True) if failure is None]
        cuts = [Cut(span.first, span.end, work / f"{span.first}.mp4") for span in whole]
        finished = cut_clips(done.video, video.fps, cuts, _audio(done), done.rate_hz, self.config)
        rows: list[Row | str] = []
        for span, cut in zip(whole, finished, strict=True):
            _check_step(video, done, begin_s, span, cut.to)
            rows.append(self._finish(video, done, span, cut.to, "encode"))
        remaining = iter(rows)
        return [next(remaining) if failure is None else failure for failure in failures]

    def _encode_one(self, video: _Video, first: int, end: int, last: bool, folder: Path) -> list[Row | str]:
        """One clip alone, for boundaries that cannot be copied."""
        return self._encode(video, first, [Span(0, end - first, "source", "source", ())], last, folder)

    def _copy(self, video: _Video, first: int, end: int, last: bool, folder: Path) -> list[Row | str]:
        """Copy the video's own packets; the small looks and the audio come from a pass over the span."""
        length, begin_s = end - first, first / video.fps  # copied videos begin at 0
        try:
            done = encode_pass(video.input, folder, video.fps, [0], self.config, begin_s, length, picture=False)
            span = Span(0, length, "source", "source", ())
            if (failure := _failures(video, done, [span], length)[0]) is not None:
                return [failure]
            cut = Cut(first, end, folder / "copied.mp4")
            audio = _audio(done)
            shifted = None if audio is None else _Shifted(audio, round(begin_s * done.rate_hz))
            list(cut_clips(Path(video.input.path), video.fps, [cut], shifted, done.rate_hz, self.config))
            return [self._finish(video, done, span, cut.to, "copy")]
        except CutError:
            return self._encode_one(video, first, end, last, folder / "again")

    def _finish(self, video: _Video, done: Pass, span: Span, path: Path, mode: str) -> Row:
        """Probe a written clip, name it by its content, and describe it."""
        times_s = done.decoded_s if video.constant_rate else None
        span_s = span.first / video.fps, span.end / video.fps
        hole = times_s is not None and has_hole(times_s, *span_s, video.input.fps)
        n_frames = span.end - span.first
        rate_hz = done.rate_hz if done.channels else None
        width, height = check_clip(path, video.fps, n_frames, rate_hz)
        sha256, size_bytes = hash_file(path)
        media_path = self._keep(path, f"{sha256}.mp4")
        poster = poster_near(done.posters, float((span.first + span.end) / 2 / video.fps))
        poster_path = self._keep(poster, f"{hash_file(poster)[0]}.jpg", copy=True) if poster else None
        media = Media(
            policy="embed",  # what is published of it is decided when the record is made
            sha256=sha256,
            size_bytes=size_bytes,
            video_codec="h264",
            audio_codec="aac" if rate_hz else None,
            mode=mode,  # type: ignore[arg-type]
            normalised=video.input.stored.steps,
            not_normalised=(*video.input.stored.missed, *((FRAMES_MISSING,) if hole else ())),
        )
        frames = {"width": width, "height": height, "phash": _phashes(done, span), "n_frames": n_frames}
        return {"media": media.model_dump(), "media_path": media_path, "poster_path": poster_path, **frames}

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


def _row(chunk: VideoChunk, planned: Mapping[str, Any], made: Row) -> Row:
    """The clip's row: what was planned and what came of it."""
    start_s, n_frames = chunk.time_s(planned["first"]), made["n_frames"]
    clip = Clip(
        start_s=_seconds(start_s),
        end_s=_seconds(start_s + n_frames / chunk.fps),
        duration_s=_seconds(n_frames / chunk.fps),
        fps=round(float(chunk.fps), 6),
        n_frames=n_frames,
        width=made["width"],
        height=made["height"],
        has_audio=made["media"]["audio_codec"] is not None,
        boundary_start=planned["boundary_start"],
        boundary_end=planned["boundary_end"],
        n_shots=len(planned["cuts"]) + 1,
        shot_cuts_s=tuple(_seconds((frame - planned["first"]) / chunk.fps) for frame in planned["cuts"]),
        prev_key=planned["prev_key"],
        next_key=planned["next_key"],
        phash=tuple(made["phash"]),
        detector=chunk.detector,
    )
    carried = {name: planned[name] for name in ("key", "speech", "context")}
    files = {name: made[name] for name in ("media", "media_path", "poster_path")}
    return {**carried, "clip": clip.model_dump(mode="json"), **files}


def _check_step(video: _Video, done: Pass, begin_s: Fraction, span: Span, path: Path) -> None:
    """Where the audio changed inside a clip, it is proven to lie where the source has it."""
    first_s, end_s = begin_s + span.first / video.fps, begin_s + span.end / video.fps
    if video.input.track is not None and any(first_s < at < end_s for at in done.restarts_s):
        check_step(path, video.input.path, video.input.track, first_s, end_s - first_s, video.input.jumps)


class _Shifted:
    """Audio that begins ``lead`` samples into the video, indexed as if it were the whole video's."""

    def __init__(self, audio: Any, lead: int) -> None:
        self.audio, self.lead = audio, lead
        self.shape, self.dtype = audio.shape, audio.dtype

    def __getitem__(self, chunk: slice) -> Any:
        return self.audio[max(0, chunk.start - self.lead) : max(0, chunk.stop - self.lead)]


def _failures(video: _Video, done: Pass, spans: Sequence[Span], n_frames: int) -> list[str | None]:
    """What is wrong with clips that the video cannot fill, None where it can; ``n_frames`` were encoded."""
    # A still that stands for seconds is one frame of a variable rate.
    times_s = done.decoded_s if video.constant_rate else None
    failures = []
    for span in spans:
        n_wanted, n_encoded = span.end - span.first, max(0, n_frames - span.first)
        failure = None if n_encoded >= ENOUGH * n_wanted else f"{n_encoded} of its {n_wanted} frames decode"
        if failure is None and times_s is not None:
            failure = shortfall(times_s, span.first / video.fps, span.end / video.fps, video.input.fps)
        failures.append(failure)
    return failures


def _audio(done: Pass) -> Any:
    """The pass's audio as an array on disk, [samples, channels]; None for a silent video."""
    import numpy as np

    if done.audio is None or done.audio.stat().st_size == 0:
        return None
    return np.memmap(done.audio, dtype=np.int16, mode="r").reshape(-1, done.channels)


def _phashes(done: Pass, span: Span) -> list[str]:
    """Perceptual hashes of looks at a clip's beginning, middle and end, all inside the clip."""
    import numpy as np

    looks = np.memmap(done.looks, dtype=np.uint8, mode="r").reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    first = min(-(-span.first // done.thumbnail_step), len(looks) - 1)
    last = max(first, min((span.end - 1) // done.thumbnail_step, len(looks) - 1))
    return [phash(np.asarray(looks[i])) for i in (first, (first + last) // 2, last)]


def _seconds(value: Fraction) -> float:
    return round(float(value), 3)
