"""Word lists of the rules.  Each is data to read and correct; a match is asked for outside quotation
marks and outside negated clauses unless the rule says otherwise.  Bump the rule's version on a change.
"""

# ruff: noqa: E501  (a list of words reads better unbroken)
from __future__ import annotations

import re

from ver_pipeline.schemas.rules.things import BLANK, LANGUAGES_SPOKEN, TEARS, THINGS, WIDE_EYES
from ver_pipeline.schemas.rules.wrappers import CLOSER, OPENER, RESIDUE

__all__ = ["BLANK", "CLOSER", "LANGUAGES_SPOKEN", "OPENER", "RESIDUE", "TEARS", "THINGS", "WIDE_EYES"]


def _en(*patterns: str) -> str:
    return r"\b(?:" + "|".join(patterns) + r")\b"


def _any(english: str, *chinese: str) -> re.Pattern[str]:
    return re.compile("|".join((english, *chinese)), re.IGNORECASE)


REFUSAL = _any(
    _en(
        r"as an? (?:ai|artificial intelligence|language model|large language model|assistant)",
        r"i(?:'m| am) (?:sorry|unable|afraid|not able)(?: to)?",
        r"i (?:cannot|can't|can not|won't|must decline to) (?:assist|help|comply|provide|describe|analy[sz]e|identify|fulfil?l|answer|watch|view|see)",
        r"(?:cannot|can't|unable to) (?:assist with|fulfil?l) (?:this|that|your) request",
        r"against my (?:guidelines|policy|policies|programming)",
        r"my (?:training data|knowledge cutoff|programming)",
    ),
    r"作为(?:一个|一名)?(?:人工智能|语言模型|大?模型|AI|ai)", r"(?:很抱歉|对不起|抱歉)[，,]?\s*(?:我|本模型)",
    r"我(?:无法|不能|不便)(?:提供|协助|帮助|回答|满足|分析|描述|观看|识别)", r"我是(?:一个|一名)?(?:人工智能|语言模型|AI)",
)  # fmt: skip
"""Refusals and self-reference.  "I'm sorry" is dialogue wherever it stands in quotation marks."""

NON_ANSWER = _any(
    _en(
        r"(?:cannot|can't|could not|unable to|impossible to|not possible to) (?:be )?(?:determine[d]?|tell|infer(?:red)?|identif(?:y|ied)|judge[d]?)",
        r"(?:insufficient|not enough) (?:information|evidence|context)", r"no (?:clear )?emotion can be",
    ),
    r"无法(?:判断|确定|得知|推断)", r"难以(?:判断|确定)", r"信息不足", r"证据不足",
)  # fmt: skip

HEDGE = _any(
    _en("maybe", "perhaps", "possibly", "might", "could be", "unclear", "presumably", "hard to (?:tell|say)", "not sure"),
    "或许", "也许", "可能", "大概", "不确定", "说不清",
)  # fmt: skip

MARKDOWN = re.compile(
    r"^\s{0,3}(?:#{1,6}\s|[-*+•]\s|\d{1,2}[.)]\s)|```|\*\*[^*]+\*\*|__[^_]+__|\[[^\]]+\]\(https?:", re.MULTILINE
)

ASR_ADVERT = _any(
    _en(
        "thanks for watching", "thank you for watching", "please subscribe", "subscribe to (?:my|our|the) channel",
        "like and subscribe", r"(?:subtitles|captions|transcribed|transcription) by", r"amara\.org", "see you (?:in the )?next video",
        "otter ai", r"www\.[a-z0-9-]+\.(?:com|org|net|cn)",
    ),
    r"请(?:不吝)?(?:点赞|订阅)", r"(?:点赞|订阅|转发|打赏)(?:支持)?.{0,6}(?:栏目|频道)", r"字幕(?:由|by|制作|志愿者|组)", r"感谢(?:您的)?(?:观看|收看)",
    r"谢谢(?:大家)?(?:观看|收看)", r"明镜.{0,4}点点", r"本(?:字幕|视频)由", r"語音轉寫|语音转写由",
)  # fmt: skip
"""Sentences that speech recognisers are known to invent over silence and music."""

SPEECH = _any(
    _en(
        r"says?", "said", "saying", "speaks?", "speaking", "spoke", "spoken", r"speech", "utter(?:s|ed|ing)?", "talk(?:s|ed|ing)?",
        "repl(?:y|ies|ied)", "answers", r"tone of voice", "dialogue", "subtitles?", "conversation", "murmur(?:s|ed|ing)?",
        "whisper(?:s|ed|ing)?", "shout(?:s|ed|ing)?", "yell(?:s|ed|ing)?", "voices?", r"(?:his|her|their|the) words", "asks", "asked",
    ),
    "说话", "说道", "说出", "说着", "开口", "诉说", "对白", "台词", "字幕", "话语", "语气", "对话", "交谈", "嗓音", "语音", "低语", "喊道", "喊叫", "大喊", "问道", "回答道",
)  # fmt: skip

