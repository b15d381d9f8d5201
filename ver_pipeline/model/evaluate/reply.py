"""What a free-text reply claims: one closed label, a set of open words, or an abstention."""

from __future__ import annotations

from ver_pipeline.schemas import labels
from ver_pipeline.schemas.record_types import LabelId

ABSTAIN: LabelId = "undetermined"


def claimed_label(reply: str, language: labels.TextLanguage) -> LabelId | None:
    """The one label a reply claims; None when it claims none or several.

    Whole words only ("unhappy" is no "happy"), negated and quoted words do not count, and a reply that
    lists all labels claims none of them.
    """
    whole = labels.canonical(reply)
    if whole is not None:
        return whole
    words = labels.extract(reply, language)
    if len(words) == 1:
        return words[0]
    if not words and labels.display(ABSTAIN, language) in reply:
        return ABSTAIN
    return None


def in_taxonomy(label: LabelId | None, taxonomy: str) -> str | None:
    """A label's class in a closed taxonomy; ``canonical`` keeps the label itself."""
    if label is None or taxonomy == "canonical":
        return label
    return labels.closed_labels(label)[taxonomy]


def classes_of(taxonomy: str) -> tuple[str, ...]:
    """All classes of a taxonomy, in the order of the labels."""
    if taxonomy == "canonical":
        return tuple(label for label in labels.LABEL_IDS if label != ABSTAIN)
    class_names = (in_taxonomy(label, taxonomy) for label in labels.LABEL_IDS)
    return tuple(dict.fromkeys(c for c in class_names if c is not None))


def claimed_words(reply: str, language: labels.TextLanguage) -> list[str]:
    """Every emotion word a reply claims (not quoted, not negated), as written."""
    return [hit.word for hit in labels.find_words(reply, language) if not hit.negated and not hit.quoted]
