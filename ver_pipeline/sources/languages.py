"""The language that a file's name tells: ``film.en.srt``, ``film.zh-CN.srt``, ``film.chs.srt``."""

from __future__ import annotations

import re

_CODES = """
aa ab af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cs cu cv cy da de dv dz ee el en eo es
et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi hr ht hu hy ia id ie ig ii ik io is it iu ja jv ka kg ki
kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl
nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su
sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_ISO_639_1 = frozenset(_CODES.split())
_NAMES = {
    "eng": "en", "english": "en", "英文": "en", "英语": "en", "英語": "en",
    "chi": "zh", "zho": "zh", "chs": "zh", "cht": "zh", "cn": "zh", "sc": "zh", "tc": "zh", "gb": "zh", "big5": "zh",
    "cmn": "zh", "chinese": "zh", "简体": "zh", "繁体": "zh", "繁體": "zh", "中文": "zh", "简中": "zh", "繁中": "zh",
    "jpn": "ja", "jp": "ja", "japanese": "ja", "kor": "ko", "korean": "ko", "fre": "fr", "fra": "fr", "french": "fr",
    "ger": "de", "deu": "de", "german": "de", "spa": "es", "spanish": "es", "ita": "it", "italian": "it", "rus": "ru",
    "russian": "ru", "por": "pt", "portuguese": "pt", "ara": "ar", "arabic": "ar",
}  # fmt: skip
_NOT_SPOKEN = {
    "forced": "foreign lines only", "foreign": "foreign lines only", "signs": "signs only", "songs": "songs only",
    "commentary": "a commentary",
}  # fmt: skip
_FLAGS = frozenset({"sdh", "cc", "hi", "default", "full", "dialog", "dialogue", "orig", "original", "auto", "asr",
                    "generated", "hearing_impaired", *_NOT_SPOKEN})  # fmt: skip
_REGIONS = frozenset({"gb", "cn", "jp", "sc", "tc"})
MOST_TAGS = 3


def language_of(tag: str) -> str | None:
    """The ISO 639 code that a tag names (``zh-Hans`` is ``zh``); None where it names none, or two."""
    parts = [part for part in re.split(r"[-_&+]", tag.lower()) if part]
    codes = [_NAMES.get(part, part if part in _ISO_639_1 else None) for part in parts]
    if not parts or codes[0] is None:
        return None
    second = next((code for code, part in zip(codes[1:], parts[1:], strict=True) if _is_language(part, codes[0])), None)
    return None if second else codes[0]


def is_tag(part: str) -> bool:
    """Whether a piece of a name between dots tells a language or what a subtitle file is for."""
    first = re.split(r"[-_&+]", part.lower())[0]
    return part.lower() in _FLAGS or first in _NAMES or first in _ISO_639_1


def tags_of(parts: list[str]) -> tuple[str | None, str | None, bool]:
    """What the tags of a name tell: the language, what else than speech the file holds, whether a machine wrote it."""
    flags = {part.lower() for part in parts}
    language = next((code for part in parts if part.lower() not in _FLAGS and (code := language_of(part))), None)
    if language is None and "hi" in flags:
        language = "hi" if len(parts) == 1 else None
    held = next((what for flag, what in _NOT_SPOKEN.items() if flag in flags), None)
    return language, held, bool(flags & {"auto", "asr", "generated"})


def _is_language(part: str, first: str | None) -> bool:
    """A second language, rather than a script or a region: regions that are also codes are taken for regions."""
    code = None if part in _REGIONS else _NAMES.get(part, part if part in {"en", "zh", "ja", "ko"} else None)
    return code is not None and code != first
