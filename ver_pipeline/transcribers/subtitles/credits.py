"""Lines of a subtitle file that nobody says: who made it, and advertising."""

from __future__ import annotations

import re

_MADE = (
    r"(?:sub(?:title)?s?|captions?|caption(?:ing|ed)|subtitl(?:ing|ed)|transcript(?:ion)?|transcribed|"
    r"translat(?:ion|ed)|captioned|created|sync(?:ed|hroni[sz]ed|hroni[sz]ation)?|resync(?:ed)?|correct(?:ed|ions?)|edited|encoded|"
    r"ripped|proofread(?:ing)?|timing|timed)"
)
_CREDIT = re.compile(
    "|".join((
        rf"^\W*{_MADE}(?:\s*(?:,|&|and|\+)\s*{_MADE})*\s*(?:by\b|:)",
        r"\bopen-?subtitles\b|\bosdb\.link\b|\b[\w-]+\.(?:link|ly|com|org|net|tv)/\S+|\baddic7ed\b|\bsubscene\b|\bpodnapisi\b|\byify\b|\byts\.\w+|\bamara\.org\b|\bsubtitle\s+workshop\b",
        r"\b(?:https?://|www\.)\S+|\A\W*[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|tv|io|cn|info|me)(?:/\S*)?\W*\Z",
        r"^\W*(?:advertise your product|support us and become|please rate this subtitle|become a vip member)",
        r"^\W*(?:thanks? (?:you )?for watching|(?:please )?(?:like and )?subscribe(?: to (?:my|our|the) channel)?)\W*$",
        r"^\W*download(?:ed)? (?:from|at)\b",
        r"^\W*(?:翻译|翻譯|校对|校對|时间轴|時間軸|后期|後期|压制|壓制)\s+\S+|双语字幕|雙語字幕|(?:欢迎|请|記得|记得).{0,6}(?:关注|關注|订阅|訂閱)|一键三连",
        r"字幕组|字幕組|字幕由|字幕(?:制作|製作|翻译|翻譯|志愿者|志願者|提供)|本字幕|人人影视|射手网",
        r"(?:翻译|翻譯|校对|校對|时间轴|時間軸|轴|后期|後期|压制|壓制|监制|監製|听译|聽譯|听写|片源|总监|字幕|制作)\s*[:：]\s*\S",
        r"(?:仅供|僅供).{0,6}(?:学习|學習|交流).{0,10}|请于?.{0,4}24小时内删除",
        r"^\W*(?:谢谢|謝謝|感谢|感謝)(?:大家|您的?)?(?:观看|觀看|收看)\W*$|^\W*请(?:不吝)?(?:点赞|订阅)",
    )),
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip


def is_credit(text: str) -> bool:
    """Whether a cue names who made the subtitles, advertises, or asks its viewers for something."""
    return bool(_CREDIT.search(text))
