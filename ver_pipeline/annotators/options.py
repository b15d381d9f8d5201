"""The settings of each annotator: typed, closed, with a default for everything that can have one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ver_pipeline.schemas.errors import ConfigError

Positive = Annotated[float, Field(gt=0)]
LabelSet = Literal["open", "mer6", "dfew7", "mafw11", "dim"]
Count = Annotated[int, Field(ge=1)]


class Options(BaseModel):
    """Base of every table of options."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TeacherOptions(Options):
    """What all model annotators share."""

    order: Literal["speech-first", "zh-first", "en-first"] = "speech-first"
    """Which description the answer writes first."""
    flow: Literal["single", "staged", "families"] = "single"
    """``single``: all in one answer; ``staged``: evidence by modality, judgement, descriptions, one after the
    other; ``families``: as staged, with ranked hypotheses and each of ``label_sets`` asked by itself."""
    label_sets: tuple[LabelSet, ...] = ("open", "mer6", "dim")
    """Closed sets and open words that are asked for in the flow ``families``."""
    samples: Annotated[int, Field(ge=1, le=9)] = 1
    """Answers drawn, each with another seed; the first good one is kept, the others are alternatives."""
    context: bool = False
    """Also ask what the speech of the neighbouring clips says (not in ``single``)."""
    context_title: bool = False
    """Show the video's title with ``context``."""
    acoustic: bool = False
    """Ask a model that hears for what it hears (not in ``single``)."""
    translate: bool = False
    """Let a description that stays bad in one language be translated from the other; the record says so."""
    verify: bool = False
    """Ask whether each visible claim can be seen, beside one that is certainly false."""
    repairs: Annotated[int, Field(ge=0, le=2)] = 2
    """How often failing fields are asked for again."""
    retries: Annotated[int, Field(ge=0, le=5)] = 2
    """How often one bad answer is shown back to the model."""
    few_shot: bool = True
    """Show the examples of the prompts."""
    n_frames: Annotated[int, Field(ge=0, le=64)] = 8
    """Frames shown to the model."""
    max_side: Annotated[int, Field(ge=56, le=2048)] = 448
    """Longest side of a frame shown, in pixels."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.3
    """Sampling temperature."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Nucleus sampling: the share of probability that is drawn from."""
    max_new_tokens: Annotated[int, Field(ge=64, le=32768)] = 2048
    """Longest answer, in tokens."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the drawing."""
    price_in: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens read, in any one currency; for the cost report alone, as all prices."""
    price_out: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens written."""
    price_hour: Annotated[float, Field(ge=0)] = 0.0
    """Price of an hour of one GPU."""
    tokens_per_s: Annotated[float, Field(ge=0)] = 0.0
    """Tokens that one GPU writes a second, reading included, as an earlier run measured it."""

    @model_validator(mode="after")
    def _clues_need_stages(self) -> TeacherOptions:
        """One whole answer has no place for a clue of its own: better refused than silently left out."""
        if self.flow == "single" and (self.context or self.acoustic):
            raise ValueError("context and acoustic need flow: staged or families")
        return self

    @model_validator(mode="after")
    def _sizes_are_asked(self) -> TeacherOptions:
        """A label without valence and intensity is no judgement."""
        if "dim" not in self.label_sets:
            raise ValueError("label_sets need dim")
        return self


