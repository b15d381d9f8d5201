"""The configuration of a build: typed, closed, with a default for everything.

One section per stage; a stage reads its own section only, so a changed value reruns only the stages
that read it.  ``ver config show`` prints all of it.  Unknown keys are errors with a suggestion
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

    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestConfig(Section):
    """Which files are looked at."""

    manifest: str | None = None
    follow_links: bool = True
    takedown: str | None = None
    license: str = "LicenseRef-unknown"
    rights_basis: Literal["own", "consented", "licensed", "research-exception", "unknown"] = "unknown"
    consent: Literal["explicit", "platform-terms", "none", "unknown"] = "unknown"


class ScenesConfig(Section):
    """PySceneDetect's AdaptiveDetector on a small decoded frame (its scales: adaptive 3, content 15)."""

    adaptive_threshold: Positive = 3.0
    min_content_val: Positive = 15.0
    window_width: Annotated[int, Field(ge=1, le=30)] = 2
    min_scene_s: Positive = 0.5
    frame_width_px: Annotated[int, Field(ge=64, le=1024)] = 256


class SpeechConfig(Section):
    """Who listens, and which languages may be heard."""

    engine: Literal["faster-whisper", "whisperx", "none"] = "faster-whisper"
    model: str = "whisper-base"
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en", "zh")
    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = "int8"
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    batch_size: Annotated[int, Field(ge=1, le=128)] = 8
    window_s: Positive = 300.0
    use_subtitles: bool = True
    align_model_en: str | None = None
    align_model_zh: str | None = None


class ClipConfig(Section):
    """How long clips are and how their media is written.  A video of twice ``chunk_s`` and more is cut in parts
    of at least that length, by as many workers as there are.  ``mode: copy`` copies what may stay as it is:
    H.264 of square pixels, upright, within ``max_side``, between keyframes; the rest is encoded."""

    min_s: Positive = 2.0
    max_s: Positive = 20.0
    join_similarity: Annotated[float, Field(ge=0, le=1)] = 0.85
    min_pause_s: Positive = 0.3
    chunk_s: Annotated[float, Field(ge=10, le=36_000)] = 600.0
    mode: Literal["encode", "copy"] = "encode"
    max_side: Annotated[int, Field(ge=64, le=4096)] = 640
    max_fps: Positive = 30.0
    crf: Annotated[int, Field(ge=0, le=51)] = 23
    preset: Preset = "veryfast"
    threads: Annotated[int, Field(ge=1, le=16)] = 1
    audio_bitrate: Annotated[int, Field(ge=16_000, le=512_000)] = 96_000
    audio_rate_hz: Literal[16_000, 24_000, 44_100, 48_000] = 48_000

    @model_validator(mode="after")
    def _bounds_fit(self) -> ClipConfig:
        if self.max_s < self.min_s:
            raise ValueError(f"max_s ({self.max_s:g}) is less than min_s ({self.min_s:g})")
        return self


class EvidenceConfig(Section):
    """What is measured, and how densely."""

    faces: bool = True
    frames_per_s: Positive = 2.0
    max_frames: Annotated[int, Field(ge=1, le=256)] = 24
    frame_side_px: Annotated[int, Field(ge=128, le=1920)] = 480
    min_face_conf: Annotated[float, Field(ge=0, le=1)] = 0.6
    voice: bool = True
    threads: Annotated[int, Field(ge=1, le=16)] = 1


class AnnotateConfig(Section):
    """Who writes the annotation, who else is asked, and what happens where the sources disagree.

    ``options`` holds a table per annotator (``options: {openai: {model: ...}}``); their meaning and
    defaults stand in ``annotators/options.py``.  ``on_disagreement`` applies to teachers whose
    label ends below ``min_tier``: ``accept`` keeps it, ``flag`` keeps it marked as ambiguous,
    ``adjudicate`` asks ``adjudicator``, ``reject`` drops the clip.  ``source_skill`` is a file that
    ``ver annotate --fit-source-skill`` wrote; ``reviews`` a JSONL of human decisions, which win.
    ``embedding`` is the folder of a text-embedding checkpoint by which agreement compares texts.
    """

    annotator: str = "cues"
    batch_size: Annotated[int, Field(ge=1, le=512)] = 8
    also: tuple[str, ...] = ()
    keep_cues: bool = True
    options: dict[str, dict[str, str | int | float | bool | tuple[str, ...] | None]] = {}
    on_disagreement: Literal["accept", "flag", "adjudicate", "reject"] = "flag"
    min_tier: Literal["A", "B"] = "B"
    adjudicator: str | None = None
    source_skill: str | None = None
    wheel: str | None = None
    reviews: str | None = None
    embedding: str | None = None


class ValidateConfig(Section):
    """Rule overrides: ``{"L08": {"severity": "flag", "min_words_en": 20}}``; severity ``off`` disables."""

    rules: dict[str, dict[str, str | int | float | bool]] = {}


class ShardConfig(Section):
    """How samples are laid out."""

    shard_size_bytes: Annotated[int, Field(ge=1_000_000)] = 256_000_000
    media: Literal["embed", "reference", "none"] = "embed"
    poster: bool = True
    val_frac: Annotated[float, Field(ge=0, lt=1)] = 0.05
    test_frac: Annotated[float, Field(ge=0, lt=1)] = 0.05
    split_seed: int = 0
    heldout_groups: tuple[str, ...] = ()


class RuntimeConfig(Section):
    """How the machine computes.  ``instruction_set`` holds arithmetic to a level of the x86-64 psABI, so that machines
    with other processors write the same bytes; ``native`` takes what the processor offers."""

    instruction_set: Literal["native", "x86-64-v2", "x86-64-v3"] = "native"


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
