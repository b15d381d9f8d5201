"""L rules: the texts are clean, whole, and in the language they claim."""

from __future__ import annotations

import re

from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.repetition import l06_not_doubled, l11_no_repetition
from ver_pipeline.schemas.rules.text import (
    descriptions,
    english_words,
    han_share,
    is_han,
    prose,
    quotes,
    sentences,
    unquoted,
    words,
)

_GLOSS = re.compile(
    r"^[\s,]*(?:[(（][^)）]*[A-Za-z]{2}|(?:which )?mean|translat|i\.e\.|that is|in English)", re.IGNORECASE
)
_FINAL = re.compile(r"[.!?。！？…;；][\"'”’」』)）]*\s*$")
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?](?=\s*[\u4e00-\u9fff]|\s*$)|[\u4e00-\u9fff]\.(?=\s|$|[\u4e00-\u9fff])")
_FULL_WIDTH_LATIN = re.compile(r"[Ａ-Ｚａ-ｚ０-９]")
_TAIL_CHARS = 240
_LATIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_WRITTEN_LATIN = frozenset(["app", "ok", "okay", "wifi", "email", "vs", "iphone", "ipad", "vlog"])
_KANA_HANGUL = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u1100-\u11ff\uac00-\ud7af]")


def l01_chinese_is_chinese(record: Record, context: Context) -> list[Found]:
    """Chinese fields: Chinese characters are nearly all letters outside quotation marks.

    Names in Latin letters that the transcript holds, and abbreviations that Chinese writes so, count as given.
    """
    given_words = _given_words(record)
    defects = []
    for language, pointer, text in prose(record):
        plain = _LATIN.sub(lambda m: "" if _is_given(m.group(), given_words) else m.group(), unquoted(text))
        share = han_share(plain) if language == "zh" else None
        if share is not None and share < context.limits["min_han_share"]:
            defects.append(Found(f"only {share:.0%} of the letters are Chinese", pointer))
        elif language == "zh" and share is None and pointer == "/description/zh":
            defects.append(Found("no Chinese text outside quotation marks", pointer))
    return defects


def _given_words(record: Record) -> frozenset[str]:
    """Latin words of the transcript and its translation that are no ordinary English words: names and the like."""
    spoken = " ".join(filter(None, (record.speech.text, record.speech.text_en, record.speech.text_zh)))
    chinese = any(map(is_han, record.speech.text))
    names = (
        word for word in _LATIN.findall(spoken)
        if (word[:1].isupper() or chinese) and word.lower() not in lexicon.STOPWORDS
    )  # fmt: skip
    return frozenset(name.lower() for name in names)


def _is_given(word: str, given: frozenset[str]) -> bool:
    return word.lower() in given or (word.isupper() and len(word) <= 4) or word.lower() in _WRITTEN_LATIN


def l02_english_is_english(record: Record, context: Context) -> list[Found]:
    """English fields: no Chinese outside quotes; inside at most a few characters, or a gloss after it."""
    defects = []
    for language, pointer, text in prose(record):
        if language != "en":
            continue
        if any(map(is_han, unquoted(text))):
            defects.append(Found("Chinese characters outside quotation marks", pointer))
        for quote in quotes(text):
            han = sum(map(is_han, quote.text))
            glossed = _GLOSS.match(text[quote.end :]) or re.search(r"[(（][^)）]*[A-Za-z]{2}", quote.text)
            if han > context.limits["max_han_in_quote"] and not glossed:
                defects.append(Found("a Chinese quotation without a translation", pointer))
        english = english_words(unquoted(text))
        if (
            len(english) >= 20
            and sum(w in lexicon.STOPWORDS for w in english) / len(english) < context.limits["min_stopwords"]
        ):
            defects.append(Found("does not read as English", pointer))
    return defects


