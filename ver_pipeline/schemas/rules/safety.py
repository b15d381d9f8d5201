"""S rules: privacy, rights, and what must not be said about people."""

from __future__ import annotations

from collections.abc import Iterator

from ver_pipeline.schemas.denial import reported_spans
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.text import claims, descriptions, prose, sentences, unquoted, words

_STRONG = (
    ("an e-mail address", lexicon.EMAIL),
    ("an identity number", lexicon.CN_ID),
    ("a mobile number", lexicon.CN_MOBILE),
    ("a social security number", lexicon.US_SSN),
    ("a number plate", lexicon.CN_PLATE),
)


def s01_no_personal_data(record: Record, context: Context) -> list[Found]:
    """No e-mail address, telephone, identity or plate number in any text."""
    defects = []
    for pointer, text in _texts(record):
        hits = [name for name, pattern in _STRONG if pattern.search(text)]
        if hits:
            defects.append(Found(f"holds {hits[0]}", pointer))
        elif lexicon.PHONE.search(text):
            defects.append(Found("holds what may be a telephone number", pointer, "flag"))
    return defects


def s02_no_private_names(record: Record, context: Context) -> list[Found]:
    """Descriptions name nobody; the spoken words stay as they are."""
    return [Found("names a person", pointer)
            for _, pointer, text in prose(record) if words(unquoted(text), lexicon.NAMED)]  # fmt: skip


def s03_no_minor_with_sensitive(record: Record, context: Context) -> list[Found]:
    """A clip that may show a minor holds nothing sexual, violent or about self-harm.

    Rejects where somebody marked the clip; words alone, which may be meant otherwise, ask for a review.
    """
    safety = record.safety
    texts = [text for _, text in _texts(record)]
    minor = bool(safety.minor_possible) or any(claims(text, lexicon.MINOR) for text in texts)
    sensitive = bool(safety.sensitive) or any(words(text, lexicon.SENSITIVE) for text in texts)
    if not (minor and sensitive):
        return []
    marked = bool(safety.minor_possible or safety.sensitive)
    return [Found("may show a minor together with sensitive content", "/safety", None if marked else "flag")]


def s04_no_sensitive_content(record: Record, context: Context) -> list[Found]:
    """Sexual content, violence and self-harm ask for a review."""
    if record.safety.sensitive:
        return [Found("marked as sensitive", "/safety/sensitive")]
    return [Found("sensitive content", pointer)
            for pointer, text in _texts(record) if words(text, lexicon.SENSITIVE)]  # fmt: skip


def s05_media_has_licence(record: Record, context: Context) -> list[Found]:
    """Embedded media has a licence and a basis in law."""
    rights = record.source.rights
    if record.media.policy != "embed":
        return []
    if rights.license == "LicenseRef-unknown" or rights.rights_basis == "unknown":
        return [Found("pixels are embedded and the licence or its basis is unknown", "/source/rights")]
    return []


def s06_no_protected_attributes(record: Record, context: Context) -> list[Found]:
    """No guess at religion, ethnicity, orientation or health, and no diagnosis.

    Rejects where the text itself says it of somebody; a bare word, such as the name of an illness, and what somebody is
    reported to say ask for a review.
    """
    defects = []
    for language, pointer, text in prose(record):
        plain = unquoted(text)
        said = reported_spans(plain, "zh" if language == "zh" else "en")
        claimed = words(plain, lexicon.PROTECTED_OF_SOMEBODY)
        if any(not any(start <= hit.start() < end for start, end in said) for hit in claimed):
            defects.append(Found("speaks of a protected attribute or a diagnosis", pointer))
        elif claimed or words(plain, lexicon.PROTECTED):
            defects.append(Found("holds a word for a protected attribute or an illness", pointer, "flag"))
    return defects


def s07_apparent_emotion(record: Record, context: Context) -> list[Found]:
    """Emotions are told as they appear, not as facts about what somebody feels."""
    defects = []
    for _, pointer, text in descriptions(record):
        for sentence in sentences(unquoted(text)):
            if words(sentence, lexicon.FELT) and not words(sentence, lexicon.APPARENT):
                defects.append(Found("states a felt emotion as a fact", pointer))
                break
    return defects


def s08_not_taken_down(record: Record, context: Context) -> list[Found] | NotRun:
    """Neither source, media nor clip is on the takedown list."""
    if context.takedown is None:
        return NotRun("no takedown list")
    identities = {record.source.id, record.media.sha256, record.key}
    return [Found("on the takedown list", "/key")] if identities & context.takedown else []


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    for _, pointer, text in prose(record):
        yield pointer, text
    speech = record.speech
    for name, spoken in (("text", speech.text), ("text_en", speech.text_en), ("text_zh", speech.text_zh)):
        if spoken:
            yield f"/speech/{name}", spoken
    for i, discarded in enumerate(speech.discarded):
        yield f"/speech/discarded/{i}/text", discarded.text


SAFETY: tuple[Rule, ...] = (
    Rule("S01", "reject", "no personal data in any text", "文本不含个人信息", s01_no_personal_data, text_only=True),
    Rule("S02", "flag", "descriptions name nobody", "描述不点名个人", s02_no_private_names, text_only=True, version=2),
    Rule(
        "S03",
        "reject",
        "no minor together with sensitive content",
        "未成年人不与敏感内容同现",
        s03_no_minor_with_sensitive,
        text_only=True,
        version=2,
    ),
    Rule(
        "S04",
        "flag",
        "no sensitive content without review",
        "敏感内容须经复核",
        s04_no_sensitive_content,
        text_only=True,
        version=2,
    ),
    Rule("S05", "info", "embedded media has a licence", "内嵌媒体具有许可", s05_media_has_licence),
    Rule(
        "S06",
        "reject",
        "no protected attribute, no diagnosis",
        "不推测受保护属性，不作诊断",
        s06_no_protected_attributes,
        text_only=True,
        version=2,
    ),
    Rule(
        "S07",
        "info",
        "emotions are told as they appear",
        "情绪以表现而非事实陈述",
        s07_apparent_emotion,
        text_only=True,
        version=2,
    ),
    Rule("S08", "reject", "nothing on the takedown list", "不含下架名单中的内容", s08_not_taken_down, Reason.TAKEDOWN),
)
