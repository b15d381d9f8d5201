"""The parts of a record that were measured: faces, voice, frames, sentiment of the words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ver_pipeline.schemas.record_types import (
    ActionUnit,
    Box,
    Degrees,
    Expression,
    LabelId,
    Part,
    Probability,
    Seconds,
    Signed,
)


class FaceBox(Part):
    """One face in one sampled frame."""

    t_s: Seconds
    box: Box
    conf: Probability
    expression: dict[Expression, Probability] = Field(default_factory=dict)


class UnitValues(Part):
    """An action unit over the looks of a face: 0 at rest, 1 a full movement, None where it was not visible.

    ``confidence`` says how far geometry tells this unit at this size and turning of the face; 0 where it was never
    visible.
    """

    value: tuple[Probability | None, ...]
    confidence: Probability


class FaceShape(Part):
    """The shape of one face over its looks (``t_s``, more of them than ``boxes``): columns of equal length.

    Angles in degrees: ``yaw_deg`` turned to the picture's right, ``pitch_deg`` up, ``roll_deg`` clockwise as seen;
    all 0 looks into the camera.  ``gaze_*`` are head and eyes together, None where not looked at.  ``presence`` is the
    mesh's own probability of a face.  ``mouth_open``: gap of the inner lips as a share of the face's height.
    ``eye_open``: height to width of the lids' opening.  ``units``: approximate FACS action units, relative to the
    face's own rest over its track, or to the mean face's (``rest``).  ``blinks_s``: some are missed between looks.
    ``still``: it never moved in itself, as a painting, a photograph or a frozen picture; None: too short to tell.
    """

    t_s: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    presence: tuple[Probability, ...]
    yaw_deg: tuple[Degrees, ...]
    pitch_deg: tuple[Degrees, ...]
    roll_deg: tuple[Degrees, ...]
    gaze_yaw_deg: tuple[Degrees | None, ...]
    gaze_pitch_deg: tuple[Degrees | None, ...]
    mouth_open: tuple[Probability | None, ...]
    eye_open: tuple[Probability | None, ...]
    units: dict[ActionUnit, UnitValues]
    rest: Literal["track", "default"]
    still: bool | None = None
    blinks_s: tuple[Seconds, ...] = ()

    @model_validator(mode="after")
    def _columns_are_equally_long(self) -> FaceShape:
        columns = (self.presence, self.yaw_deg, self.pitch_deg, self.roll_deg, self.gaze_yaw_deg, self.gaze_pitch_deg,
                   self.mouth_open, self.eye_open, *(unit.value for unit in self.units.values()))  # fmt: skip
        if any(len(column) != len(self.t_s) for column in columns):
            raise ValueError("the columns of a face's shape are not equally long")
        return self


class TimeSpan(Part):
    """A stretch of the clip."""

    start_s: Seconds
    end_s: Seconds


class FaceSpeaking(Part):
    """One face against the clip's voice.

    ``motion_*``: mean change of the inner lips' opening in an eighth of a second, as a share of the face's height,
    while a voice is heard and well outside of it; None where nothing was to measure.  ``score``: 0 for a still mouth,
    1 for one that moves as speakers' do, 0 for one that moves as much when nobody is heard.  ``spans``: when it speaks.
    """

    score: Probability | None
    motion_in_voice: Probability | None
    motion_outside: Probability | None
    spans: tuple[TimeSpan, ...] = ()


class VoiceOnScreen(Part):
    """Whether the voice belongs to a face on the screen, and the numbers that decided it.

    ``voice_s`` is for how long somebody is heard, ``known_s`` for how long of that every visible mouth could be read or
    no face was there, ``speaking_s`` for how long of that a face spoke.  ``mixed``: for a part of it.
    """

    decision: Literal["on", "off", "mixed", "unknown"]
    voice_s: Seconds
    known_s: Seconds
    speaking_s: Seconds


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
    shape: FaceShape | None = None
    speaking: FaceSpeaking | None = None


class Faces(Part):
    """Faces over the clip; ``sampled_s`` are the times that were looked at."""

    n_tracks: Annotated[int, Field(ge=0)]
    max_simultaneous: Annotated[int, Field(ge=0)]
    sampled_s: tuple[Seconds, ...]
    tracks: tuple[FaceTrack, ...] = ()
    detector: str
    expression_model: str
    voice_on_screen: VoiceOnScreen | None = None


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