def l03_punctuation_fits(record: Record, context: Context) -> list[Found]:
    """Chinese text uses Chinese punctuation and half-width letters and digits."""
    defects = []
    for language, pointer, text in prose(record):
        if language == "zh" and (_HALF_WIDTH.search(unquoted(text)) or _FULL_WIDTH_LATIN.search(text)):
            defects.append(Found("mixes half-width and full-width characters", pointer))
    return defects


def l04_simplified_script(record: Record, context: Context) -> list[Found]:
    """Chinese text is in simplified script; kana or hangul keep the record out."""
    defects = []
    for language, pointer, text in prose(record):
        if _KANA_HANGUL.search(text):
            defects.append(Found("holds kana or hangul", pointer, "reject"))
        elif language == "zh" and sum(c in lexicon.TRADITIONAL for c in text) > context.limits["max_traditional"]:
            defects.append(Found("holds traditional characters", pointer))
    return defects


def l05_no_prompt_residue(record: Record, context: Context) -> list[Found]:
    """No leaked tags, labels, template braces, thinking or JSON keys; no talk around the text, before or after it."""
    defects = []
    for _, pointer, text in prose(record):
        plain = unquoted(text)
        if lexicon.RESIDUE.search(text):
            defects.append(Found("holds a piece of the prompt or of the answer's wrapping", pointer))
        elif (not plain[:1].isspace() and lexicon.OPENER.search(plain)) or lexicon.CLOSER.search(
            plain.rstrip()[-_TAIL_CHARS:]
        ):
            defects.append(Found("speaks to whoever asked instead of describing", pointer))
    return defects


def l07_lengths_match(record: Record, context: Context) -> list[Found] | NotRun:
    """English characters per Chinese character lie in the band of faithful pairs.

    What is quoted stands as it was said, perhaps in the other language: it is left out on both sides.
    """
    english, chinese = (
        len(text) - sum(quote.end - quote.start for quote in quotes(text))
        for text in (record.description.en, record.description.zh)
    )
    ratio = english / max(1, chinese)
    if context.limits["min_ratio"] <= ratio <= context.limits["max_ratio"]:
        return []
    return [Found(f"English is {ratio:.1f} times as long as Chinese", "/description")]


def l08_length_in_range(record: Record, context: Context) -> list[Found]:
    """Descriptions are neither a stub nor an essay."""
    limits, found = context.limits, []
    n_words = len(english_words(record.description.en))
    n_han = sum(map(is_han, record.description.zh))
    if not limits["min_words_en"] <= n_words <= limits["max_words_en"]:
        found.append(Found(f"{n_words} English words", "/description/en"))
    if not limits["min_chars_zh"] <= n_han <= limits["max_chars_zh"]:
        found.append(Found(f"{n_han} Chinese characters", "/description/zh"))
    return found


def l09_no_refusal(record: Record, context: Context) -> list[Found]:
    """No refusal and no talk of being a model, outside quotation marks."""
    return [Found("reads as a refusal or as a model speaking of itself", pointer)
            for _, pointer, text in prose(record) if words(unquoted(text), lexicon.REFUSAL)]  # fmt: skip


def l10_answers(record: Record, context: Context) -> list[Found]:
    """A labelled record does not conclude that nothing can be told, and hedges sparingly.

    Only the last sentence counts as the conclusion: to say of a detail that it cannot be told is good work.
    """
    defects = []
    for _, pointer, text in descriptions(record):
        plain = unquoted(text)
        described = sentences(plain)
        if record.emotion.primary != "undetermined" and described and words(described[-1], lexicon.NON_ANSWER):
            defects.append(Found("says that nothing can be told, while a label is given", pointer))
        hedges = len(words(plain, lexicon.HEDGE)) / max(1, len(described))
        if hedges > context.limits["max_hedges_per_sentence"]:
            defects.append(Found(f"{hedges:.1f} hedges a sentence", pointer))
    return defects


def l12_not_cut_off(record: Record, context: Context) -> list[Found]:
    """Descriptions end with a final mark."""
    return [Found("ends without a final mark", pointer)
            for _, pointer, text in descriptions(record) if not _FINAL.search(text)]  # fmt: skip


