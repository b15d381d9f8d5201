"""The parts of a record that say what was cut from where, and what is said in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ver_pipeline.schemas.record_types import Key, Language, Part, Probability, Seconds, Sha256


class Rights(Part):
    """What may be done with the source; travels from the manifest or sidecar to every record."""

    license: str = "LicenseRef-unknown"
    rights_basis: Literal["own", "consented", "licensed", "research-exception", "unknown"] = "unknown"
    consent: Literal["explicit", "platform-terms", "none", "unknown"] = "unknown"


class Source(Part):
    """The raw video.  ``id`` is the sha256 of its bytes; the path is an attribute, never identity."""

    id: Sha256
    uri: str
    group_id: str
    title: str | None = None
    collection: str | None = None
    rights: Rights
    duration_s: Seconds
    fps: Annotated[float, Field(gt=0)]
    variable_fps: bool
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    rotation_deg: Literal[0, 90, 180, 270]
    container: str
    video_codec: str
    pixel_format: str
    audio_codec: str | None = None
    sample_rate_hz: int | None = None
    audio_channels: int | None = None


class Clip(Part):
    """The span and the stored media.  Start and end are in source time, on the clip's frame grid."""

    start_s: Seconds
    end_s: Seconds
    duration_s: Annotated[float, Field(gt=0)]
    fps: Annotated[float, Field(gt=0)]
    n_frames: Annotated[int, Field(gt=0)]
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    has_audio: bool
    boundary_start: Literal["source", "shot", "pause", "limit"]
    boundary_end: Literal["source", "shot", "pause", "limit"]
    n_shots: Annotated[int, Field(ge=1)]
    shot_cuts_s: tuple[Seconds, ...] = ()
    prev_key: Key | None = None
    next_key: Key | None = None
    phash: tuple[str, ...] = ()
    detector: str


class Media(Part):
    """The stored member, or a reference without pixels (policy of the data set)."""

    policy: Literal["embed", "reference", "none"]
    sha256: Sha256
    size_bytes: Annotated[int, Field(gt=0)]
    video_codec: str
    audio_codec: str | None = None
    mode: Literal["encode", "copy"] = "encode"


class Word(Part):
    """One word (one character group in Chinese) with its time and the recogniser's probability."""

    word: str
    start_s: Seconds
    end_s: Seconds
    prob: Probability


SpeechDoubt = Literal["other_language", "no_speech", "low_probability", "too_fast", "repetition", "invented"]


class Segment(Part):
    """One transcribed segment; ``doubt`` says why it may not have been said as it stands."""

    start_s: Seconds
    end_s: Seconds
    text: str
    language: Language
    avg_logprob: float | None = None
    no_speech_prob: Probability | None = None
    doubt: SpeechDoubt | None = None


class Discarded(Part):
    """What the recogniser wrote, or heard, that is no transcript, and why.

    ``text`` is empty where nothing was written.  ``language`` is what it was taken for; ``und``: none was likely.
    """

    start_s: Seconds
    end_s: Seconds
    language: Language
    text: str
    reason: SpeechDoubt


class Recogniser(Part):
    """What heard the speech: ``subtitles`` means ready text, ``none`` that nothing listened."""

    engine: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    model: str
    revision: str


class Speech(Part):
    """What is said in the clip, in the language it is said in (Chinese in simplified script)."""

    present: bool
    speech_s: Seconds
    language: Language
    language_prob: Probability | None = None
    text: str
    text_en: str | None = None
    text_zh: str | None = None
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    onscreen: Literal["on", "off", "mixed", "unknown"] = "unknown"
    recogniser: Recogniser