class OpenAIOptions(TeacherOptions):
    """An OpenAI-compatible server."""

    model: str = ""
    """Name or folder of the model."""
    revision: str = "unstated"
    """What the server's owner says it serves (a commit or a date); it shapes the cache."""
    base_url: str = ""
    """Address of the server, ending in ``/v1``; empty takes it from ``base_url_env``."""
    base_url_env: str = "OPENAI_BASE_URL"
    """Environment variable that holds the address."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; a key never stands in a file."""
    send: Literal["frames", "video", "nothing"] = "frames"
    """What the model is shown of a clip."""
    hears: bool = False
    """The model listens to the clip's audio: that of the video (``send: video``), or for Omni models a part of its own
    beside video or frames."""
    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How the server is asked to keep to the schema."""
    schema_bounds: bool = False
    """Send the schema with its bounds on lists and texts: llama.cpp and vLLM keep to them, and a small model then comes
    to an end; strict cloud servers refuse them."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The request's field that bounds an answer (OpenAI's newer models want ``max_completion_tokens``)."""
    extra_body: str = "{}"
    """JSON object laid over the request's body, such as ``{"chat_template_kwargs": {"enable_thinking":
    false}}``; null takes a field out."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 256
    """Clips handed over at once."""
    concurrency: Annotated[int, Field(ge=1, le=512)] = 16
    """Questions in flight at once, over all workers."""
    timeout_s: Positive = 120.0
    """Longest wait for one answer, in seconds."""
    tries: Annotated[int, Field(ge=1, le=20)] = 6
    """How often a question is sent while the server fails."""
    backoff_s: Positive = 1.0
    """Wait before the second try, in seconds; it doubles from try to try."""
    max_backoff_s: Positive = 60.0
    """Longest wait between tries, in seconds."""
    requests_per_s: Annotated[float, Field(ge=0)] = 0.0
    """Questions sent a second at most, over all workers; 0 is no limit."""

    @field_validator("extra_body")
    @classmethod
    def _is_an_object(cls, extra_body: str) -> str:
        try:
            body = json.loads(extra_body)
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise ValueError("is no JSON object")
        return json.dumps(body, sort_keys=True)

    @field_validator("base_url")
    @classmethod
    def _no_secret_in_the_address(cls, base_url: str) -> str:
        """Settings are published with the data set."""
        parts = urlsplit(base_url)
        if "@" in parts.netloc or parts.query:
            raise ValueError("an address with a user, a password or a query would be published; set base_url_env")
        return base_url


class TransformersOptions(TeacherOptions):
    """A local checkpoint folder, on CPU or GPU.

    ``answer_scale`` below 1 shortens the longest lists and texts the schema allows: for small contexts.
    """

    model: str = ""
    """Name or folder of the model."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the model runs."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the weights."""
    batch_size: Annotated[int, Field(ge=1, le=256)] = 4
    """Clips handed over at once."""
    fps: Positive = 2.0
    """Frames shown a second, up to ``n_frames``."""
    answer_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Scales the longest texts that the schema allows (for tiny models in tests)."""
    constrained: bool = True
    """Hold the model to the schema while it writes."""


class VllmOptions(TeacherOptions):
    """The vLLM engine inside Ray (``ray.data.llm``).

    ``revision`` is the hub's commit that is loaded; where ``model`` is a folder it is what its owner states.
    """

    model: str = ""
    """Name or folder of the model."""
    revision: str = "unstated"
    """What the server's owner says it serves (a commit or a date); it shapes the cache."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 64
    """Clips handed over at once."""
    concurrency: Count = 1
    """Questions in flight at once, over all workers."""
    tensor_parallel_size: Count = 1
    """GPUs that one model is spread over."""
    max_model_len: Count = 16384
    """Longest context, in tokens."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of a GPU's memory that vLLM takes."""


class ReplayOptions(Options):
    """Answers from a JSONL file, a line a clip: ``{"key": ..., "annotation": {...}}``."""

    path: str = ""
    """JSONL of annotations that ``ver annotate --write-answers`` wrote."""
    batch_size: Count = 256
    """Clips handed over at once."""


T = TypeVar("T", bound=Options)


def read_options(kind: type[T], name: str, table: Mapping[str, Any]) -> T:
    """The typed options of annotator ``name``.

    Raises:
        ConfigError: an unknown name or a bad value, named with its place.
    """
    try:
        return kind.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["annotate", "options", name, *map(str, first["loc"])])
        known = ", ".join(sorted(kind.model_fields))
        raise ConfigError(f"{place}: {first['msg']}", f"options of {name}: {known}") from error