def l13_no_markup(record: Record, context: Context) -> list[Found]:
    """Descriptions are prose: no Markdown, bullets or headings."""
    return [Found("holds Markdown", pointer)
            for _, pointer, text in descriptions(record) if lexicon.MARKDOWN.search(text)]  # fmt: skip


def l16_transcript_is_speech(record: Record, context: Context) -> list[Found] | NotRun:
    """The transcript holds none of the sentences that recognisers invent over silence."""
    if not record.speech.text:
        return NotRun("no transcript")
    if words(record.speech.text, lexicon.ASR_ADVERT):
        return [Found("the transcript holds a sentence that recognisers are known to invent", "/speech/text")]
    return []


_WRONG = Reason.WRONG_LANGUAGE

LANGUAGE: tuple[Rule, ...] = (
    Rule(
        "L01",
        "reject",
        "Chinese text is Chinese",
        "中文文本确为中文",
        l01_chinese_is_chinese,
        _WRONG,
        {"min_han_share": 0.90},
        True,
        version=2,
    ),
    Rule(
        "L02",
        "reject",
        "English text is English, foreign quotations are glossed",
        "英文文本确为英文，外文引语附有译文",
        l02_english_is_english,
        _WRONG,
        {"max_han_in_quote": 4, "min_stopwords": 0.12},
        True,
    ),
    Rule(
        "L03", "flag", "Chinese text uses Chinese punctuation", "中文使用中文标点", l03_punctuation_fits, text_only=True
    ),
    Rule(
        "L04",
        "flag",
        "Chinese is in simplified script, without kana or hangul",
        "中文为简体，不含假名或谚文",
        l04_simplified_script,
        _WRONG,
        {"max_traditional": 1},
        True,
    ),
    Rule(
        "L05", "reject", "no residue of the prompt", "不含提示词残留", l05_no_prompt_residue, text_only=True, version=2
    ),
    Rule(
        "L06",
        "reject",
        "no doubled description",
        "描述没有整体重复",
        l06_not_doubled,
        limits={"min_chars_en": 20, "min_chars_zh": 8, "min_similarity": 0.85},
        text_only=True,
        version=2,
    ),
    Rule(
        "L07",
        "reject",
        "English and Chinese lengths match",
        "中英文长度相称",
        l07_lengths_match,
        limits={"min_ratio": 2.5, "max_ratio": 5.5},
        text_only=True,
        version=2,
    ),
    Rule(
        "L08",
        "flag",
        "descriptions are of a useful length",
        "描述长度适中",
        l08_length_in_range,
        limits={"min_words_en": 20, "max_words_en": 350, "min_chars_zh": 28, "max_chars_zh": 650},
        text_only=True,
    ),
    Rule(
        "L09",
        "reject",
        "no refusal, no self-reference",
        "不含拒答与自我指涉",
        l09_no_refusal,
        Reason.REFUSAL,
        text_only=True,
        version=2,
    ),
    Rule(
        "L10",
        "flag",
        "no non-answer beside a label",
        "给出标签时不说无法判断",
        l10_answers,
        limits={"max_hedges_per_sentence": 1.5},
        text_only=True,
        version=2,
    ),
    Rule(
        "L11",
        "flag",
        "no repetition",
        "没有重复啰嗦",
        l11_no_repetition,
        limits={"min_distinct_2": 0.5, "max_repeat_share": 0.25, "max_4gram": 7},
        text_only=True,
    ),
    Rule(
        "L12",
        "flag",
        "descriptions are not cut off",
        "描述没有被截断",
        l12_not_cut_off,
        Reason.TRUNCATED_ANSWER,
        text_only=True,
    ),
    Rule("L13", "flag", "descriptions are prose", "描述为连贯散文", l13_no_markup, text_only=True),
    Rule(
        "L16",
        "flag",
        "the transcript is speech",
        "转写内容确为人声",
        l16_transcript_is_speech,
        text_only=True,
        version=2,
    ),
)
