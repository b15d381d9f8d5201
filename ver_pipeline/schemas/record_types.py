"""The types that the parts of a record are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ver_pipeline.schemas.keys import KEY_PATTERN

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Key = Annotated[str, StringConstraints(pattern=f"^{KEY_PATTERN}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Signed = Annotated[float, Field(ge=-1.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
Degrees = Annotated[float, Field(ge=-180.0, le=180.0)]
Box = tuple[Probability, Probability, Probability, Probability]
Language = Annotated[str, StringConstraints(pattern=r"^(und|mixed|[a-z]{2,3})$")]

LabelId = Literal[
    "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear", "anxiety",
    "contempt", "helplessness", "disappointment", "contentment", "undetermined",
]  # fmt: skip
Expression = Literal["neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise"]
ActionUnit = Literal["AU1", "AU2", "AU4", "AU5", "AU6", "AU12", "AU15", "AU25", "AU26", "AU43"]
Modality = Literal["face", "body", "scene", "acoustic", "lexical", "context"]
Tier = Literal["cue", "teacher", "human"]
Split = Literal["train", "val", "test", "heldout"]


class Part(BaseModel):
    """Base of every part of the record: closed, immutable, no coercion, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
