"""From a teacher's answer to an annotation of the record, and the checks that it must pass there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from ver_pipeline.annotators.base import Request, seal
from ver_pipeline.annotators.teacher.parsing import Problem
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.labels import closed_labels, open_word
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.record_annotation import Annotation
from ver_pipeline.schemas.rules import reject_reason, rule_set, run_rules
from ver_pipeline.schemas.rules.base import Rule

CHECKED = ("L", "G", "C", "S0", "F08", "F10")
"""Families of rules that judge an answer alone; media and rights are the build's business, and of its form all but the
texts (F08, F10)."""
_NOT_HERE = frozenset({"S05", "S08"})
_FIELDS = {
    "/observations": "observations",
    "/emotion/labels_open": "labels",
    "/emotion/closed": "primary",
    "/emotion/primary": "primary",
    "/emotion/valence": "valence",
    "/emotion/arousal": "arousal",
    "/emotion/intensity": "intensity",
    "/emotion/transitions": "transitions",
    "/emotion/ambiguity": "ambiguity",
    "/emotion/subject": "subject",
    "/emotion": "labels",
    "/description/en": "description_en",
    "/description/zh": "description_zh",
    "/description/cited_eids": "cited_eids",
    "/description": "description_en",
}


def assemble(
    answer: Mapping[str, Any],
    request: Request,
    audio: Mapping[str, Any] | None,
    provenance: Mapping[str, Any],
    hears: bool,
    mode: str = "native-both",
    sees: bool = True,
) -> dict[str, Any] | Problem:
    """The annotation that an answer amounts to, or what is wrong with it.

    The measured audio joins the model's observations as ``a1``.  A model that hears nothing and still
    claims to hear is ungrounded, whatever it claims; what one that sees nothing says of the visible is no ``vlm``
    evidence.  ``mode`` says how the descriptions came about.
    """
    observations = [_observation(seen, request, sees) for seen in answer["observations"]]
    if not hears and any(seen["modality"] == "acoustic" for seen in observations):
        message = "acoustic observations by a model that hears no audio; only a1 may be cited"
        return Problem(Reason.UNGROUNDED, message, ("observations",))
    if audio is not None:
        observations = [seen for seen in observations if seen["eid"] != audio["eid"]] + [dict(audio)]
    annotation = {
        "observations": observations,
        "emotion": _emotion(answer, request),
        "description": {
            "en": answer["description_en"].strip(),
            "zh": answer["description_zh"].strip(),
            "mode": mode,
            "cited_eids": list(dict.fromkeys(answer["cited_eids"])),
        },
    }
    sealed = seal(annotation, request, provenance)
    try:
        Annotation.model_validate_json(canonical_json(sealed))
    except (ValidationError, ValueError) as error:
        return _schema_problem(error)
    return sealed


def check_rules(annotation: Mapping[str, Any], request: Request) -> list[Problem]:
    """What the record rules would reject in this annotation, one problem a finding.

    What they find in the transcript or the measurements is no fault of the answer and left to the build.
    """
    try:
        record = _probe(annotation, request)
    except ValidationError as error:
        return [_schema_problem(error)]
    rules = _rules()
    verdict = run_rules(record, rules=rules)
    own = {rule.id: rule.reason for rule in rules}
    own_parts = ("/observations", "/emotion", "/description", "/provenance")
    problems = [
        f for f in verdict.findings if f.severity == "reject" and (not f.pointer or f.pointer.startswith(own_parts))
    ]
    if not problems:
        return []
    overall = reject_reason(verdict) or Reason.RULE_FAILED
    return [
        Problem(
            overall if own[f.code] is Reason.RULE_FAILED else own[f.code],
            f"{f.code}: {f.message} ({f.pointer})",
            (field_of(f.pointer),),
        )
        for f in problems
    ]


def field_of(pointer: str) -> str:
    """The answer's field behind a JSON pointer into the record."""
    known = max((p for p in _FIELDS if pointer.startswith(p)), key=len, default="")
    return _FIELDS.get(known, "description_en")


def rules_version() -> str:
    """The version of the rules that answers are checked against."""
    return rule_set().version


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(r for r in rule_set().rules if r.id.startswith(CHECKED) and r.id not in _NOT_HERE)


