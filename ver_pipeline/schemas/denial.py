"""What is denied, forbidden, or only reported: words that a text holds and does not claim.

"Not happy", "far from happy", "do not be sad", 别担心, 高兴不起来; "the doctor says he is ill", 他说自己很难过.
"""

# ruff: noqa: E501  (a table of words reads better unbroken)
from __future__ import annotations

import re
from typing import Literal

_BEFORE_EN = re.compile(
    r"(?:\b(?:not|no|never|without|hardly|scarcely|barely|neither|nor|cannot|\w+n['’]t|far from|anything but|free (?:of|from)|"
    r"instead of|rather than|nothing|nobody|none|un(?:able|likely|willing) to|fail(?:s|ed|ing)? to|too \w+ to|stop(?:s|ped)?|"
    r"refus(?:es?|ed|ing) to|lack(?:s|ed|ing)?(?: of| any)?|absen(?:t|ce) of|devoid of|no longer|less)\s+)"
    r"(?:(?:a|an|any|all|at|very|really|so|too|that|this|particularly|especially|exactly|entirely|quite|be|being|been|feel|"
    r"feeling|get|getting|seem|seeming|appear|look|looking|sound|show|shows|express|signs?|hint|trace|sense|of|to|become|much|"
    r"anywhere|near|even|is|are|was|were|the|his|her|their|or|\w+\s+n?or)\s+){0,5}$",
    re.IGNORECASE,
)
_AFTER_EN = re.compile(
    r"\s+(?:is|are|was|were)\s+(?:not|absent|missing|nowhere)\b|\s+is\s+(?:hardly|barely)\b", re.IGNORECASE
)
_BEFORE_ZH = re.compile(
    r"(?:不(?!禁|由|免|仅|但|光|只|过|断|停|安$)|没有|没|未|并非|毫无|无(?!比)|别(?!人)|莫(?!名)|勿|休|难以|绝非|谈不上|算不上|远非|远不|缺乏|缺少|而非)"
    r"(?:是|会|要|必|用|再|太|很|那么|这么|这样|如此|觉得|感到|感觉|显得|表现出|流露出|看出|见|到|什么|任何|一丝|丝毫|半点|一点|多少|过于|过分|特别|十分|非常|"
    r"为此|为他|为她|为我|因此|替我|替他|替她|为|能|够|该|应|应该|可能|敢|想|让人|让|使|带|有|你|您|大家|出|半分|明显|的){0,4}$"
)
_AFTER_ZH = re.compile(r"(?:不起来|不了|不出来|不到|不得)")
_REPORTS_EN = re.compile(
    r"\b(?P<who>he|she|they|i|we|you|who|nobody|everyone|[a-z]*(?:man|woman|men|women|doctor|nurse|teacher|mother|father|friend|"
    r"person|people|speaker|boy|girl|child|host|officer|lawyer|colleague|boss|wife|husband|son|daughter|brother|sister|voice|"
    r"narrator|reporter|actor|character|student|guest|neighbou?r))\s+(?:(?:also|then|again|calmly|quietly|loudly|softly|first|later|"
    r"once|\w+ly)\s+)?(?:says?|said|saying|tells?|told|claims?|claimed|asks?|asked|replie[sd]|reports?|reported|mentions?|"
    r"mentioned|explains?|explained|insists?|insisted|complains?|complained|admits?|admitted|denies|denied|warns?|warned|"
    r"promises|promised|states?|stated)\s+(?:(?:him|her|them|us|me|you|everyone|somebody|(?:the|his|her|their|a)\s+\w+)\s+)?"
    r"(?=(?:that|if|whether|why|how|what|to|not|he|she|they|it|i|we|you|there|everything|nothing|nobody|the|his|her|their|my|"
    r"someone|everyone)\b)",
    re.IGNORECASE,
)
_REPORTS_ZH = re.compile(
    r"(?:(?<![边听据话小传解学])说(?![话着得出明法不完起到唱笑服])(?:道|是)?|声称|自称|宣称|告诉(?:他|她|对方|大家|我们|我|你|别人|母亲|父亲|朋友|医生)?|提到|问道|反问|回答说?|转述|抱怨|承认|否认|劝(?:他|她|对方|大家)?)"
)
_END = re.compile(
    r"[.;!?。；！？\n]|,\s*(?:but|yet|and|while|which|so|as if|though|although)\b|[，,](?:但|然而|却|而|同时|不过|神情|表情|语气|声音|看|显|脸|眉|嘴)"
)
_END_ZH = re.compile(r"[。；！？，,\n]")
WINDOW = 48


def is_denied(text: str, start: int, end: int, language: Literal["en", "zh"]) -> bool:
    """Whether the word at ``[start, end)`` is denied or forbidden by what stands before or after it."""
    before = _clause_before(text, start)
    if language == "zh":
        return bool(_BEFORE_ZH.search(before) or _AFTER_ZH.match(text, end))
    return bool(_BEFORE_EN.search(before) or _AFTER_EN.match(text, end))


def reported_spans(text: str, language: Literal["en", "zh"]) -> list[tuple[int, int]]:
    """Where somebody's words are reported without quotation marks; the end of each is that of its clause."""
    spans = []
    pattern, stop = (_REPORTS_ZH, _END_ZH) if language == "zh" else (_REPORTS_EN, _END)
    for match in pattern.finditer(text):
        end = stop.search(text, match.end())
        spans.append((match.end(), end.start() if end else len(text)))
    return spans


def _clause_before(text: str, start: int) -> str:
    before = text[max(0, start - WINDOW) : start]
    return re.split(r"[,.;:!?，。；：！？、\n]", before)[-1]