SOUND = _any(
    _en(
        "hear(?:s|d)?", "audible", "sounds? of", "music", "noises?", "laughter", "sobbing sound", "footsteps are heard", "applause",
    ),
    "听到", "听见", "声音", "音乐", "笑声", "哭声", "掌声", "噪声", "噪音", "背景音",
)  # fmt: skip

MANNER = _any(
    _en(
        r"(?:tone|pitch|volume|pace|rhythm|intonation|timbre) of (?:the |his |her |their )?(?:voice|speech)", "loud(?:ly|er)?",
        r"(?:high|low|rising|falling)[- ]pitched", r"pitch", "intonation", "tone of voice", r"(?:soft|hoarse|trembling|shaky|raised|deep|quiet) voice",
        r"voice (?:is|keeps|trembles|shakes|rises|drops|sounds|becomes|grows)", r"speech rate", r"volume",
    ),
    "音量", "语调", "语速", "语气", "音高", "音调", "嗓音", "声音(?=很|较|变|颤|低|高|响|轻|柔|洪)", "语音(?=音量|响亮|轻柔)",
)  # fmt: skip
"""How something is said: knowable only to somebody who heard it or was given the measured voice."""

FACE = _any(
    _en(
        "smil(?:e|es|ed|ing)", "frown(?:s|ed|ing)?", "grimac(?:e|es|ed|ing)", "scowl(?:s|ed|ing)?", "eyebrows?", "brows?", "facial",
        r"(?:his|her|their|the|a) faces?(?! the| each| away| toward| of)", r"(?:corners? of the )?mouth", "lips?", "gaze", "cheeks?", "jaw", "forehead",
        r"eyes", "nose", r"tears?(?! up| apart| down)", "AU ?[0-9]{1,2}", "expressionless", "blush(?:es|ing)?",
    ),
    "微笑", "笑容", "皱眉", "眉头", "眉毛", "眉心", "嘴角", "嘴唇", "双唇", "嘴巴", "唇边", "面部", "表情", "神情", "面容", "(?<![丢没翻变])脸(?!盆|谱)", "眼神", "目光", "双眼", "眼睛", "眼泪", "泪", "鼻子", "额头", "下巴",
    "面色", r"AU ?[0-9]{1,2}",
)  # fmt: skip

SMILE = _any(
    _en("smil(?:e|es|ing)", "grin(?:s|ning)?", "beam(?:s|ing) (?:face|smile)"),
    "微笑",
    "笑容",
    "嘴角上扬",
    "咧嘴",
    "露齿而笑",
)
FROWN = _any(_en("frown(?:s|ing)?", "scowl(?:s|ing)?", "brows? (?:is|are) (?:drawn|knitted|furrowed)", "furrow(?:s|ed) (?:his |her |their |the )?brows?"), "皱眉", "眉头紧锁", "紧锁眉头", "眉头皱", "蹙眉")  # fmt: skip

LOUD = _any(
    _en("loud(?:ly)?", "shout(?:s|ing)?", "yell(?:s|ing)?", "raised voice"),
    "响亮",
    "大声",
    "高声",
    "洪亮",
    "大喊",
    "喊叫",
)
QUIET = _any(_en(r"(?:very )?(?:soft|quiet|low) (?:voice|volume|speech)", r"voice is (?:soft|quiet)", "whisper(?:s|ing)?", "softly", "quietly"), "轻声", "小声", "低声", "轻柔", "耳语", "音量很低", "音量较低")  # fmt: skip
FAST = _any(_en("(?:speaks?|talks?|speech) (?:very )?(?:fast|quickly|rapidly)", "(?:quick|fast|rapid) (?:pace|speech|tempo)"), "语速(?:很|较|非常)?快", "语速急")  # fmt: skip
SLOW = _any(
    _en("(?:speaks?|talks?|speech) (?:very )?slowly", "(?:slow) (?:pace|speech|tempo)", "and slow"),
    "语速(?:很|较|非常)?慢",
    "缓慢",
)

