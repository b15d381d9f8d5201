"""What a teacher answers in: closed JSON Schemas, one per part of the work, evidence before conclusion.

Short fields and enumerations come first and prose last, labels after the evidence they cite, because a
model writes from left to right.  The schemas hold no ``$ref``, and every list, text and number is
bounded, so that constrained decoding always comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast, get_args

from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.labels import Taxonomy, classes
from ver_pipeline.schemas.record_types import LabelId, Modality

Whole = Literal["observations", "judgement", "description"]
Step = Literal["hypotheses", "label_open", "label_mer6", "label_dfew7", "label_mafw11", "label_dim", "assessment"]
Part = Whole | Step
Order = Literal["zh-first", "en-first"]

PARTS: tuple[Whole, ...] = get_args(Whole)
"""The parts that make a whole answer; a step is asked for by a prompt of its own."""
MAX_OBSERVATIONS = 12
MAX_LABELS = 6
MAX_EN, MAX_ZH = 400, 200  # characters of an observation, as in the record
MAX_DESCRIPTION_EN, MAX_DESCRIPTION_ZH = 2200, 700
MAX_TIME_S = 600
SEEN: tuple[Modality, ...] = ("face", "body", "scene")
"""Modalities of observations that only who sees can make."""
_EID = {"type": "string", "pattern": "^[a-z][0-9]{1,2}$"}
_MODALITIES = list(get_args(Modality))
_LABELS = list(get_args(LabelId))
_DECIDED = [name for name in _LABELS if name != "undetermined"]
_SUBJECT = {"type": "string", "enum": ["speaker", "person", "group", "none"]}
Builder = Callable[[Order, float], dict[str, Any]]


def answer_schema(parts: Sequence[Part] = PARTS, order: Order = "en-first", scale: float = 1.0) -> dict[str, Any]:
    """The schema of an answer that holds ``parts``, descriptions in ``order``.

    ``scale`` below 1 shortens every list and text bound: a small context or a tiny model needs that.
    """
    properties: dict[str, Any] = {}
    for part in parts:
        properties |= _BUILDERS[part](order, scale)
    return _object(properties)


def fields_schema(fields: tuple[str, ...], order: Order = "en-first") -> dict[str, Any]:
    """The schema of a repair: only the given top-level fields.

    Raises:
        KeyError: a field that no part has.
    """
    known: dict[str, Any] = {}
    for part in PARTS:
        known |= _BUILDERS[part](order, 1.0)
    return _object({name: known[name] for name in known if name in fields})


def verify_schema() -> dict[str, Any]:
    """The schema of a yes-no check of numbered claims."""
    verdict = _object(
        {
            "claim": {"type": "integer", "minimum": 1, "maximum": 16},
            "verdict": {"type": "string", "enum": ["supported", "contradicted", "not_visible"]},
        }
    )
    return _object({"verdicts": {"type": "array", "items": verdict, "minItems": 1, "maxItems": 16}})


def schema_sha256(schema: dict[str, Any]) -> str:
    """The hash under which provenance names a schema."""
    return digest(schema)


def without_sight(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema for a model that sees nothing: without the modalities of the eye, and observations may be none."""
    observations_schema = schema.get("properties", {}).get("observations")
    if observations_schema is None:
        return schema
    item = observations_schema["items"]
    fields = {**item["properties"], "modality": _label([name for name in _MODALITIES if name not in SEEN])}
    observations = {**observations_schema, "minItems": 0, "items": {**item, "properties": fields}}
    return {**schema, "properties": {**schema["properties"], "observations": observations}}


