"""Which visible and audible cues a description names, so that two languages can be compared by them."""

from __future__ import annotations

import re
from typing import Literal

CUES: dict[str, tuple[str, str]] = {
    "smile": (r"smil\w+|grin\w*", "微笑|笑容|笑意|含笑|咧嘴"),
    "laughter": (r"laugh\w*|chuckl\w+", "大笑|笑声|笑了起来|轻笑"),
    "tears": (r"tears?|cry|cries|cried|crying|sob\w*|weep\w*|wept", "泪|哭|抽泣|啜泣"),
    "mouth": (r"mouths?|lips?", "嘴|唇|口型"),
    "brow": (r"(?:eye)?brows?|frown\w*|foreheads?", "眉|额头"),
    "eyes": (r"eyes?|[a-z]+-eyed|gaz\w+|star(?:es|ing)|glanc\w+", "(?<!眉)眼|目光|视线"),
    "shoulders": (r"shoulders?|shrug\w*", "肩"),
    "hands": (r"hands?|fists?|fingers?|gestur\w+", "双手|只手|手势|手指|拳|的手|挥手|摆手"),
    "head": (r"heads?|nod\w*", "低头|抬头|点头|摇头|头部|转头"),
    "voice": (r"voices?", "嗓音|语声|语音|说话声|声音|话音|语气"),
    "pace": (r"pace|speech rate|quickly|slowly|hurried\w*", "语速"),
    "pauses": (r"paus\w+", "停顿"),
    "pitch": (r"pitch\w*|intonation", "音高|语调|音调"),
    "loudness": (r"loud\w*|volume|softly", "音量|响亮|轻声|大声|大小适中"),
}
"""Cue to its words in English and in Chinese.  Kinds of cues, not wordings: a frown is a cue of the brow."""
_ENGLISH = {name: re.compile(rf"\b(?:{en})\b", re.IGNORECASE) for name, (en, _) in CUES.items()}
_CHINESE = {name: re.compile(zh) for name, (_, zh) in CUES.items()}


def named_cues(text: str, language: Literal["en", "zh"]) -> frozenset[str]:
    """The kinds of cues that a text names."""
    table = _ENGLISH if language == "en" else _CHINESE
    return frozenset(name for name, pattern in table.items() if pattern.search(text))


def cue_overlap(english: str, chinese: str) -> float | None:
    """Share of the named cues that both texts name, 0 to 1; None where neither names any."""
    en, zh = named_cues(english, "en"), named_cues(chinese, "zh")
    return round(len(en & zh) / len(en | zh), 4) if en | zh else None
