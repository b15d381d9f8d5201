"""Whole published data sets for tests: factory records with real small videos, through the real publisher."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from factory import make_records

from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import run_rules
from ver_pipeline.shards.layout import Sample

SIDE = 32


def published(folder: Path, records: Iterable[Record] | None = None, *, rejects: Sequence[Any] = ()) -> Path:
    """Publish the records (with verdicts, hashes and videos that fit) into ``folder / "out"``."""
    made = [with_video(record) for record in (make_records(24) if records is None else records)]
    samples = []
    for record, video in made:
        base = folder / "cache" / record.key
        base.parent.mkdir(parents=True, exist_ok=True)
        base.with_suffix(".json").write_bytes(record.to_json())
        base.with_suffix(".mp4").write_bytes(video)
        base.with_suffix(".jpg").write_bytes(poster())
        samples.append(
            Sample(
                key=record.key,
                split=record.split,
                record_path=str(base.with_suffix(".json")),
                media_path=str(base.with_suffix(".mp4")),
                poster_path=str(base.with_suffix(".jpg")),
                size_bytes=len(video) + 4096,
            )
        )
    sources = {record.source.id: record.source.model_dump(mode="json") for record, _ in made}
    content = Content(
        samples=samples,
        sources=[sources[name] for name in sorted(sources)],
        rejects=list(rejects),
        runs=[],
        config=BuildConfig(),
        fingerprints={"clip": "ab"},
        tools={"ffmpeg": "7"},
    )
    publish(folder / "out", folder / "staging", content)
    return folder / "out"


def with_video(record: Record) -> tuple[Record, bytes]:
    """The record with its verdict, and with the hash and size of a video of the duration it claims."""
    video = encode(record.clip.n_frames, record.clip.has_audio) + _free_box(record.key)
    media = record.media.model_copy(update={"size_bytes": len(video), "sha256": hashlib.sha256(video).hexdigest()})
    clip = record.clip.model_copy(update={"width": SIDE, "height": SIDE})
    changed = record.model_copy(update={"media": media, "clip": clip})
    return changed.model_copy(update={"verdict": run_rules(changed)}), video


def _free_box(key: str) -> bytes:
    """An mp4 ``free`` box that makes each video's bytes its own; players skip it."""
    return (8 + len(key)).to_bytes(4, "big") + b"free" + key.encode()


@lru_cache(maxsize=64)
def encode(n_frames: int, has_audio: bool, fps: int = 25) -> bytes:
    """A tiny H.264 video (AAC audio if asked) of exactly ``n_frames`` frames."""
    import av
    import numpy as np

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "threads": "1"})
        video.width = video.height = SIDE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=16_000, layout="mono") if has_audio else None
        for i in range(n_frames):
            picture = np.full((SIDE, SIDE, 3), i % 256, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        if audio is not None:
            for start in range(0, n_frames * 16_000 // fps, 1024):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return buffer.getvalue()


@lru_cache(maxsize=1)
def poster() -> bytes:
    """A small JPEG."""
    import av
    import numpy as np

    codec = av.CodecContext.create("mjpeg", "w")
    codec.width = codec.height = SIDE
    codec.pix_fmt, codec.time_base = "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), 90, np.uint8), format="rgb24").reformat(
        format="yuvj420p"
    )
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
