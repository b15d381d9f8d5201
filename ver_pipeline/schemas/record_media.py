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
    speakers: tuple[str, ...] = ()
    """Who speaks in it, as its sidecar or row says; names that hold over all videos."""
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
    """Of the track that is used, like the two fields before."""
    audio_track: Annotated[int, Field(ge=0)] | None = None
    """The audio track that is used, counted from 0; None where none is usable (and in records of older builds)."""
    audio_tracks: Annotated[int, Field(ge=0)] | None = None
    audio_language: str | None = None
    """What the container says of the used track, as an ISO 639-1 code."""
    container_start_s: float = 0.0
    """The time stamp that is second 0 of the source timeline."""
    video_start_s: Seconds = 0.0
    """When the first whole frame comes; what is before has no frame to show."""
    field_order: Literal["progressive", "tff", "bff"] | None = None
    """What the frames themselves show: whole, or woven from two fields, top or bottom first."""
    telecined: bool | None = None
    """24 frames a second, spread over fields by 3:2 pulldown."""
    color_matrix: str | None = None
    color_primaries: str | None = None
    color_transfer: str | None = None
    full_range: bool | None = None
    """As the frames say; names as ffmpeg's."""
    peak: Annotated[float, Field(ge=1)] | None = None
    """Brightest light of a high-dynamic-range video, in units of SDR white."""
    has_alpha: bool | None = None
    dolby_vision: bool | None = None
    """Dolby Vision without a base layer that other decoders understand."""
    clock_jumps: tuple[tuple[int, int, int, int], ...] = ()
    """Jumps of the file's clock: source time, and what is added to time stamps behind it, each as a fraction of s."""


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
    boundary_start: Literal["source", "shot", "turn", "pause", "limit"]
    boundary_end: Literal["source", "shot", "turn", "pause", "limit"]
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
    normalised: tuple[str, ...] = ()
    """What was done to the source's frames and audio: ``deinterlaced``, ``tone_mapped``, ..."""
    not_normalised: tuple[str, ...] = ()
    """What would have to be done and could not."""


Speaker = Annotated[str, Field(pattern=r"^S[1-9][0-9]*$")]
"""A voice within one video, numbered in order of first appearance; another video's ``S1`` is another voice."""


class Word(Part):
    """One word (one character group in Chinese) with its time and the recogniser's probability."""

    word: str
    start_s: Seconds
    end_s: Seconds
    prob: Probability
    speaker: Speaker | None = None


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
    speaker: Speaker | None = None
    """None where its words have several speakers, or one that cannot be told."""


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


class Caption(Part):
    """Text of a subtitle file that nobody says, in clip time: what is heard, sung, seen or told besides speech."""

    start_s: Seconds
    end_s: Seconds
    text: str
    kind: Literal["sound", "music", "sign", "speaker", "credit", "translation"]


class SubtitleFile(Part):
    """A subtitle file beside the video, how it fits the sound, and whether the words come from it.

    ``told`` counts what was lost or put right in the whole file.  A time ``t`` of the file is ``rate * t + offset_s``
    of the video.  ``voice_s`` is for how long somebody is heard in the video, ``voice_covered`` the share of that in
    cues, ``cues_voiced`` the share of cues in which somebody is heard; ``agreement`` is the share of sampled words that
    the recogniser hears too (0 to 1).  None: not measured.
    """

    name: str
    sha256: Sha256
    format: str | None = None
    encoding: str | None = None
    language: Language | None = None
    used: bool
    why: str | None = None
    n_cues: Annotated[int, Field(ge=0)] = 0
    told: dict[str, int] = Field(default_factory=dict)
    offset_s: float = 0.0
    rate: Annotated[float, Field(gt=0)] = 1.0
    voice_s: Seconds | None = None
    voice_covered: Probability | None = None
    cues_voiced: Probability | None = None
    agreement: Probability | None = None


class Turn(Part):
    """What one voice says until another answers.  ``overlap_s`` is for how long others speak meanwhile.

    ``words`` are positions in ``Speech.words``; what several say at once is in no turn.
    """

    speaker: Speaker | None = None
    start_s: Seconds
    end_s: Seconds
    overlap_s: Seconds = 0.0
    words: tuple[Annotated[int, Field(ge=0)], ...] = ()
    text: str = ""


class SoundEvent(Part):
    """A stretch of speech, singing or music; kinds may overlap."""

    kind: Literal["speech", "singing", "music"]
    start_s: Seconds
    end_s: Seconds


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
    captions: tuple[Caption, ...] = ()
    subtitles: tuple[SubtitleFile, ...] = ()
    turns: tuple[Turn, ...] | None = None
    """Who speaks when; None where nobody told voices apart."""
    diarizer: str | None = None
    """What told them apart."""
    events: tuple[SoundEvent, ...] | None = None
    """Speech, singing and music in the clip's sound; None where nobody listened for them."""
    voice_vectors: dict[Speaker, tuple[float, ...]] | None = None
    """A unit vector of each voice in the clip, only where ``speech.keep_voice_vectors`` asked for it."""
