"""What is written against the record's own evidence: repeated words, the language spoken, things no evidence holds
(G16 to G20).

A rule sees a record and no pixels.  It can tell that a description leaves its own evidence, contradicts what was
measured, or names what nothing in the record holds.  It cannot tell whether what a model says to have seen was there
(docs/rules.md, "What no rule can tell").
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun
from ver_pipeline.schemas.rules.text import (
    claims,
    descriptions,
    english_words,
    is_han,
    normalise,
    prose,
    unquoted,
)

SENSES = ("face", "body", "scene", "acoustic")
_HE = re.compile(
    r"\b(?:he|him|his|himself|man|men|boy|boys|male|gentleman|father|husband|son|brother)\b|他(?!人|们)|男", re.I
)
_SHE = re.compile(
    r"\b(?:she|her|hers|herself|woman|women|girl|girls|female|lady|mother|wife|daughter|sister)\b|她(?!们)|女", re.I
)


def g16_senses_do_not_repeat_the_words(record: Record, context: Context) -> list[Found] | NotRun:
    """Evidence of eye and ear is no transcript: it holds no long run of the words that are said."""
    speech, limits = record.speech, context.limits
    if not speech.text:
        return NotRun("no transcript")
    spoken = [text for text in (speech.text, speech.text_en, speech.text_zh) if text]
    defects = []
    for i, seen in enumerate(record.observations):
        if seen.modality not in SENSES or seen.source == "detector":
            continue
        for name, text in (("text_en", seen.text_en), ("text_zh", seen.text_zh)):
            if any(_repeats(text, said, limits["min_words_en"], limits["min_chars_zh"]) for said in spoken):
                defects.append(Found(f"{seen.modality} evidence repeats the transcript", f"/observations/{i}/{name}"))
    return defects


def g17_language_spoken_fits(record: Record, context: Context) -> list[Found] | NotRun:
    """Who says which language is spoken says the one of the words."""
    speech = record.speech
    if not speech.text or speech.language in ("und", "mixed"):
        return NotRun("no transcript in one language")
    script = "zh" if any(map(is_han, speech.text)) else "en" if re.search(r"[A-Za-z]{3}", speech.text) else ""
    defects = []
    for _, pointer, text in prose(record):
        for claimed in _languages(text):
            if claimed == speech.language:
                continue
            by_script = script and claimed in ("zh", "en") and claimed != script and speech.language == script
            defects.append(Found("names another language than the one spoken", pointer, None if by_script else "flag"))
            break
    return defects


def g18_things_are_supported(record: Record, context: Context) -> list[Found] | NotRun:
    """Tears, gestures, places and events that a description names stand in the evidence or in what is said.

    Asked of the English text: the Chinese one is written from the same evidence, and short Chinese words have too many
    meanings.
    """
    if not record.observations:
        return NotRun("no evidence is written down")
    ground = _ground(record)
    defects = []
    for kind, things in lexicon.THINGS.items():
        named = [name for name, words in things.items() if claims(record.description.en, words)]
        missing = [name for name in named if not things[name].search(ground)]
        if missing:
            defects.append(Found(f"names {kind} that no evidence holds: {missing[0]}", "/description/en"))
    return defects


def g19_description_is_of_this_evidence(record: Record, context: Context) -> list[Found] | NotRun:
    """Both descriptions share words with the evidence that they rest on; the text of another clip does not."""
    shown = [seen for seen in record.observations if seen.modality != "context"]
    if len(shown) < 2:
        return NotRun("too little evidence to compare with")
    spoken = " ".join(filter(None, (record.speech.text, record.speech.text_en, record.speech.text_zh)))
    shares = []
    for language, _, text in descriptions(record):
        known = _terms(
            " ".join(seen.text_zh if language == "zh" else seen.text_en for seen in shown) + " " + spoken, language
        )
        terms = _terms(text, language)
        if len(terms) < context.limits["min_terms"] or not known:
            return NotRun("too few words to compare")
        shares.append(len(terms & known) / len(terms))
    if all(share < context.limits["min_share"] for share in shares):
        return [Found(f"shares only {max(shares):.0%} of its words with its own evidence", "/description")]
    return []


def g20_gender_fits_the_evidence(record: Record, context: Context) -> list[Found] | NotRun:
    """A description does not tell of a man where all of its evidence tells of a woman, and the other way round."""
    ground = " ".join(f"{unquoted(seen.text_en)} {unquoted(seen.text_zh)}" for seen in record.observations)
    known = (bool(_HE.search(ground)), bool(_SHE.search(ground)))
    if known not in ((True, False), (False, True)):
        return NotRun("the evidence tells of no gender, or of both")
    defects = []
    for _, pointer, text in descriptions(record):
        plain = unquoted(text)
        if (bool(_HE.search(plain)), bool(_SHE.search(plain))) == (known[1], known[0]):
            defects.append(Found("tells of another gender than its evidence", pointer))
    return defects


def _repeats(text: str, said: str, n_words: float, n_chars: float) -> bool:
    """A run of the transcript stands in the text: so many words, or so many Chinese characters."""
    if any(map(is_han, said)):
        run, spoken, n = normalise(text), normalise(said), int(n_chars)
        return any(spoken[i : i + n] in run for i in range(len(spoken) - n + 1)) and len(spoken) >= n
    words, own, n = english_words(said), f" {' '.join(english_words(text))} ", int(n_words)
    return len(words) >= n and any(f" {' '.join(words[i : i + n])} " in own for i in range(len(words) - n + 1))


def _languages(text: str) -> Iterable[str]:
    plain = unquoted(text)
    for code, pattern in lexicon.LANGUAGES_SPOKEN.items():
        if claims(plain, pattern):
            yield code


def _ground(record: Record) -> str:
    """All that the record holds besides its descriptions."""
    speech, source = record.speech, record.source
    written = [text for seen in record.observations for text in (seen.text_en, seen.text_zh, seen.quote)]
    return "\n".join(filter(None, (*written, speech.text, speech.text_en, speech.text_zh, source.title)))


def _terms(text: str, language: str) -> set[str]:
    """What a text is about: stems of its English words without function words, or its pairs of Chinese characters."""
    if language == "zh":
        runs = re.findall(r"[\u3400-\u9fff]{2,}", text)
        return {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
    return {word[:5] for word in english_words(text) if len(word) > 3 and word not in lexicon.STOPWORDS}
