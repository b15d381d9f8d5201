"""The canaries' questions, in the form that questions about clips have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ver_pipeline.annotators.canaries.cards import COLOURS, PITCHES_HZ, Deck
from ver_pipeline.annotators.teacher.chat import Chat
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.canonical import digest

RELEASE = "canaries/1"
"""Bumped when a canary's question or drawing changes."""
TOKENS_A_CARD = 60
SYSTEM = (
    "You check whether pictures and sound arrive. You report only what you were really given in this message. Where "
    "you were given nothing, you answer with empty lists and empty texts. You never guess."
)
SEE = (
    "You may have been given pictures, or a video that shows each picture for one second. Each picture is a card of "
    "one colour with a large digit in the middle, two small digits side by side beneath it, and one small digit in "
    "each corner. List every card in the order given, as JSON: large, small (two digits), corners (four digits: top "
    "left, top right, bottom left, bottom right) and colour. Where you cannot read digits, leave their text empty. "
    "If you were given no picture, the list is empty."
)
HEAR = (
    "You may have been given a video with sound. It plays short beeps, each low or high, at most one a second; one "
    "beep is longer than the others. Answer as JSON: beeps, the pitches in the order they are heard, and long_at_s, "
    "the whole second at which the longer one begins, or null. If you hear nothing, the list is empty."
)
READ = "The word is {word} and the number is {number}. Repeat both as JSON."


def seed_of(teacher: Teacher, run: int) -> str:
    """What the canary number ``run`` of a run is dealt from: the model, the release of the prompts, the number."""
    known = teacher.fingerprint()
    return digest({"model": teacher.model, "prompts": known["prompts"], "release": RELEASE, "run": run})


def see(teacher: Teacher, media_path: str | None, n_cards: int) -> Chat:
    """What is on the cards?  Without ``media_path`` the same question with nothing to look at."""
    texts = {name: {"type": "string", "maxLength": 8} for name in ("large", "small", "corners")}
    card = _object({**texts, "colour": {"type": "string", "enum": [*COLOURS, "other"]}})
    schema = _object({"cards": {"type": "array", "items": card, "minItems": 0, "maxItems": 2 * n_cards + 4}})
    return _chat(teacher, "see", SEE, schema, media_path, n_cards, TOKENS_A_CARD * (n_cards + 4))


def hear(teacher: Teacher, media_path: str | None, deck: Deck) -> Chat:
    """Which beeps are heard, and when the long one?"""
    pitch = {"type": "string", "enum": sorted(PITCHES_HZ)}
    second = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 99}, {"type": "null"}]}
    schema = _object({"beeps": {"type": "array", "items": pitch, "maxItems": 16}, "long_at_s": second})
    return _chat(teacher, "hear", HEAR, schema, media_path, len(deck.cards), 256)


def read(teacher: Teacher, deck: Deck) -> Chat:
    """The control in words: whoever fails here would fail with the best of eyes."""
    schema = _object({name: {"type": "string", "maxLength": 20} for name in ("word", "number")})
    return _chat(teacher, "read", READ.format(word=deck.word, number=deck.number), schema, None, 0, 256)


def _chat(
    teacher: Teacher, name: str, user: str, schema: dict[str, Any], media_path: str | None, seconds: int, tokens: int
) -> Chat:
    sampling: Mapping[str, Any] = {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_new_tokens": max(tokens, min(teacher.options.max_new_tokens, 1024)),
        "seed": teacher.options.seed,
    }
    return Chat(f"canary_{name}/1.en", SYSTEM, user, schema, sampling, media_path, float(seconds), keep=False)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
