"""Text without its markup: tags of HTML, WebVTT and ASS, entities, codes in braces.

Only what is markup goes: ``<3``, ``a < b`` and words between angle brackets that are no tags stay.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_TAG = re.compile(
    r"</?\s*(?:i|b|u|s|em|strong|font|span|c|v|lang|ruby|rb|rt|p|div|big|small|center|sub|sup|tt|strike|body|sync)"
    r"(?:[.\s][^<>]*)?/?>|<\d{1,3}:[\d:.]+>",
    re.IGNORECASE,
)
_RUBY_READING = re.compile(r"<rt>.*?</rt>", re.IGNORECASE | re.DOTALL)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_BREAK = re.compile(r"<\s*br\s*/?>|\[br\]|\\N|\\n", re.IGNORECASE)
_CODE = re.compile(r"\{\\[^}]*\}|\{[a-zA-Z]:[^}]*\}")
_BRACES = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Bare:
    """Text without markup, its lines apart by ``\\n``, and who the markup says speaks it."""

    text: str
    voices: tuple[str, ...] = ()


def without_markup(text: str, is_ass: bool = False) -> Bare:
    """The text that a viewer reads.  In ASS whatever stands in braces is not shown; elsewhere only codes are not."""
    text = (_BRACES if is_ass else _CODE).sub("", text)
    text = _BREAK.sub("\n", text).replace("\\h", " ")
    voices = tuple(match.strip() for match in _VOICE.findall(text))
    text = _TAG.sub("", _RUBY_READING.sub("", text))
    for _ in range(2):  # twice: some files hold &amp;quot;
        text = html.unescape(text)
    text = _TAG.sub("", text).replace("\u00a0", " ")
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return Bare("\n".join(line for line in lines if line), voices)