_BEYOND_EN = (
    r"earlier in the (?:film|movie|show|series|story|episode)", r"later in the (?:film|movie|show|series|story|episode)",
    r"(?:in|from) the (?:previous|preceding|next|following|last) (?:clip|episode)", r"before (?:this|the) clip (?:begins|starts|began)",
    r"after (?:this|the) clip (?:ends|ended)", r"previously in the (?:film|movie|show|series|story|episode)",
)  # fmt: skip
_BEYOND_ZH = (
    "上一集", "下一集", "前情(?:提要|回顾|介绍)", "接下来的剧情", "之前的剧情", "剧情之前", "此前的情节", "后面的剧情", "(?:前面|后续|后来)的(?:剧情|情节)",
)  # fmt: skip
BEYOND_SHOTS = _any(_en(*_BEYOND_EN), *_BEYOND_ZH)
"""What lies outside a clip of several shots."""
BEYOND = _any(
    _en(*_BEYOND_EN, r"(?:in|from) the (?:previous|preceding|next|following) (?:scene|shot)"),
    *_BEYOND_ZH, "上一幕", "前一场戏", "前一幕", "下一幕",
)  # fmt: skip

INTENSE = _any(
    _en("furious", "furiously", "enraged", "sobbing", "sobs", "screams?", "screaming", "ecstatic", "terrified", "hysterical(?:ly)?", "overjoyed", "weeping", "rage"),
    "暴怒", "狂怒", "痛哭", "嚎啕", "狂喜", "尖叫", "歇斯底里", "崩溃", "怒吼", "欣喜若狂", "惊恐万分",
)  # fmt: skip

APPARENT = _any(
    _en("appear(?:s|ed|ing)?", "seem(?:s|ed|ing)?", "look(?:s|ed)?", "suggest(?:s|ed|ing)?", "sounds?", "indicat(?:e|es|ed|ing)", "show(?:s|ing|n)?", "express(?:es|ed|ing)?", "reflect(?:s|ed|ing)?", "convey(?:s|ed|ing)?", "likely", "probably", "apparent(?:ly)?", "impl(?:y|ies|ied)", "infer(?:red)?", "may", "might"),
    "看起来", "看上去", "似乎", "显得", "像是", "好像", "表现出", "流露", "可能", "或许", "听起来", "推断", "推测", "可以看出", "表明", "说明", "反映", "体现",
)  # fmt: skip

FELT = _any(
    _en(r"(?:is|was|are|were|feels?|felt) (?:very |really |deeply |truly |extremely |quite |so )?"
        r"(?:happy|sad|angry|afraid|scared|anxious|worried|disgusted|disappointed|helpless|surprised|content|furious|upset|nervous)"),
    r"(?:他|她|他们|此人|人物|主人公|说话人)(?:很|非常|十分|感到|内心|心里)(?:很|非常|十分)?(?:高兴|开心|悲伤|难过|愤怒|生气|害怕|恐惧|焦虑|担忧|厌恶|失望|无助|惊讶|满足)",
)  # fmt: skip

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
CN_MOBILE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
CN_ID = re.compile(r"(?<!\d)\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")
US_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
PHONE = re.compile(r"(?<![\d.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .-]\d{3,4}[ .-]\d{3,4}(?![\d.])")
CN_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]·?[A-Z0-9]{5,6}(?![A-Za-z0-9])"
)

NAMED = re.compile(
    r"\b(?:named|called|known as|by the name of) (?:[A-Z][a-z]+(?: [A-Z][a-z]+)+)\b"
    r"|\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? [A-Z][a-z]+\b"
    r"|(?:名叫|叫做|名为|名字是)[\u4e00-\u9fff]{2,3}"
    r"|[赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严金魏陶姜谢邹苏潘葛范彭鲁韦马方任袁柳史唐薛雷贺倪汤罗郝安常傅卞齐康伍余顾孟黄穆萧尹姚邵汪毛戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季贾路江童颜郭梅盛林钟徐邱骆高夏蔡田胡凌霍万柯卢莫房丁邓](?:先生|女士|小姐|太太|经理|老师|总)"
)

MINOR = _any(
    _en("child(?:ren)?", "kids?", "toddlers?", "bab(?:y|ies)", "infants?", "schoolchild(?:ren)?", "little (?:boy|girl)s?", "teenage(?:r|rs)?", "minors?"),
    "孩子", "小孩", "儿童", "婴儿", "幼儿", "未成年", "小男孩", "小女孩", "男孩", "女孩", "小朋友", "中学生", "小学生",
)  # fmt: skip

