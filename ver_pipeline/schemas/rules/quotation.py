"""Quotations in what was written, against what was said (G01, G15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules.base import Context, Found, NotRun
from ver_pipeline.schemas.rules.text import english_words, is_han, normalise, prose, quotes, similarity


def g01_quotes_are_said(record: Record, context: Context) -> list[Found] | NotRun:
    """Every quotation stands in the transcript or its translation; a near match is only flagged."""
    speech, limits = record.speech, context.limits
    if speech.recogniser.engine == "none" and not speech.text:
        return NotRun("nothing listened to the clip")
    defects: list[Found] = []
    unjudged = False
    for pointer, quote in _quotations(record, limits):
        spoken, english = _spoken(record, quote)
        if spoken is None:
            unjudged = True
            continue
        score = similarity(quote, spoken)
        if score < limits["min_similarity"]:
            defects.append(Found(f"a quotation is not in the {'English' if english else ''} transcript", pointer))
        elif score < 1.0:
            defects.append(Found("a quotation differs from the transcript", pointer, "flag"))
    for i, seen in enumerate(record.observations):
        if seen.modality == "lexical" and seen.quote is None:
            defects.append(Found("lexical evidence without a quotation", f"/observations/{i}/quote"))
        elif seen.quote is not None and normalise(seen.quote) not in normalise(speech.text):
            defects.append(Found("the quotation is not a span of the transcript", f"/observations/{i}/quote"))
    if unjudged and not defects:
        return NotRun("a translated quotation, and no translation of the transcript")
    return defects


def g15_no_read_subtitles(record: Record, context: Context) -> list[Found] | NotRun:
    """An annotator that was given neither audio nor subtitle does not quote the speech (burned-in text)."""
    told, speech = record.provenance, record.speech
    if told.subtitle_given or told.audio_given or record.tier == "human":
        return []
    if not speech.text:
        return NotRun("no transcript to compare with")
    spoken = normalise(" ".join(filter(None, (speech.text, speech.text_en, speech.text_zh))))
    return [Found("quotes speech that only burned-in text could have given", pointer)
            for pointer, quote in _quotations(record, context.limits) if normalise(quote) in spoken]  # fmt: skip


def _quotations(record: Record, limits: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Quotations long enough to be speech; shorter ones may be scare quotes around a word."""
    for _, pointer, text in prose(record):
        for quote in quotes(text):
            n_han = sum(map(is_han, quote.text))
            n_words = len(english_words(quote.text))
            if n_han >= limits["min_chars_zh"] or (not n_han and n_words >= limits["min_words_en"]):
                yield pointer, quote.text


def _spoken(record: Record, quote: str) -> tuple[str | None, bool]:
    """The transcript text in the quotation's language (None: there is none), and whether that is English."""
    speech = record.speech
    chinese = any(map(is_han, quote))
    translated = speech.text_zh if chinese else speech.text_en
    verbatim_is_chinese = speech.language == "zh" or (
        speech.language in ("mixed", "und") and any(map(is_han, speech.text))
    )
    if not speech.text:
        return "", not chinese
    parts = [translated or ""]
    if chinese == verbatim_is_chinese or speech.language == "mixed":
        parts.append(speech.text)
    joined = " ".join(part for part in parts if part)
    return (joined or None), not chinese
