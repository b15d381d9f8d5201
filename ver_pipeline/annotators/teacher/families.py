"""Labels asked for one set at a time: how hypotheses and the answers of the label prompts become one judgement.

The hypotheses come from the evidence as a whole; each closed set is asked from the evidence alone, without
them, so that agreement between the two means something.  A closed answer agrees with a label where the
taxonomy map (``schemas/labels.py``) sends the label to that class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from ver_pipeline.schemas.labels import Taxonomy, TextLanguage, classes, closed_display, display, labels
from ver_pipeline.schemas.record_types import LabelId

CLOSED_PROMPTS: dict[str, Taxonomy] = {"label_mer6": "mer6", "label_dfew7": "dfew7", "label_mafw11": "mafw11"}
NO_CLASS = {"en": "no class fits", "zh": "没有合适的类别"}
_NOTHING = {"valence": None, "arousal": None, "dominance": None, "intensity": None}


def offered(prompt: str, language: str) -> dict[str, str]:
    """What a prompt offers to choose from: each name with how it reads in the prompt's language."""
    shown = cast("TextLanguage", language)
    taxonomy = CLOSED_PROMPTS.get(prompt)
    if taxonomy is None:
        return {label: display(label, shown) for label in get_args(LabelId)}
    names = {name: closed_display(taxonomy, name, shown) or name for name in classes(taxonomy)}
    return {**names, "none": NO_CLASS[language]}


def combine(merged: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The judgement, in the form that one whole answer has.

    Args:
        merged: the answer of the ``merge`` prompt.
        answers: those of the label prompts, by prompt; empty where there was no hypothesis.

    The primary label is the hypothesis with which most closed answers agree, the higher ranked of equals.
    Where one closed answer does not agree with it, which is always so where the sets contradict each other,
    ambiguity is high; where evidence conflicts or the closed answers overturn the ranking, low.  Confidence is
    the least of those that were given.
    """
    closed = {CLOSED_PROMPTS[name]: answer for name, answer in answers.items() if name in CLOSED_PROMPTS}
    ranked: Sequence[Mapping[str, Any]] = merged["hypotheses"]
    judgement = {"subject": merged["subject"], "mixed": merged["mixed"]}
    if not ranked:
        unsure = {"primary": "undetermined", "confidence": 0.0, "ambiguity": "high", "transitions": []}
        return {**judgement, "labels": [], **unsure, **_NOTHING}
    best = max(ranked, key=lambda one: len(_agreeing(one["label"], closed)))
    agreed = len(_agreeing(best["label"], closed)) == len(closed)
    sized = {name: answers["label_dim"][name] for name in _NOTHING}
    return {
        **judgement,
        "labels": answers["label_open"]["labels"] if "label_open" in answers else _as_labels(ranked),
        "primary": best["label"],
        **sized,
        "confidence": min(best["p"], *(answer["confidence"] for answer in closed.values()), 1.0),
        "ambiguity": ("low" if merged["conflicts"] or best is not ranked[0] else "none") if agreed else "high",
        "transitions": merged["transitions"],
    }


def _agreeing(label: LabelId, closed: Mapping[Taxonomy, Mapping[str, Any]]) -> list[Taxonomy]:
    """The taxonomies whose answer is the class of ``label``; ``none`` is right where it has no class."""
    own = labels()[label].classes
    return [taxonomy for taxonomy, answer in closed.items() if own.get(taxonomy, "none") == answer["label"]]


def _as_labels(ranked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The hypotheses as labels, named by their canonical words."""
    return [
        {
            "eids": hypothesis["eids"],
            "canon": hypothesis["label"],
            "word_en": display(hypothesis["label"], "en"),
            "word_zh": display(hypothesis["label"], "zh"),
            "p": hypothesis["p"],
        }
        for hypothesis in ranked
    ]