SENSITIVE = _any(
    _en(
        "naked", "nude", "nudity", "genitals?", "sexual(?:ly)?", "intercourse", "rape[sd]?", "porn(?:ographic)?", "molest(?:s|ed|ing)?",
        "suicid(?:e|al)", "self-harm", r"(?:cuts?|cutting|hang(?:s|ed)?) (?:him|her|them)sel(?:f|ves)", "gore", "dismember(?:ed|ing)?", "behead(?:ed|ing)?",
        "stab(?:s|bed|bing)", "tortur(?:e|es|ed|ing)", "corpses?",
    ),
    "裸体", "赤裸", "性行为", "性侵", "强奸", "猥亵", "色情", "自杀", "自残", "自伤", "割腕", "上吊", "斩首", "肢解", "虐杀", "酷刑", "尸体",
)  # fmt: skip

_ILLNESS_EN = r"(?:depression|anxiety disorder|bipolar(?: disorder)?|autism|schizophrenia|ptsd|adhd|dementia)"
_ILLNESS_ZH = "(?:抑郁症|焦虑症|躁郁症|双相情感障碍|自闭症|精神分裂症?|精神病|精神疾病)"
_GROUP_ZH = "(?:同性恋|异性恋|双性恋|穆斯林|犹太人|基督徒|佛教徒|黑人|白人|亚裔|黄种人|少数民族)"
PROTECTED_OF_SOMEBODY = _any(
    _en(
        rf"(?:suffer(?:s|ing)? from|diagnosed with|has|with) (?:clinical |severe |major )?{_ILLNESS_EN}",
        r"(?:is|are|was|were|appears?|seems?|looks?) (?:to be )?(?:clinically depressed|autistic|bipolar|schizophrenic|mentally ill|homosexual|bisexual|a lesbian|gay|transgender)",
        r"(?:appears|seems|looks|is|is probably|is likely) (?:to be )?(?:a |an )?(?:muslim|jewish|jew|christian|hindu|buddhist|catholic|atheist)",
        r"(?:asian|caucasian|hispanic|latino|latina|african[- ]american|arab|black|white) (?:man|woman|person|male|female|boy|girl|people|men|women)",
        r"of (?:asian|african|european|arab|jewish) (?:descent|origin)",
    ),
    rf"(?:患有|患了|得了|确诊为?|疑似|可能是|像是|是(?:一名|一位|一个|个)?|有){_ILLNESS_ZH}",
    rf"(?:是|像是|看似|似乎是|看起来是|可能是)(?:一名|一位|一个|个)?{_GROUP_ZH}",
    rf"(?:一名|一位|一个|这名|这位|那名|那位|两名|位|名){_GROUP_ZH}", rf"{_GROUP_ZH}(?:男子|女子|男性|女性|女士|男孩|女孩|青年|老人)",
)  # fmt: skip
"""Said of somebody."""

PROTECTED = _any(
    _en(
        "clinically depressed", "autistic", "bipolar", "schizophrenic", "mentally ill", "mental illness", "depressive disorder",
        "homosexual", "heterosexual", "bisexual", "lesbian", "transgender",
    ),
    _ILLNESS_ZH, _GROUP_ZH,
)  # fmt: skip
"""Bare words."""

MOVES_ON_NAMES: frozenset[str] = frozenset(
    [
        "i",
        "english",
        "chinese",
        "mandarin",
        "cantonese",
        "french",
        "german",
        "spanish",
        "japanese",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "christmas",
        "tv",
        "ok",
        "ai",
        "au",
        "mr",
        "mrs",
        "ms",
        "dr",
    ]
)
"""Capitalised words that are no invented names."""

TRADITIONAL = frozenset(
    "們這來說個時會對過學經實點還與為無後見開關樣國沒從現長間問門兒體發頭話愛聽聲視頻臉顯憤驚懼憂傷樂緊張讓應該當裡邊麼嗎讀寫書車東飛馬鳥魚龍貓"
    "親觀覺記許論請謝議護變輕轉連進運達遠選邊錯錢鐵長難雙雞離電靜響頂項順須領題願類風養餘驗鬆點齊齒"
)
"""Frequent characters that exist in traditional script only."""

STOPWORDS = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "is",
        "and",
        "that",
        "with",
        "on",
        "as",
        "at",
        "by",
        "for",
        "it",
        "its",
        "this",
        "from",
        "his",
        "her",
        "their",
        "are",
        "be",
        "was",
        "which",
        "while",
        "or",
        "has",
        "not",
        "who",
        "he",
        "she",
        "they",
        "one",
        "there",
        "but",
        "into",
        "both",
        "no",
        "has",
        "have",
        "two",
        "then",
        "also",
    ]
)
"""Function words of which running English always holds many."""