def strict_form(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without size bounds, for servers whose strict mode refuses them.

    The bounds are checked again when the answer arrives.
    """
    dropped = {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern"}
    return cast("dict[str, Any]", _without(schema, dropped))


def _observations(order: Order, scale: float) -> dict[str, Any]:
    texts = _texts("text", order, round(MAX_EN * scale), round(MAX_ZH * scale))
    item = _object(
        {
            "eid": dict(_EID),
            "modality": {"type": "string", "enum": _MODALITIES},
            "start_s": _nullable("number", minimum=0, maximum=MAX_TIME_S),
            "end_s": _nullable("number", minimum=0, maximum=MAX_TIME_S),
            "quote": _nullable("string", maxLength=round(200 * scale)),
            **texts,
            "supports": _labels(3),
            "confidence": _probability(),
        }
    )
    most = max(2, round(MAX_OBSERVATIONS * scale))
    return {"observations": {"type": "array", "items": item, "minItems": 1, "maxItems": most}}


def _judgement(order: Order, scale: float) -> dict[str, Any]:
    return {
        "subject": dict(_SUBJECT),
        "labels": _open_labels(order, scale, 0),
        "primary": {"type": "string", "enum": _LABELS},
        "valence": _nullable("number", minimum=-1, maximum=1),
        "arousal": _nullable("number", minimum=-1, maximum=1),
        "intensity": _nullable("integer", minimum=0, maximum=4),
        "confidence": _probability(),
        "mixed": {"type": "boolean"},
        "ambiguity": {"type": "string", "enum": ["none", "low", "high"]},
        "transitions": _transitions(),
    }


def _open_labels(order: Order, scale: float, least: int) -> dict[str, Any]:
    label = _object(
        {
            "eids": _eids(),
            "canon": {"type": ["string", "null"], "enum": [*_LABELS, None]},
            **_texts("word", order, 40, 20),
            "p": _probability(),
        }
    )
    return {"type": "array", "items": label, "minItems": least, "maxItems": max(1, round(MAX_LABELS * scale))}


def _transitions() -> dict[str, Any]:
    change = _object(
        {
            "t_s": {"type": "number", "minimum": 0, "maximum": MAX_TIME_S},
            "from_label": {"type": "string", "enum": _LABELS},
            "to_label": {"type": "string", "enum": _LABELS},
            "eids": _eids(),
        }
    )
    return {"type": "array", "items": change, "minItems": 0, "maxItems": 3}


def _description(order: Order, scale: float) -> dict[str, Any]:
    texts = _texts("description", order, round(MAX_DESCRIPTION_EN * scale), round(MAX_DESCRIPTION_ZH * scale))
    return {"cited_eids": _eids(), **texts}


def _hypotheses(order: Order, scale: float) -> dict[str, Any]:
    """Conflicts first, then the hypotheses by rank, then what speaks for another reading."""
    conflict = _object({"eids": _eids(1), "against": _eids(1), "text": _text(200 * scale)})
    hypothesis = _object({"eids": _eids(1), "against": _eids(), "label": _label(_DECIDED), "p": _probability()})
    other = {"anyOf": [_label(_DECIDED), {"type": "null"}]}
    return {
        "subject": dict(_SUBJECT),
        "conflicts": {"type": "array", "items": conflict, "minItems": 0, "maxItems": 4},
        "hypotheses": {"type": "array", "items": hypothesis, "minItems": 0, "maxItems": 4},
        "alternative": _object({"label": other, "text": _text(200 * scale)}),
        "mixed": {"type": "boolean"},
        "transitions": _transitions(),
    }


def _label_open(order: Order, scale: float) -> dict[str, Any]:
    return {"labels": _open_labels(order, scale, 1)}


def _label_closed(taxonomy: Taxonomy) -> Builder:
    """One class of a closed set, or none where no class fits."""

    def build(order: Order, scale: float) -> dict[str, Any]:
        return {"eids": _eids(1), "label": _label([*classes(taxonomy), "none"]), "confidence": _probability()}

    return build


def _label_dim(order: Order, scale: float) -> dict[str, Any]:
    signed = {"type": "number", "minimum": -1, "maximum": 1}
    return {
        "eids": _eids(1),
        "valence": signed,
        "arousal": signed,
        "dominance": _nullable("number", minimum=-1, maximum=1),
        "intensity": {"type": "integer", "minimum": 0, "maximum": 4},
    }


def _assessment(order: Order, scale: float) -> dict[str, Any]:
    """A judge's marks, faults before marks: 1 is useless, 5 without fault."""
    verdict, text = _label(["supported", "unsupported", "contradicted"]), _text(200 * scale)
    claim = _object({"text": text, "eids": _eids(), "verdict": verdict})
    mark = {"type": "integer", "minimum": 1, "maximum": 5}
    language = _object({"fault": text, "mark": mark})
    return {
        "claims": {"type": "array", "items": claim, "minItems": 1, "maxItems": max(1, round(12 * scale))},
        "faithfulness": mark,
        "missing_eids": _eids(),
        "completeness": mark,
        "language_en": language,
        "language_zh": language,
    }


_BUILDERS: dict[str, Builder] = {
    "observations": _observations,
    "judgement": _judgement,
    "description": _description,
    "hypotheses": _hypotheses,
    "label_open": _label_open,
    "label_mer6": _label_closed("mer6"),
    "label_dfew7": _label_closed("dfew7"),
    "label_mafw11": _label_closed("mafw11"),
    "label_dim": _label_dim,
    "assessment": _assessment,
}


def _texts(name: str, order: Order, max_en: int, max_zh: int) -> dict[str, Any]:
    both = {
        "en": {"type": "string", "minLength": 1, "maxLength": max_en},
        "zh": {"type": "string", "minLength": 1, "maxLength": max_zh},
    }
    languages = ("zh", "en") if order == "zh-first" else ("en", "zh")
    return {f"{name}_{language}": both[language] for language in languages}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _eids(least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": dict(_EID), "minItems": least, "maxItems": MAX_OBSERVATIONS + 1}


def _label(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


def _text(most: float) -> dict[str, Any]:
    return {"type": "string", "maxLength": round(most)}


def _labels(most: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": _LABELS}, "minItems": 0, "maxItems": most}


def _probability() -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "maximum": 1}


def _nullable(kind: str, **bounds: float) -> dict[str, Any]:
    return {"anyOf": [{"type": kind, **bounds}, {"type": "null"}]}


def _without(value: Any, dropped: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(v, dropped) for name, v in value.items() if name not in dropped}
    if isinstance(value, list):
        return [_without(v, dropped) for v in value]
    return value
