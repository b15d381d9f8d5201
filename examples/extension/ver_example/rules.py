"""A rule: a pure function over one record."""

from __future__ import annotations

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import Context, Found, Rule


def says_how_long(record: Record, context: Context) -> list[Found]:
    """English descriptions have at least ``min_words`` words."""
    n_words = len(record.description.en.split())
    if n_words >= context.limits["min_words"]:
        return []
    return [Found(f"{n_words} words", "/description/en")]


RULES = (
    Rule("X01", "flag", "descriptions are detailed", "描述足够详细", says_how_long, limits={"min_words": 5}),
)  # fmt: skip