def _observation(seen: Mapping[str, Any], request: Request, sees: bool) -> dict[str, Any]:
    duration_s = float(request.clip["duration_s"])
    tracks = request.measured["faces"]["tracks"]
    face, acoustic = seen["modality"] == "face", seen["modality"] == "acoustic"
    return {
        "eid": seen["eid"],
        "modality": seen["modality"],
        "text_en": seen["text_en"].strip(),
        "text_zh": seen["text_zh"].strip(),
        "start_s": _time(seen["start_s"], duration_s),
        "end_s": _time(seen["end_s"], duration_s),
        "quote": seen["quote"] if seen["modality"] == "lexical" else None,
        "track_id": tracks[0]["track_id"] if face and len(tracks) == 1 else None,
        "polarity": None,
        "supports": list(dict.fromkeys(seen["supports"])),
        "source": "llm" if seen["modality"] in ("lexical", "context") or not (sees or acoustic) else "vlm",
        "confidence": round(float(seen["confidence"]), 4),
    }


def _time(value: float | None, duration_s: float) -> float | None:
    return None if value is None else round(min(max(0.0, float(value)), duration_s), 3)


def _emotion(answer: Mapping[str, Any], request: Request) -> dict[str, Any]:
    primary, valence = answer["primary"], answer["valence"]
    tracks = request.measured["faces"]["tracks"]
    opened = [
        {
            "en": label["word_en"].strip(),
            "zh": label["word_zh"].strip(),
            "canon": _canon(label),
            "p": round(float(label["p"]), 4),
            "eids": list(dict.fromkeys(label["eids"])),
        }
        for label in answer["labels"]
    ]
    return {
        "subject": answer["subject"],
        "subject_track_id": tracks[0]["track_id"] if len(tracks) == 1 and answer["subject"] == "person" else None,
        "primary": primary,
        "labels_open": opened,
        "closed": closed_labels(primary, valence),
        "dist": _distribution(opened, primary),
        "valence": None if valence is None else round(float(valence), 3),
        "arousal": None if answer["arousal"] is None else round(float(answer["arousal"]), 3),
        "dominance": None if answer.get("dominance") is None else round(float(answer["dominance"]), 3),
        "intensity": None if answer["intensity"] is None else int(answer["intensity"]),
        "confidence": round(float(answer["confidence"]), 4),
        "mixed": answer["mixed"],
        "transitions": [{**change, "t_s": round(float(change["t_s"]), 3)} for change in answer["transitions"]],
        "cause_en": None,
        "cause_zh": None,
        "ambiguity": answer["ambiguity"],
    }


def _canon(label: Mapping[str, Any]) -> str | None:
    """The label that a word belongs to: by our table where it holds the word, whatever the model thinks; only of
    words that it does not hold by the model."""
    known = open_word(label["word_en"])
    canonical: str | None = label["canon"]
    return canonical if known is None else known.canon


def _distribution(opened: Sequence[Mapping[str, Any]], primary: str) -> dict[str, float]:
    """The labels' probabilities as one distribution; empty where nothing was decided."""
    raw: dict[str, float] = {}
    for label in opened:
        if label["canon"] is not None:
            raw[label["canon"]] = max(raw.get(label["canon"], 0.0), label["p"])
    whole = sum(raw.values())
    if primary == "undetermined" or whole <= 0:
        return {}
    shares = {name: round(p / whole, 4) for name, p in sorted(raw.items())}
    top = max(shares, key=lambda name: (shares[name], name))
    shares[top] = round(shares[top] + 1.0 - sum(shares.values()), 4)
    return shares


def _schema_problem(error: ValueError) -> Problem:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = "/" + "/".join(map(str, first["loc"]))
        return Problem(Reason.SCHEMA, f"{place}: {first['msg']}", (field_of(place),))
    return Problem(Reason.SCHEMA, str(error))


def _probe(annotation: Mapping[str, Any], request: Request) -> Record:
    """A record that holds what the rules read, with a placeholder where they read nothing."""
    zeros = "0" * 64
    source = {
        "id": zeros, "uri": "", "group_id": "", "rights": {}, "duration_s": float(request.clip["end_s"]) + 1.0,
        "fps": float(request.clip["fps"]), "variable_fps": False, "width": int(request.clip["width"]),
        "height": int(request.clip["height"]), "rotation_deg": 0, "container": "", "video_codec": "",
        "pixel_format": "",
    }  # fmt: skip
    body = {name: annotation[name] for name in ("observations", "emotion", "description", "provenance")}
    return parse_record(
        {
            "key": request.key,
            "split": "train",
            "tier": annotation["provenance"]["tier"],
            "source": source,
            "clip": dict(request.clip),
            "media": {"policy": "none", "sha256": zeros, "size_bytes": 1, "video_codec": ""},
            "speech": dict(request.speech),
            "measured": dict(request.measured),
            **body,
            "lineage": {"stages": {}, "tools": {}},
        }
    )
