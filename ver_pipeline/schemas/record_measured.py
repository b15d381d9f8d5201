"""The parts of a record that were measured: faces, voice, frames, sentiment of the words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ver_pipeline.schemas.record_types import Box, Expression, LabelId, Part, Probability, Seconds, Signed


class FaceBox(Part):
    """One face in one sampled frame."""

    t_s: Seconds
    box: Box
    conf: Probability
    expression: dict[Expression, Probability] = Field(default_factory=dict)


class FaceTrack(Part):
    """One face followed over the sampled frames.  Holds no identity, only where and how it looked."""

    track_id: str
    start_s: Seconds
    end_s: Seconds
    mean_conf: Probability
    mean_box: Box
    boxes: Annotated[tuple[FaceBox, ...], Field(min_length=1)]
    expression: dict[Expression, Probability] = Field(default_factory=dict)
    dominant: Expression | None = None
    peak_s: Seconds | None = None


class Faces(Part):
    """Faces over the clip; ``sampled_s`` are the times that were looked at."""

    n_tracks: Annotated[int, Field(ge=0)]
    max_simultaneous: Annotated[int, Field(ge=0)]
    sampled_s: tuple[Seconds, ...]
    tracks: tuple[FaceTrack, ...] = ()
    detector: str
    expression_model: str


class Voice(Part):
    """Prosody of the clip's audio.  Pitch values are None where nothing is voiced."""

    f0_mean_hz: float | None
    f0_sd_st: float | None
    f0_range_st: float | None
    loudness_db: float
    loudness_sd_db: float
    rate_syll_s: float | None
    pause_frac: Probability
    voiced_frac: Probability
    clipped_frac: Probability
    silence_frac: Probability
    extractor: str


class Picture(Part):
    """Motion and image quality over the sampled frames (motion: mean absolute luma change, 0-1)."""

    motion_mean: Probability
    motion_max: Probability
    brightness: Probability
    sharpness: Annotated[float, Field(ge=0)]
    black_frac: Probability
    static_frac: Probability


class SentimentHit(Part):
    """One word that carries sentiment, as it stands in the transcript."""

    word: str
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    polarity: Signed
    emotion: LabelId | None = None


class Sentiment(Part):
    """Polarity of what is said, by lexicon; None where the language has no lexicon."""

    polarity: Signed | None
    hits: tuple[SentimentHit, ...] = ()
    tool: str


class Measured(Part):
    """All that was measured before anybody annotated."""

    faces: Faces
    voice: Voice | None
    picture: Picture
    sentiment: Sentiment
