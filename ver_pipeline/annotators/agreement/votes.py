"""The agreement of one record: every source's vote, the distances, the tier.

Sources that need no model (face, voice, words) always vote.  A teacher's annotation votes beside them;
the cues annotation does not, because it is made from those same three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import pstdev
from typing import Any

from ver_pipeline.annotators.agreement.dawid_skene import Skill
from ver_pipeline.annotators.agreement.named_cues import cue_overlap
from ver_pipeline.annotators.agreement.openset import jaccard, set_score
from ver_pipeline.schemas.labels import extract, labels, sentiment_of
from ver_pipeline.schemas.record_types import LabelId

Similarity = Callable[[str, str], float]
TIER_A, TIER_B = 2 / 3, 1 / 2


def agreement(
    annotation: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    independent: Sequence[Mapping[str, Any]],
    skill: Skill | None = None,
    wheel_path: str | None = None,
    similarity: Similarity | None = None,
) -> dict[str, Any]:
    """The ``Agreement`` dict of an annotation.

    Args:
        annotation: the one that is kept.
        others: further annotations of the same clip (other teachers, other draws of the same one, cues).
        independent: votes of the face, the voice, the words.
        skill: labeling sources' confusion tables, fitted beforehand over many clips; without it no Dawid-Skene
            confidence is given, because one clip cannot tell how good its labeling sources are.
        wheel_path: another emotion wheel than the one shipped.
        similarity: compares two texts, 0 to 1; without it reasoning is compared by the evidence cited, and
            the two descriptions by the labels they name alone.
    """
    teachers = [a for a in (annotation, *others) if a["provenance"]["tier"] != "cue"]
    votes = [dict(vote) for vote in independent] + _teacher_votes(teachers)
    decided = [vote for vote in votes if vote["label"] != "undetermined"]
    share = _label_share(annotation["emotion"]["primary"], decided)
    own_class = dfew_class(annotation["emotion"]["primary"])
    posterior = skill.posterior({v["voter"]: dfew_class(v["label"]) for v in decided}) if skill and decided else None
    return {
        "votes": votes,
        "n_votes": len(votes),
        "label_agreement": share,
        "sentiment_agreement": _sentiment_share(decided),
        "valence_sd": _spread([a["emotion"]["valence"] for a in (annotation, *others)]),
        "arousal_sd": _spread([a["emotion"]["arousal"] for a in (annotation, *others)]),
        "intensity_sd": _spread([a["emotion"]["intensity"] for a in (annotation, *others)]),
        "jaccard_open": _mean([jaccard(_words(annotation), _words(other)) for other in others]),
        "open_f1": _mean([_f1(annotation, other, wheel_path) for other in others]),
        "en_zh_agreement": en_zh_agreement(annotation["description"], similarity),
        "self_consistency": _self_consistency(annotation, others),
        "reasoning_similarity": _mean([_reasoning(annotation, other, similarity) for other in others]),
        "method": "dawid-skene" if posterior else ("majority" if decided else "none"),
        "ds_confidence": round(posterior.get(own_class, 0.0), 4) if posterior else None,
        "tier": tier(share, len(decided)),
    }


def tier(share: float | None, n_votes: int) -> str | None:
    """A where at least two thirds of two or more votes back the label, B at half, else C.

    None where fewer than two sources voted: nothing was compared.
    """
    if share is None or n_votes < 2:
        return None
    return "A" if share >= TIER_A - 1e-9 else ("B" if share >= TIER_B - 1e-9 else "C")


def dfew_class(label: str) -> str:
    """The coarse class under which labeling sources with different vocabularies are compared."""
    return labels()[label].classes.get("dfew7", label)  # type: ignore[index]


def en_zh_agreement(description: Mapping[str, Any], similarity: Similarity | None = None) -> float | None:
    """How far the two descriptions say the same: mean overlap of the labels and of the cues that they name.

    With ``similarity`` that of the texts counts as a third.  What neither text names does not count; None
    where nothing does.
    """
    english, chinese = description["en"], description["zh"]
    texts = [similarity(english, chinese)] if similarity is not None else []
    return _mean([_label_overlap(description), cue_overlap(english, chinese), *texts])


def _label_overlap(description: Mapping[str, Any]) -> float | None:
    en, zh = set(extract(description["en"], "en")), set(extract(description["zh"], "zh"))
    return round(len(en & zh) / len(en | zh), 4) if en | zh else None


def _teacher_votes(teachers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One vote per teacher; further draws of the same one are not independent and do not vote again."""
    votes_by_source: dict[str, dict[str, Any]] = {}
    for annotation in teachers:
        emotion, provenance = annotation["emotion"], annotation["provenance"]
        voter = f"{provenance['annotator']}:{provenance['model']}"
        vote = {"voter": voter, "label": emotion["primary"], "p": emotion["confidence"], "valence": emotion["valence"]}
        votes_by_source.setdefault(voter, vote)
    return list(votes_by_source.values())


def _label_share(primary: LabelId, votes: Sequence[Mapping[str, Any]]) -> float | None:
    if not votes or primary == "undetermined":
        return None
    backing = sum(1 for vote in votes if dfew_class(vote["label"]) == dfew_class(primary))
    return round(backing / len(votes), 4)


def _sentiment_share(votes: Sequence[Mapping[str, Any]]) -> float | None:
    """Share of the most common sentiment among votes that carry a valence."""
    features = [sentiment_of(vote["valence"]) for vote in votes if vote["valence"] is not None]
    return round(Counter(features).most_common(1)[0][1] / len(features), 4) if len(features) >= 2 else None


def _self_consistency(annotation: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> float | None:
    """Share of draws of the same model that gave the kept label (the kept one included)."""
    own = annotation["provenance"]
    if own["tier"] == "cue":
        return None
    draws = [
        o
        for o in others
        if (o["provenance"]["annotator"], o["provenance"]["model"]) == (own["annotator"], own["model"])
    ]
    if not draws:
        return None
    same = sum(1 for draw in draws if draw["emotion"]["primary"] == annotation["emotion"]["primary"])
    return round((1 + same) / (1 + len(draws)), 4)


def _reasoning(left: Mapping[str, Any], right: Mapping[str, Any], similarity: Similarity | None = None) -> float | None:
    """Similarity of two annotations' observations in English, else the overlap of what they rest on."""
    if similarity is None:
        return _evidence_overlap(left, right)
    texts = [" ".join(seen["text_en"] for seen in annotation["observations"]) for annotation in (left, right)]
    return similarity(texts[0], texts[1]) if all(texts) else None


def _evidence_overlap(left: Mapping[str, Any], right: Mapping[str, Any]) -> float | None:
    """F1 of what two annotations rest on: pairs of (modality, label supported)."""
    a = {(o["modality"], label) for o in left["observations"] for label in o["supports"]}
    b = {(o["modality"], label) for o in right["observations"] for label in o["supports"]}
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else None


def _words(annotation: Mapping[str, Any]) -> list[str]:
    return [label["en"] for label in annotation["emotion"]["labels_open"]]


def _f1(left: Mapping[str, Any], right: Mapping[str, Any], wheel_path: str | None) -> float | None:
    score = set_score(_words(left), _words(right), wheel_path)
    return None if score is None else score.f1


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def _spread(values: Sequence[float | int | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return round(pstdev(known), 4) if len(known) >= 2 else None
