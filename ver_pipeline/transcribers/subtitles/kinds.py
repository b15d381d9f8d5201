"""What of a cue is spoken, and what is something else that is written down: the caption's kind.

Captions for people who do not hear write sounds in brackets, songs between notes, and who speaks before a colon;
translators write signs, titles and credits.  Nothing of it is said, all of it is kept.  Where a bracket or a word
before a colon may as well be part of the sentence, it is: brackets in the middle of a sentence are spoken unless they
name a sound, and a name before a colon is a speaker only where it looks like one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ver_pipeline.transcribers.subtitles.credits import is_credit

Kind = Literal["sound", "music", "sign", "speaker", "credit", "translation"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The spoken lines of a cue, and what else it holds as (kind, text)."""

    spoken: tuple[str, ...]
    captions: tuple[tuple[Kind, str], ...]


SIGN_STYLE = re.compile(
    r"(?:^|[^a-z])(?:signs?|typeset(?:ting)?|ts|credits?|staff|logo|eyecatch|on-?screen|screen ?text)(?:[^a-z]|$)|"
    r"屏幕字|标题|標題|注释|註釋|字幕组|字幕組",
    re.IGNORECASE,
)
MAYBE_SIGN_STYLE = re.compile(
    r"(?:^|[^a-z])(?:titles?|text|screen|notes?|captions?|next|preview|insert)(?:[^a-z]|$)", re.IGNORECASE
)
"""Styles that signs are written in, unless most of the file is."""
SONG_STYLE = re.compile(
    r"(?:^|[^a-z])(?:op|ed|opening|ending|song|songs|lyrics?|karaoke|kara|romaji|insert ?song|歌词|歌詞)(?:[^a-z]|$)",
    re.IGNORECASE,
)

_NOTES = "♪♫♬♩🎵🎶"
_NOTED = re.compile(rf"[{_NOTES}][^{_NOTES}\n]*(?:[{_NOTES}]+|$)", re.MULTILINE)
_HASHED = re.compile(r"^\s*#+\s+\S.*?\s#+\s*$|^\s*#+\s+\S[^#]*$", re.MULTILINE)
_STARRED = re.compile(r"(?:^|(?<=\s))\*+([^*\n]{2,60})\*+(?=\s|$|[.,!?])", re.MULTILINE)
_SQUARE = re.compile(r"\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕|［[^［］]*］|\{[^{}]*\}")
_ROUND = re.compile(r"\([^()]*\)|（[^（）]*）")
_NAMED = re.compile(r"^[\s\ue000–—-]*[\[(（【]([^\[\](){}（）【】\n]{1,30})[\])）】]\s*[:：]\s*", re.MULTILINE)
_OPEN_TO_CLOSE = {"[": "]", "(": ")", "（": "）", "【": "】", "［": "］", "{": "}"}
_ENDS_SENTENCE = re.compile(r"(?:^|[.!?…。！？~—–-]['\"”’」』]?)[\s\ue000]*$")

_SOUND = re.compile(
    r"^(?:[\w']+ ){0,2}(?:laugh|sigh|sob|gasp|scream|groan|cough|cries|crying|chuckl|giggl|snicker|sniff|whimper|moan|"
    r"grunt|whisper|mutter|mumbl|shout|yell|snort|scoff|pant(?:s|ing)|cheer|applau|clap|beep|bleep|bark|music|noise|"
    r"inaudible|indistinct|unintelligible|silence|pause|beat$|static|thunder|exhal|inhal|breath|gulp|yawn|hum(?:s|ming)|"
    r"sing(?:s|ing)|clears|whistl|hiccup|sneez|crowd|phone|door|knock|ringing|rings|buzz|speaking|speaks|chatter|"
    r"crosstalk)\w*(?: [\w']+)?$|"
    r"[笑哭叹嘆喘咳吼叫]|音乐|音樂|掌声|掌聲|声$|聲$|沉默|停顿|停頓|听不清|聽不清",
    re.IGNORECASE,
)
"""What a bracket in the middle of a sentence names where it is a sound: short, and one of these."""
_SOUND_MOST_WORDS = 3

_NAME = r"[A-Z][A-Za-z.'’\-]*(?: (?:[A-Z#&\d][A-Za-z\d.'’\-]*|and|of|the|de|van)){0,3}"
_BEFORE_COLON = re.compile(rf"^[\s\ue000]*({_NAME}|[\u4e00-\u9fff·]{{1,6}}[A-Z\d]?)\s*[:：](?!\d|//)\s*", re.MULTILINE)
_SHOUTED = re.compile(r"^(?=.*[A-Z]{2})[^a-z]+$|^[A-Z]$")
_NOT_NAMES = """
NOTE NB PS P.S FYI WARNING CAUTION DANGER ATTENTION IMPORTANT REMEMBER REMINDER QUESTION ANSWER FACT RULE STEP TIP
UPDATE ALERT BREAKING NEWS RESULT OK OKAY YES NO STOP TODO ADDRESS DATE TIME SUBJECT RE TO FROM PLAN OPTION
"""
_NO_SPEAKER = frozenset(_NOT_NAMES.split())
_NO_SPEAKER_ZH = re.compile(
    r"[说說道问問答曰讲講喊叫是写寫即如下]$|^(?:注意|备注|備註|注|提示|问题|答案|地址|时间|地点|例如|比如|结论|记住)$"
)
_ROLE_ZH = re.compile(
    r"^(?:男|女|旁白|画外音|众人|眾人|老师|老師|妈妈|媽媽|爸爸|医生|醫生|护士|警察|记者|記者|主持人|观众|司机|老板|"
    r"服务员|同学|学生|甲|乙|丙)[A-Z\d]?$"
)
_CHEVRONS = re.compile(r"^\s*(?:>>+|＞＞+|»)\s*", re.MULTILINE)
_GAP = "\ue000"
"""Stands where something was taken out, until that is closed: by a space, between Chinese characters by nothing."""
_DASH = re.compile(r"^[\s\ue000]*[-–—‐‑]+[\s\ue000]*(?=[^\s\d])", re.MULTILINE)


