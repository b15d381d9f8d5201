"""The parts of a record that somebody wrote: observations, emotion, description; and how far sources agree."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ver_pipeline.schemas.record_types import LabelId, Modality, Part, Probability, Seconds, Sha256, Signed, Tier


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
    dist: dict[LabelId, Probability] = Field(default_factory=dict)
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


class Senses(Part):
    """Which senses of the model canaries proved (docs/guarantees/senses.md); ``unproven`` where none was sent.

    ``failed`` says what went wrong with those that were refused: such a model was not shown, or not believed, what they
    are for.
    """

    sight: Literal["proven", "refused", "unproven"] = "unproven"
    hearing: Literal["proven", "refused", "unproven"] = "unproven"
    failed: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[str, ...]:
        """The names of the senses that failed."""
        return tuple(name for name in ("sight", "hearing") if getattr(self, name) == "refused")


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
    senses: Senses = Senses()


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
    """A: two thirds of the votes back the label; B: half; C: fewer.  None: fewer than two votes."""
