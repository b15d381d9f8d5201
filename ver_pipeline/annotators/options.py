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

    model_config = ConfigDict(extra="forbid", frozen=True)


class TeacherOptions(Options):
    """What all model annotators share.

    ``flow`` asks for everything in one answer (``single``); for the evidence of each modality, the judgement
    and the descriptions one after the other (``staged``); or, of the judgement, for ranked hypotheses and then
    for each of the ``label_sets`` by itself (``families``).  ``samples`` above 1 draws further answers with
    other seeds; the first good one is kept, the rest are alternatives.  ``retries`` bounds how often one bad
    answer is shown back to the model, ``repairs`` how often failing fields are asked for again.  In the last
    two flows ``context`` also asks what the speech of the neighbouring clips tells (with the video's title only
    under ``context_title``), and ``acoustic`` asks a model that hears for what it hears.  ``translate`` lets a
    description that stays bad in one language be translated from the other; the record says so.  ``price_in``
    and ``price_out`` are per million tokens, ``price_hour`` per GPU hour, in any one currency; ``tokens_per_s``
    is what one GPU writes a second, reading included, as an earlier run measured it; they serve the cost report
    alone.
    """

    order: Literal["speech-first", "zh-first", "en-first"] = "speech-first"
    flow: Literal["single", "staged", "families"] = "single"
    label_sets: tuple[LabelSet, ...] = ("open", "mer6", "dim")
    samples: Annotated[int, Field(ge=1, le=9)] = 1
    context: bool = False
    context_title: bool = False
    acoustic: bool = False
    translate: bool = False
    verify: bool = False
    repairs: Annotated[int, Field(ge=0, le=2)] = 2
    retries: Annotated[int, Field(ge=0, le=5)] = 2
    few_shot: bool = True
    n_frames: Annotated[int, Field(ge=0, le=64)] = 8
    max_side: Annotated[int, Field(ge=56, le=2048)] = 448
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.3
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    max_new_tokens: Annotated[int, Field(ge=64, le=32768)] = 2048
    seed: Annotated[int, Field(ge=0)] = 0
    price_in: Annotated[float, Field(ge=0)] = 0.0
    price_out: Annotated[float, Field(ge=0)] = 0.0
    price_hour: Annotated[float, Field(ge=0)] = 0.0
    tokens_per_s: Annotated[float, Field(ge=0)] = 0.0

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
    """An OpenAI-compatible server.

    ``api_key_env`` and ``base_url_env`` name environment variables; a key never stands in a file.
    ``revision`` is what the server's owner says it serves (a commit or a date); it shapes the cache.
    ``hears`` says that the model listens to the video's audio (only with ``send: video``).
    ``max_tokens_field`` names the field that bounds an answer (OpenAI's newer models want
    ``max_completion_tokens``), ``extra_body`` is a JSON object laid over the request's body, such as
    ``{"chat_template_kwargs": {"enable_thinking": false}}``; null takes a field out.
    """

    model: str = ""
    revision: str = "unstated"
    base_url: str = ""
    base_url_env: str = "OPENAI_BASE_URL"
    api_key_env: str = "OPENAI_API_KEY"
    send: Literal["frames", "video", "nothing"] = "frames"
    hears: bool = False
    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: str = "{}"
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    concurrency: Annotated[int, Field(ge=1, le=512)] = 16
    timeout_s: Positive = 120.0
    tries: Annotated[int, Field(ge=1, le=20)] = 6
    backoff_s: Positive = 1.0
    max_backoff_s: Positive = 60.0
    requests_per_s: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("extra_body")
    @classmethod
    def _is_an_object(cls, extra_body: str) -> str:
        try:
            given = json.loads(extra_body)
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from error
        if not isinstance(given, dict):
            raise ValueError("is no JSON object")
        return json.dumps(given, sort_keys=True)

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
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_size: Annotated[int, Field(ge=1, le=256)] = 4
    fps: Positive = 2.0
    answer_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    constrained: bool = True


class VllmOptions(TeacherOptions):
    """The vLLM engine inside Ray (``ray.data.llm``).

    ``revision`` is the hub's commit that is loaded; where ``model`` is a folder it is what its owner states.
    """

    model: str = ""
    revision: str = "unstated"
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 64
    concurrency: Count = 1
    tensor_parallel_size: Count = 1
    max_model_len: Count = 16384
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9


class ReplayOptions(Options):
    """Answers from a JSONL file, a line a clip: ``{"key": ..., "annotation": {...}}``."""

    path: str = ""
    batch_size: Count = 256


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
