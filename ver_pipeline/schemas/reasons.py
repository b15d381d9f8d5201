"""Why something is not in the data set: stable codes that people query, one line of meaning each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Reject codes.  A code is never renamed or reused; new ones are appended."""

    # ingest
    EMPTY_FILE = "empty_file"
    NOT_MEDIA = "not_media"
    NO_VIDEO = "no_video"
    STILL_IMAGE = "still_image"
    TRUNCATED = "truncated"
    ENCRYPTED = "encrypted"
    CHANGED_SOURCE = "changed_source"
    UNREADABLE = "unreadable"
    NO_PERMISSION = "no_permission"
    DUPLICATE_SOURCE = "duplicate_source"
    TAKEDOWN = "takedown"
    BAD_SIDECAR = "bad_sidecar"
    # media stages
    TOO_SHORT = "too_short"
    DECODE_FAILED = "decode_failed"
    ENCODE_FAILED = "encode_failed"
    CLIP_MISMATCH = "clip_mismatch"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    # annotate
    REFUSAL = "refusal"
    TRUNCATED_ANSWER = "truncated_answer"
    WRONG_LANGUAGE = "wrong_language"
    NOT_JSON = "not_json"
    SCHEMA = "schema"
    UNGROUNDED = "ungrounded"
    TEACHER_UNAVAILABLE = "teacher_unavailable"
    LOW_AGREEMENT = "low_agreement"
    HUMAN_REJECTED = "human_rejected"
    # validate
    RULE_FAILED = "rule_failed"
    # anything a stage did not foresee
    INTERNAL = "internal_error"


MEANING: dict[Reason, str] = {
    Reason.EMPTY_FILE: "the file holds no bytes",
    Reason.NOT_MEDIA: "ffmpeg finds no media in the file",
    Reason.NO_VIDEO: "the file has audio but no video stream",
    Reason.STILL_IMAGE: "the file is a still image, not a video",
    Reason.TRUNCATED: "the file ends before its container says it does",
    Reason.ENCRYPTED: "the streams are encrypted",
    Reason.CHANGED_SOURCE: "the file was replaced, cut or written to while it was being read",
    Reason.UNREADABLE: "the file could not be read from its storage",
    Reason.NO_PERMISSION: "no right to read the file",
    Reason.DUPLICATE_SOURCE: "the same bytes are already in the build under another name",
    Reason.TAKEDOWN: "the source or clip is on the takedown list",
    Reason.BAD_SIDECAR: "the sidecar or manifest entry beside the source is not understood",
    Reason.TOO_SHORT: "nothing of at least the minimum clip duration is left",
    Reason.DECODE_FAILED: "a stream could not be decoded",
    Reason.ENCODE_FAILED: "a clip could not be encoded",
    Reason.CLIP_MISMATCH: "a written clip does not probe as planned",
    Reason.CRASHED: "the worker process died on this input, twice",
    Reason.TIMEOUT: "the input took longer than the stage's time limit, twice",
    Reason.REFUSAL: "the annotator refused to answer",
    Reason.TRUNCATED_ANSWER: "the annotator's answer was cut off",
    Reason.WRONG_LANGUAGE: "a description is not in the language asked for",
    Reason.NOT_JSON: "the annotator's answer is not JSON",
    Reason.SCHEMA: "the annotator's answer does not fit the schema",
    Reason.UNGROUNDED: "the annotator claims what the evidence does not hold",
    Reason.TEACHER_UNAVAILABLE: "the annotator's service could not be reached in the allowed tries",
    Reason.LOW_AGREEMENT: "independent label sources disagree more than the policy allows",
    Reason.HUMAN_REJECTED: "a human reviewer rejected the clip",
    Reason.RULE_FAILED: "a record rule of severity reject failed",
    Reason.INTERNAL: "an error that no stage foresaw; please report it",
}

CURE: dict[Reason, str] = {
    Reason.EMPTY_FILE: "copy the file again",
    Reason.NOT_MEDIA: "remove it from the source folder; a playlist is no video: put the videos that it names there",
    Reason.NO_VIDEO: "nothing to do: clips need a video stream",
    Reason.STILL_IMAGE: "nothing to do: clips need a video",
    Reason.TRUNCATED: "copy or download the file again",
    Reason.ENCRYPTED: "give a copy without encryption, where you may make one",
    Reason.CHANGED_SOURCE: "let the copy finish, then run the same command again",
    Reason.UNREADABLE: "check the disk, the network and the name, then run the same command again",
    Reason.NO_PERMISSION: "give the build's user the right to read it, then run the same command again",
    Reason.DUPLICATE_SOURCE: "nothing to do: the same bytes are in the data set under the other name",
    Reason.TAKEDOWN: "nothing to do: it was asked for",
    Reason.BAD_SIDECAR: "correct the field that the message names",
    Reason.TOO_SHORT: "lower clip.min_s, if such short clips are of use",
    Reason.DECODE_FAILED: "copy the file again; if it plays elsewhere, re-encode it",
    Reason.ENCODE_FAILED: "see the message; `ver doctor` says whether ffmpeg has its encoders",
    Reason.CLIP_MISMATCH: "please report it with the file",
    Reason.CRASHED: "run the same command again; if it stays, please report it with the file",
    Reason.TIMEOUT: "run the same command again on a quieter machine",
    Reason.REFUSAL: "run the same command again, or ask another annotator for these clips",
    Reason.TRUNCATED_ANSWER: "raise max_new_tokens in the annotator's options",
    Reason.WRONG_LANGUAGE: "ask a model that writes both languages, or set translate in the annotator's options",
    Reason.NOT_JSON: "mend the server (response_format: json_schema where it knows it); run the same command again",
    Reason.SCHEMA: "mend the server (response_format: json_schema where it knows it); run the same command again",
    Reason.UNGROUNDED: "read the clip in the report; a stronger model invents less",
    Reason.TEACHER_UNAVAILABLE: "check the server and the key, then run the same command again",
    Reason.LOW_AGREEMENT: "have people review them, or set annotate.on_disagreement to flag",
    Reason.HUMAN_REJECTED: "nothing to do: a reviewer decided",
    Reason.RULE_FAILED: "read docs/rules.md on the rule that the message names",
    Reason.INTERNAL: "run the same command again; if it stays, please report it",
}
"""What somebody who sees the code can do about it."""

RETRYABLE: frozenset[Reason] = frozenset(
    {
        Reason.CHANGED_SOURCE,
        Reason.UNREADABLE,
        Reason.NO_PERMISSION,
        Reason.CRASHED,
        Reason.TIMEOUT,
        Reason.REFUSAL,
        Reason.TRUNCATED_ANSWER,
        Reason.NOT_JSON,
        Reason.SCHEMA,
        Reason.TEACHER_UNAVAILABLE,
        Reason.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing that did not become a sample.

    ``key`` is the clip key, or None when the whole source was rejected; ``message`` says what, where
    and what to do, without transcript text.
    """

    reason: Reason
    stage: str
    message: str
    source_id: str | None = None
    uri: str | None = None
    key: str | None = None

    @property
    def retryable(self) -> bool:
        """Whether a rerun without any change may succeed; such rejects are never cached."""
        return self.reason in RETRYABLE

    def to_row(self) -> dict[str, Any]:
        """The row of the ``rejects`` table."""
        return {**asdict(self), "reason": str(self.reason), "retryable": self.retryable}
