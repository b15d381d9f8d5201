"""The record: one clip, all that is known about it, and where each piece of knowledge came from.

This pydantic model is the source of truth.  The JSON Schema, the Arrow schema and the SQL tables are
derived from it (``schemas/derive.py``) and committed; a test fails when they drift.

Conventions: times are seconds from the clip's first frame (``*_s``, 3 decimals) unless the name says
``source``; boxes are ``(x, y, width, height)`` as fractions of the frame; probabilities are in
[0, 1]; valence, arousal and dominance in [-1, 1]; text is Unicode NFC.  Nothing here depends on when
or on which machine the record was made.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ver_pipeline.schemas.canonical import canonical_json

SCHEMA_VERSION: Final = "ver-record/1"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}_[0-9]{8}_[0-9]{8}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Signed = Annotated[float, Field(ge=-1.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
Box = tuple[Probability, Probability, Probability, Probability]
Language = Annotated[str, StringConstraints(pattern=r"^(und|mixed|[a-z]{2,3})$")]

LabelId = Literal[
    "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear", "anxiety",
    "contempt", "helplessness", "disappointment", "contentment", "undetermined",
]  # fmt: skip
Expression = Literal["neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise"]
Modality = Literal["face", "body", "scene", "acoustic", "lexical", "context"]
Tier = Literal["cue", "teacher", "human"]
Split = Literal["train", "val", "test", "heldout"]


class Part(BaseModel):
    """Base of every part of the record: closed, immutable, no coercion, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


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


class Segment(Part):
    """One transcribed segment."""

    start_s: Seconds
    end_s: Seconds
    text: str
    language: Language
    avg_logprob: float | None = None
    no_speech_prob: Probability | None = None


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
    onscreen: Literal["on", "off", "mixed", "unknown"] = "unknown"
    recogniser: Recogniser


class FaceBox(Part):
    """One face in one sampled frame."""

    t_s: Seconds
    box: Box
    conf: Probability
    expression: dict[Expression, Probability] = {}


class FaceTrack(Part):
    """One face followed over the sampled frames.  Holds no identity, only where and how it looked."""

    track_id: str
    start_s: Seconds
    end_s: Seconds
    mean_conf: Probability
    mean_box: Box
    boxes: Annotated[tuple[FaceBox, ...], Field(min_length=1)]
    expression: dict[Expression, Probability] = {}
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


class Observation(Part):
    """One thing seen, heard or said, in both languages, without any emotion conclusion."""

    eid: Annotated[str, StringConstraints(pattern=r"^[a-z][0-9]{1,3}$")]
    modality: Modality
    text_en: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    text_zh: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    quote: str | None = None
    track_id: str | None = None
    polarity: Literal["pos", "neg", "neutral", "ambiguous"] | None = None
    supports: tuple[LabelId, ...] = ()
    source: Literal["detector", "asr", "vlm", "llm", "human"]
    confidence: Probability


class OpenLabel(Part):
    """One emotion word as produced, in both languages, with its canonical id and its evidence."""

    en: str
    zh: str
    canon: LabelId | None
    p: Probability
    eids: tuple[str, ...]


class ClosedLabels(Part):
    """The same judgement in the closed taxonomies; None where a taxonomy has no fitting class.

    ``lossy`` names the taxonomies whose class is only approximate.
    """

    mer6: Literal["happy", "sad", "neutral", "angry", "surprise", "worried"] | None = None
    dfew7: Literal["happy", "sad", "neutral", "angry", "surprise", "disgust", "fear"] | None = None
    mafw11: Literal[
        "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear", "anxiety",
        "contempt", "helplessness", "disappointment",
    ] | None = None  # fmt: skip
    meld7: Literal["joy", "sadness", "neutral", "anger", "surprise", "disgust", "fear"] | None = None
    sentiment3: Literal["positive", "neutral", "negative"] | None = None
    lossy: tuple[str, ...] = ()


class Transition(Part):
    """A change of the apparent emotion at ``t_s``."""

    t_s: Seconds
    from_label: LabelId
    to_label: LabelId
    eids: tuple[str, ...]


class Emotion(Part):
    """The apparent emotion of the subject.  ``undetermined`` is an answer: the evidence is too weak."""

    subject: Literal["speaker", "person", "group", "none"]
    subject_track_id: str | None = None
    primary: LabelId
    labels_open: Annotated[tuple[OpenLabel, ...], Field(max_length=8)] = ()
    closed: ClosedLabels
    dist: dict[LabelId, Probability] = {}
    valence: Signed | None
    arousal: Signed | None = None
    dominance: Signed | None = None
    intensity: Annotated[int, Field(ge=0, le=4)] | None
    confidence: Probability
    mixed: bool = False
    transitions: tuple[Transition, ...] = ()
    cause_en: str | None = None
    cause_zh: str | None = None
    ambiguity: Literal["none", "low", "high"]


