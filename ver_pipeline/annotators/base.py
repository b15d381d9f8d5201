"""The one contract of an annotator: requests in, one result per request out, in order.

An annotator is a plain object.  It never raises for a bad answer or an unreachable service: those are
results with a reason.  What it returns as an annotation fits ``schemas.record.Annotation``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.reasons import Reason


@dataclass(frozen=True, slots=True)
class Request:
    """One clip to annotate.

    ``clip``, ``speech`` and ``measured`` are the record's parts as dicts; ``media_path`` is the clip's
    video, or None where only facts are at hand.  ``context`` holds what is said ``before`` and ``after``
    the clip and the video's ``title``, each a text or None; None where nobody looked.  Nothing here may
    hint at a label.
    """

    key: str
    media_path: str | None
    clip: Mapping[str, Any]
    speech: Mapping[str, Any]
    measured: Mapping[str, Any]
    context: Mapping[str, str | None] | None = None

    def input_sha256(self) -> str:
        """Hash of all that the annotator was told, apart from the pixels (the key names those)."""
        shown: dict[str, Any] = {
            "key": self.key,
            "clip": dict(self.clip),
            "speech": dict(self.speech),
            "measured": dict(self.measured),
        }
        if self.context is not None:
            shown["context"] = dict(self.context)
        return digest(shown)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost now: tokens, calls and seconds of answers that somebody really gave.

    An answer that was already kept costs nothing and counts in ``cached_calls`` alone.  ``seconds`` is the
    time spent on this request alone, waiting included; for a model in this process, of its hardware.  ``reasoned``
    counts answers that came with reasoning, which was dropped; ``unseen`` observations that were dropped because the
    model does not see.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    cached_calls: int = 0
    seconds: float = 0.0
    reasoned: int = 0
    unseen: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.calls + other.calls,
            self.cached_calls + other.cached_calls,
            self.seconds + other.seconds,
            self.reasoned + other.reasoned,
            self.unseen + other.unseen,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """An annotation, or why there is none; never both, never neither.

    ``samples`` holds further complete answers to the same request (several draws of one model).
    ``message`` says what was wrong with the answer, without quoting the transcript.  ``said`` is the beginning of an
    answer that could not be read at all, for whoever must mend the server; it is shown and never stored.
    """

    key: str
    annotation: dict[str, Any] | None = None
    reason: Reason | None = None
    message: str = ""
    usage: Usage = Usage()
    said: str | None = field(default=None, repr=False)
    samples: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if (self.annotation is None) == (self.reason is None):
            raise ValueError(f"result for {self.key} needs an annotation or a reason, and only one")


@runtime_checkable
class Annotator(Protocol):
    """Writes annotations.

    Attributes:
        name: as chosen by ``--annotator``.
        batch_size: how many requests ``annotate`` wants at once.
    """

    name: str
    batch_size: int

    def fingerprint(self) -> Mapping[str, Any]:
        """All that shapes an answer besides the request: prompts, model, revision, options.

        Cheap: called without ``open``.  Holds no secret.
        """
        ...

    def open(self) -> None:
        """Load models or connect.  Called once per worker before the first ``annotate``."""
        ...

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """One result per request, in order."""
        ...


@runtime_checkable
class OnGpu(Protocol):
    """An annotator whose model runs on GPUs of these workers."""

    gpus: float
    """How many one worker needs."""


def seal(annotation: dict[str, Any], request: Request, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The annotation with its provenance: hashes of what went in and of what came out are added."""
    body = {name: annotation[name] for name in ("observations", "emotion", "description")}
    hashes = {"input_sha256": request.input_sha256(), "output_sha256": digest(body)}
    return {**body, "provenance": {**provenance, **hashes}}
