"""Characters that no text of a record may hold: whoever names a thing can ask before any work is spent on it."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MOJIBAKE = re.compile(r"Ã[\x80-\xbf¡-ÿ]|â€|Â[\xa0-\xbf]|ï»¿|锟斤拷|烫烫烫|屯屯屯|ä¸[\x80-\xff]|å[\x80-\x9f]")
SPECIAL_TOKEN = re.compile(r"<\|?/?(?:video|image|audio|im_start|im_end|vision_\w+|video_pad|image_pad|endoftext)\|?>")


def unclean(text: str) -> str | None:
    """What is wrong with the characters of a text (rule F08); None where nothing is."""
    if "\ufffd" in text:
        return "holds U+FFFD, a character lost in decoding"
    if any("\ud800" <= c <= "\udfff" for c in text):
        return "holds an unpaired surrogate"
    if _CONTROL.search(text):
        return "holds a control or invisible character"
    if _MOJIBAKE.search(text):
        return "looks like text decoded with the wrong encoding"
    return None if unicodedata.is_normalized("NFC", text) else "is not in Unicode NFC"