class Description(Part):
    """The description in both languages, written from the same observations."""

    en: Annotated[str, StringConstraints(min_length=1)]
    zh: Annotated[str, StringConstraints(min_length=1)]
    mode: Literal["native-both", "zh2en", "en2zh", "human"]
    cited_eids: tuple[str, ...] = ()


class Sampling(Part):
    """How a model was asked; None where the annotator draws nothing.

    ``by_prompt`` names the prompts that were asked otherwise, each with the values that were its own.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_new_tokens: int | None = None
    seed: int | None = None
    n_frames: int | None = None
    fps: float | None = None
    max_pixels: int | None = None
    by_prompt: dict[str, dict[str, float]] | None = None


class Provenance(Part):
    """Who wrote an annotation, from what, asked how.  No clock times: those are in ``runs``."""

    tier: Tier
    annotator: str
    model: str
    revision: str
    prompt_ids: tuple[str, ...] = ()
    prompt_sha256: Sha256 | None = None
    schema_sha256: Sha256 | None = None
    sampling: Sampling = Sampling()
    audio_given: bool
    subtitle_given: bool
    input_sha256: Sha256
    output_sha256: Sha256
    tokens_in: Annotated[int, Field(ge=0)] = 0
    tokens_out: Annotated[int, Field(ge=0)] = 0
    attempts: Annotated[int, Field(ge=1)] = 1
    parse: Literal["ok", "repaired"] = "ok"


class Annotation(Part):
    """One complete answer of one annotator for one clip."""

    observations: tuple[Observation, ...]
    emotion: Emotion
    description: Description
    provenance: Provenance


class Vote(Part):
    """One independent label source."""

    voter: str
    label: LabelId
    p: Probability
    valence: Signed | None = None


class Agreement(Part):
    """How far independent label sources agree; None where a number could not be computed."""

    votes: tuple[Vote, ...]
    n_votes: Annotated[int, Field(ge=0)]
    label_agreement: Probability | None = None
    sentiment_agreement: Probability | None = None
    valence_sd: float | None = None
    arousal_sd: float | None = None
    intensity_sd: float | None = None
    jaccard_open: Probability | None = None
    open_f1: Probability | None = None
    en_zh_agreement: Probability | None = None
    self_consistency: Probability | None = None
    reasoning_similarity: Probability | None = None
    method: Literal["majority", "dawid-skene", "none"] = "none"
    ds_confidence: Probability | None = None
    tier: Literal["A", "B", "C"] | None = None


class Finding(Part):
    """What a rule found.  ``pointer`` is a JSON pointer into the record."""

    code: str
    severity: Literal["reject", "flag", "info"]
    message: str
    pointer: str = ""


class Verdict(Part):
    """What the rules said: which ran, which could not run and why, and what they found.

    ``reject`` is what a rule run may say; a published record never carries it.
    """

    status: Literal["accept", "review", "reject"]
    rules_version: str
    passed: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Human(Part):
    """Human review, read from the decisions file."""

    decision: Literal["accept", "reject", "corrected"]
    reviewers: tuple[str, ...]
    decided_utc: str
    corrected_fields: tuple[str, ...] = ()


class Safety(Part):
    """Flags that a reader may want to select on; None means nothing looked."""

    minor_possible: bool | None = None
    sensitive: bool | None = None
    pii: tuple[str, ...] = ()


class Lineage(Part):
    """What shaped this record: fingerprints of stages, config and tools (names to hashes/versions)."""

    stages: dict[str, str]
    tools: dict[str, str]


class Record(Part):
    """One sample: everything a reader of the data set gets about one clip."""

    schema_version: Literal["ver-record/1"] = SCHEMA_VERSION
    key: Key
    split: Split
    tier: Tier
    source: Source
    clip: Clip
    media: Media
    speech: Speech
    measured: Measured
    observations: tuple[Observation, ...]
    emotion: Emotion
    description: Description
    provenance: Provenance
    alternatives: tuple[Annotation, ...] = ()
    agreement: Agreement | None = None
    verdict: Verdict | None = None
    human: Human | None = None
    safety: Safety = Safety()
    lineage: Lineage

    def to_json(self) -> bytes:
        """The canonical JSON form, as stored in a shard."""
        return canonical_json(self.model_dump(mode="json"))


def parse_record(data: bytes | str | dict[str, Any]) -> Record:
    """Parse and validate one record strictly (JSON types, no coercion).

    Raises:
        pydantic.ValidationError: with the location of each defect.
    """
    if isinstance(data, dict):
        data = canonical_json(data)
    return Record.model_validate_json(data)
