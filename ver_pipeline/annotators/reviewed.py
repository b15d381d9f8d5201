"""Decisions of human reviewers, read from a file and applied to annotations.  A human record wins.

A line of the JSONL is one decision:
``{"key": ..., "decision": "accept" | "reject" | "corrected", "reviewer": ..., "decided_utc": ...,
"fields": {...}}``; ``fields`` (for ``corrected``) may hold primary, valence, arousal, intensity,
ambiguity, mixed, subject, labels (rows of en, zh, canon, eids), description_en, description_zh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.labels import LABEL_IDS, adjective, closed_labels, labels
from ver_pipeline.schemas.record import Human
from ver_pipeline.schemas.record_annotation import Sampling
from ver_pipeline.schemas.untrusted import is_key

Decision = Literal["accept", "reject", "corrected"]
EMOTION_FIELDS = ("primary", "valence", "arousal", "intensity", "ambiguity", "mixed", "subject")
TEXT_FIELDS = {"description_en": "en", "description_zh": "zh"}
CORRECTABLE = frozenset({*EMOTION_FIELDS, *TEXT_FIELDS, "labels"})


@dataclass(frozen=True, slots=True)
class Review:
    """What the reviewers of one clip decided: the last decision, and everybody who looked."""

    key: str
    decision: Decision
    reviewers: tuple[str, ...]
    decided_utc: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def human(self) -> dict[str, Any]:
        """The record's ``Human`` part."""
        part = Human(
            decision=self.decision,
            reviewers=self.reviewers,
            decided_utc=self.decided_utc,
            corrected_fields=tuple(sorted(self.fields)),
        )
        return part.model_dump(mode="json")


def load_reviews(path: str | Path | None) -> dict[str, Review]:
    """All reviews by key; of several decisions on a clip the latest counts, ties go to the later line.

    Raises:
        ConfigError: the file is missing, or a line is no decision, with its number.
    """
    if path is None:
        return {}
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the reviews {path}", "check annotate.reviews") from error
    reviews: dict[str, Review] = {}
    for n, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fresh = _read(line, f"{path}, line {n}")
        known = reviews.get(fresh.key)
        reviews[fresh.key] = fresh if known is None else _merge(known, fresh)
    return reviews


def apply_review(review: Review, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """The human annotation: what was accepted, or what was corrected of it.

    A corrected label without corrected open labels takes the label's own name, on the evidence that
    stood behind the old ones.
    """
    emotion = {**annotation["emotion"]}
    emotion |= {name: review.fields[name] for name in EMOTION_FIELDS if name in review.fields}
    if "labels" in review.fields:
        emotion["labels_open"] = [{"p": 1.0, **label} for label in review.fields["labels"]]
    if "primary" in review.fields:
        emotion |= _relabelled(review.fields, annotation["emotion"])
    if {"primary", "valence"} & set(review.fields):
        emotion["closed"] = closed_labels(emotion["primary"], emotion["valence"])
    description = {**annotation["description"]}
    description |= {TEXT_FIELDS[name]: review.fields[name] for name in TEXT_FIELDS if name in review.fields}
    if set(TEXT_FIELDS) & set(review.fields):
        description["mode"] = "human"
    body = {"observations": annotation["observations"], "emotion": emotion, "description": description}
    return {**body, "provenance": _provenance(review, annotation, body)}


def _relabelled(fields: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from a corrected label where the reviewer said no more."""
    primary = fields["primary"]
    if primary == "undetermined":
        rest: dict[str, Any] = {"labels_open": [], "dist": {}, "valence": None, "arousal": None, "intensity": None}
        return {**rest, "transitions": [], "ambiguity": "high"}
    eids = list(dict.fromkeys(eid for label in old["labels_open"] for eid in label["eids"]))
    own = {"en": adjective(primary, "en"), "zh": adjective(primary, "zh"), "canon": primary, "p": 1.0, "eids": eids}
    typical = labels()[primary].typical or (0.0, 0.0)
    followed: dict[str, Any] = {"dist": {primary: 1.0}, "transitions": [], "mixed": False}
    if "labels" not in fields:
        followed["labels_open"] = [own]
    if "valence" not in fields:
        followed["valence"] = typical[0]
    if "arousal" not in fields:
        followed["arousal"] = typical[1]
    if "intensity" not in fields:
        followed["intensity"] = 0 if primary == "neutral" else (old["intensity"] or 2)
    return followed


def _provenance(review: Review, annotation: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    decided = {"key": review.key, "decision": review.decision, "fields": dict(review.fields)}
    return {
        **annotation["provenance"],
        "tier": "human",
        "annotator": "review",
        "model": "human",
        "revision": digest(decided),
        "prompt_ids": [],
        "prompt_sha256": None,
        "schema_sha256": None,
        "sampling": Sampling().model_dump(mode="json"),
        "output_sha256": digest(dict(body)),
        "tokens_in": 0,
        "tokens_out": 0,
        "attempts": 1,
        "parse": "ok",
    }


def _merge(known: Review, fresh: Review) -> Review:
    last = fresh if fresh.decided_utc >= known.decided_utc else known
    reviewers = tuple(sorted({*known.reviewers, *fresh.reviewers}))
    return Review(last.key, last.decision, reviewers, last.decided_utc, last.fields)


def _read(line: str, where: str) -> Review:
    try:
        row = parse_json(line)
        if not is_key(row["key"]):
            raise ValueError("the key is no clip's")
        review = Review(
            row["key"], row["decision"], (str(row["reviewer"]),), str(row["decided_utc"]), dict(row.get("fields") or {})
        )
        canonical_json(dict(review.fields))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{where} is no decision", "key, decision, reviewer and decided_utc are needed") from error
    if review.decision not in ("accept", "reject", "corrected"):
        raise ConfigError(f"{where}: decision {review.decision!r}", "accept, reject or corrected")
    unknown = sorted(set(review.fields) - CORRECTABLE)
    if unknown:
        raise ConfigError(f"{where}: {unknown[0]} cannot be corrected", f"known: {', '.join(sorted(CORRECTABLE))}")
    if review.decision == "corrected" and not review.fields:
        raise ConfigError(f"{where}: nothing is corrected", "add fields, or decide accept")
    if str(review.fields.get("primary", "neutral")) not in LABEL_IDS:
        raise ConfigError(f"{where}: {review.fields['primary']!r} is no label", f"one of {', '.join(LABEL_IDS)}")
    return review