def speakers_of(texts: Iterable[str]) -> frozenset[str]:
    """Names that stand before a colon in at least two cues: whoever is named twice speaks."""
    times = Counter(match for text in texts for match in {m[1] for m in _BEFORE_COLON.finditer(_plain_starts(text))})
    return frozenset(name for name, n in times.items() if n > 1 and not _is_word(name))


def parts_of(text: str, speakers: frozenset[str] = frozenset(), capitals: bool = False) -> Parts:
    """A cue's text (without markup, lines apart by ``\\n``) as what is said and what is not.

    Args:
        speakers: as :func:`speakers_of` finds them in the whole file.
        capitals: whether the file is written in capitals; in another, a sound may be all that is.
    """
    if is_credit(text):
        return Parts((), (("credit", _one_line(text)),))
    if not capitals and text.isupper() and len(text.split()) <= _SOUND_MOST_WORDS and _SOUND.search(_one_line(text)):
        return Parts((), (("sound", _one_line(text)),))
    captions: list[tuple[Kind, str]] = []

    def take(kind: Kind, found: str) -> str:
        bare = _one_line(found)
        if any(c.isalnum() or c in _NOTES for c in bare):
            captions.append((kind, bare))
        return _GAP

    text = _brackets_on_one_line(text)
    text = _whole_lines_of_notes(text, take)
    text = _NOTED.sub(lambda m: take("music", m[0]), text)
    text = _HASHED.sub(lambda m: take("music", m[0]), text)
    text = _NAMED.sub(lambda m: take("speaker", m[1]), text)
    text = _SQUARE.sub(lambda m: take("sound", m[0]), text)
    text = _ROUND.sub(lambda m: take("sound", m[0]) if _is_apart(m) else m[0], text)
    text = _STARRED.sub(lambda m: take("sound", m[0]) if _is_apart(m) else m[1], text)
    text = _CHEVRONS.sub("", text)
    text = _DASH.sub("", text)
    text = _BEFORE_COLON.sub(lambda m: take("speaker", m[1]) if _is_speaker(m[1], speakers) else m[0], text)
    text = re.sub(rf"(?<=[\u4e00-\u9fff])\s*{_GAP}\s*(?=[\u4e00-\u9fff])", "", text).replace(_GAP, " ")
    spoken = (_DASH.sub("", _one_line(line)) for line in text.split("\n"))
    return Parts(tuple(line for line in spoken if any(c.isalnum() for c in line)), tuple(captions))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain_starts(text: str) -> str:
    return _DASH.sub("", _CHEVRONS.sub("", text))


def _brackets_on_one_line(text: str) -> str:
    """A bracket that closes on a later line is one piece of text."""
    for opening, closing in _OPEN_TO_CLOSE.items():
        pattern = rf"\{opening}[^\{opening}\{closing}]*\n[^\{opening}\{closing}]*\{closing}"
        text = re.sub(pattern, lambda m: m[0].replace("\n", " "), text)
    return text


def _whole_lines_of_notes(text: str, take) -> str:  # type: ignore[no-untyped-def]
    """A song that began in an earlier cue, or goes on in the next, has its note at one end only."""
    lines = text.split("\n")
    if lines and lines[-1].rstrip()[-1:] in _NOTES and not any(c in _NOTES for c in text.rstrip()[:-1]):
        return str(take("music", text))
    if (
        text.lstrip()[:1] in _NOTES
        and text.count("\n")
        and not any(c in _NOTES for c in text.lstrip()[1:].rstrip()[:-1])
    ):
        return str(take("music", text))
    return text


def _is_apart(match: re.Match[str]) -> bool:
    """Whether a bracket stands outside of sentences, or names a sound inside one."""
    line_start = match.string.rfind("\n", 0, match.start()) + 1
    line_end = match.string.find("\n", match.end())
    before = match.string[line_start : match.start()]
    after = match.string[match.end() : line_end if line_end >= 0 else None]
    inside = match[0].strip("()（）*").strip()
    if len(inside.split()) <= _SOUND_MOST_WORDS and len(inside) <= 24 and _SOUND.search(inside):
        return True
    bare_before = re.sub(r"[-–—>\s\ue000]", "", before)
    if not bare_before:
        return not re.match(r"\s*[,.;:!?，。；：！？]", after) or not after.strip(" .!?。！？" + _GAP)
    return bool(_ENDS_SENTENCE.search(before)) and not after.strip(" .!?。！？" + _GAP)


def _is_word(name: str) -> bool:
    return name.upper().rstrip(".") in _NO_SPEAKER or bool(_NO_SPEAKER_ZH.search(name))


def _is_speaker(name: str, speakers: frozenset[str]) -> bool:
    if _is_word(name):
        return False
    if name in speakers or _ROLE_ZH.match(name):
        return True
    contraction = re.search(r"['’](?:S|M|RE|LL|VE|D|T)\b", name)
    return bool(_SHOUTED.match(name)) and len(name) > 1 and not contraction
