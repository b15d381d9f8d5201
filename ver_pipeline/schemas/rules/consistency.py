"""C rules: the label, the numbers, the two languages and the independent votes agree."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ver_pipeline.schemas.labels import CLASSED, closed_labels, extract, find_words, labels, open_word
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.record_types import LabelId
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.text import claims, descriptions, is_han, sentences, unquoted

_HARD_SIGN: dict[LabelId, int] = {"happiness": 1, "anger": -1, "sadness": -1}
"""Labels whose wrong valence sign human raters of MER2023 gave in under 1 % of clips."""

_MALE_EN = re.compile(r"\b(?:he|him|his|himself|man|men|boy|boys|male|gentleman)\b", re.IGNORECASE)
_FEMALE_EN = re.compile(r"\b(?:she|her|hers|herself|woman|women|girl|girls|female|lady)\b", re.IGNORECASE)
_MALE_ZH = re.compile(r"他(?!人|们)|男")
_FEMALE_ZH = re.compile(r"她(?!们)|女")
_NUMBER = re.compile(r"(?<![A-Za-z\d])\d+(?:\.\d+)?(?![A-Za-z\d])")


def c01_closed_labels_follow(record: Record, context: Context) -> list[Found]:
    """Closed labels are the mapping of the primary label; approximate ones are marked as lossy."""
    emotion = record.emotion
    wanted = closed_labels(emotion.primary, emotion.valence)
    defects = []
    for name in CLASSED:
        stated = getattr(emotion.closed, name)
        if stated is not None and stated != wanted[name]:
            defects.append(Found(f"{stated!r} does not follow from {emotion.primary!r}", f"/emotion/closed/{name}"))
        elif stated is not None and name in wanted["lossy"] and name not in emotion.closed.lossy:
            defects.append(Found("an approximate class is not marked as lossy", f"/emotion/closed/{name}"))
    if emotion.closed.mafw11 is None and wanted["mafw11"] is not None:
        defects.append(Found("the closed labels are missing", "/emotion/closed"))
    return defects


def c02_languages_claim_the_same(record: Record, context: Context) -> list[Found] | NotRun:
    """The two descriptions claim the same emotions.

    Opposite claims (no label shared, one text positive, the other negative) reject; a mere difference
    is flagged, because a lexicon misses words that people use.
    """
    english: set[LabelId] = {x for x in extract(record.description.en, "en") if x != "undetermined"}
    chinese: set[LabelId] = {x for x in extract(record.description.zh, "zh") if x != "undetermined"}
    if not english or not chinese:
        return NotRun("no emotion word was found in one of the languages")
    shared = len(english & chinese) / len(english | chinese)
    if shared >= context.limits["min_jaccard"]:
        return []
    signs = {_sign_of(english), _sign_of(chinese)}
    if not english & chinese and signs == {1, -1}:
        return [Found("English and Chinese claim opposite emotions", "/description")]
    if not english & chinese:
        return [Found("English and Chinese claim different emotions", "/description", "flag")]
    return [Found("English and Chinese share few of the emotions they claim", "/description", "info")]


def c03_open_labels_pair(record: Record, context: Context) -> list[Found] | NotRun:
    """The English and the Chinese word of an open label have one meaning; unknown words are counted."""
    if not record.emotion.labels_open:
        return NotRun("no open labels")
    defects = []
    for i, label in enumerate(record.emotion.labels_open):
        pointer = f"/emotion/labels_open/{i}"
        english, chinese = open_word(label.en), open_word(label.zh)
        if english is None or chinese is None:
            defects.append(Found("a word that no table holds", pointer, "info"))
        elif english.canon != chinese.canon:
            defects.append(Found("the two words mean different emotions", pointer))
        elif label.canon != english.canon:
            defects.append(Found("the canonical label is not that of the word", pointer))
    return defects


def c04_valence_fits(record: Record, context: Context) -> list[Found] | NotRun:
    """Valence has the sign of the label, and the sentiment class the sign of the valence."""
    emotion, limits = record.emotion, context.limits
    if emotion.primary == "undetermined":
        return NotRun("no label")
    if emotion.valence is None:
        return [Found("a label without valence", "/emotion/valence")]
    defects = []
    low, high = labels()[emotion.primary].valence_range
    sign = _HARD_SIGN.get(emotion.primary, 0)
    if sign * emotion.valence < 0:
        defects.append(Found(f"{emotion.primary} with valence {emotion.valence:g}", "/emotion/valence"))
    elif not low - limits["slack"] <= emotion.valence <= high + limits["slack"]:
        defects.append(Found(f"{emotion.primary} with valence {emotion.valence:g}", "/emotion/valence", "flag"))
    wanted = {"positive": 1, "negative": -1}.get(emotion.closed.sentiment3 or "", 0)
    if wanted * emotion.valence < 0 and sign * emotion.valence >= 0:  # else it follows from the valence
        defects.append(Found("sentiment and valence have opposite signs", "/emotion/closed/sentiment3"))
    elif emotion.closed.sentiment3 == "neutral" and abs(emotion.valence) > limits["max_neutral"]:
        defects.append(Found("neutral sentiment with a strong valence", "/emotion/closed/sentiment3"))
    return defects


def c05_intensity_fits(record: Record, context: Context) -> list[Found]:
    """Intensity is 0 for neutral only, absent for undetermined only; high-arousal labels have arousal."""
    emotion, found = record.emotion, []
    if (emotion.intensity is None) != (emotion.primary == "undetermined"):
        found.append(Found("intensity is given if and only if there is a label", "/emotion/intensity"))
    elif emotion.intensity is not None and (emotion.intensity == 0) != (emotion.primary == "neutral"):
        found.append(Found(f"{emotion.primary} with intensity {emotion.intensity}", "/emotion/intensity"))
    if (
        emotion.primary in ("anger", "fear", "surprise")
        and emotion.arousal is not None
        and emotion.arousal < context.limits["min_arousal"]
    ):
        found.append(Found(f"{emotion.primary} with arousal {emotion.arousal:g}", "/emotion/arousal"))
    return found


def c06_neutral_is_mild(record: Record, context: Context) -> list[Found]:
    """A neutral record is not told in intense words."""
    if record.emotion.primary != "neutral":
        return []
    return [Found(f"neutral, told with {hits[0]!r}", pointer)
            for _, pointer, text in descriptions(record) if (hits := claims(text, lexicon.INTENSE))]  # fmt: skip


def c07_conclusion_names_label(record: Record, context: Context) -> list[Found] | NotRun:
    """The last emotion words of a description include the record's label."""
    emotion, found = record.emotion, []
    if emotion.primary == "undetermined":
        return NotRun("no label")
    wanted = {emotion.primary} | {label.canon for label in emotion.labels_open if label.canon}
    judged = 0
    for language, pointer, text in descriptions(record):
        conclusion = _conclusion(text, language)
        judged += bool(conclusion)
        if conclusion and not conclusion & wanted:
            found.append(Found("concludes with another emotion than the label", pointer))
    return found if judged else NotRun("no emotion word was found in the conclusions")


def c08_details_agree(record: Record, context: Context) -> list[Found]:
    """Gender and figures agree in both languages; one of them may leave a figure out, not change it."""
    english, chinese = unquoted(record.description.en), unquoted(record.description.zh)
    defects = []
    en = (bool(_MALE_EN.search(english)), bool(_FEMALE_EN.search(english)))
    zh = (bool(_MALE_ZH.search(chinese)), bool(_FEMALE_ZH.search(chinese)))
    if {en, zh} == {(True, False), (False, True)}:
        defects.append(Found("English and Chinese disagree on gender", "/description"))
    figures_en, figures_zh = set(_NUMBER.findall(english)), set(_NUMBER.findall(chinese))
    if figures_en - figures_zh and figures_zh - figures_en:
        defects.append(Found("English and Chinese give different figures", "/description"))
    return defects


def c09_votes_agree(record: Record, context: Context) -> list[Found] | NotRun:
    """Independent label sources agree, and the tier is what their agreement allows."""
    agreement, limits = record.agreement, context.limits
    if agreement is None or agreement.n_votes < 2 or agreement.label_agreement is None:
        return NotRun("fewer than two independent label sources")
    defects = []
    if agreement.n_votes != len(agreement.votes):
        defects.append(Found("the number of votes is not that of the votes listed", "/agreement/n_votes"))
    share = agreement.label_agreement
    best = "A" if share >= limits["tier_a"] - 0.01 else ("B" if share >= limits["tier_b"] - 0.01 else "C")
    if agreement.tier is not None and agreement.tier < best:
        defects.append(Found(f"tier {agreement.tier} with an agreement of {share:.2f}", "/agreement/tier"))
    if share < limits["tier_b"] - 0.01:
        defects.append(Found(f"label sources agree only at {share:.2f}", "/agreement/label_agreement"))
    return defects


def c10_sentiments_agree(record: Record, context: Context) -> list[Found] | NotRun:
    """The sentiment of independent sources is that of the record."""
    agreement = record.agreement
    if agreement is None or agreement.sentiment_agreement is None:
        return NotRun("no independent sentiment")
    if agreement.sentiment_agreement < context.limits["min_agreement"]:
        return [
            Found(f"sentiments agree only at {agreement.sentiment_agreement:.2f}", "/agreement/sentiment_agreement")
        ]
    return []


def c11_self_consistent(record: Record, context: Context) -> list[Found] | NotRun:
    """The annotator, asked again, gives the same label."""
    agreement = record.agreement
    if agreement is None or agreement.self_consistency is None:
        return NotRun("the annotator was asked once")
    if agreement.self_consistency < context.limits["min_consistency"]:
        return [Found(f"self-consistency {agreement.self_consistency:.2f}", "/agreement/self_consistency")]
    return []


def c12_no_label_in_names(record: Record, context: Context) -> list[Found]:
    """The source's name and title hold no emotion word that an annotator could have seen."""
    source = record.source
    name = re.sub(r"[_\-.\d]+", " ", PurePosixPath(source.uri).stem)
    defects = []
    for pointer, text in (("/source/uri", name), ("/source/title", source.title or "")):
        language = "zh" if any(map(is_han, text)) else "en"
        if any(hit.canon for hit in find_words(text, language)):  # type: ignore[arg-type]
            defects.append(Found("the source's name holds an emotion word", pointer))
    return defects


def _sign_of(claimed: set[LabelId]) -> int:
    """+1 or -1 when every claimed label has that sentiment, 0 otherwise."""
    sentiments = {labels()[label].sentiment for label in claimed}
    return {frozenset({"positive"}): 1, frozenset({"negative"}): -1}.get(frozenset(sentiments), 0)  # type: ignore[arg-type]


def _conclusion(text: str, language: str) -> set[LabelId]:
    """Labels of the last sentence that names any."""
    for sentence in reversed(sentences(text)):
        labels_named = extract(sentence, language)  # type: ignore[arg-type]
        if labels_named:
            return set(labels_named)
    return set()


_LOW = Reason.LOW_AGREEMENT

CONSISTENCY: tuple[Rule, ...] = (
    Rule("C01", "reject", "closed labels follow from the label", "封闭标签由主标签推出", c01_closed_labels_follow),
    Rule(
        "C02",
        "reject",
        "both languages claim the same emotions",
        "中英文所述情绪一致",
        c02_languages_claim_the_same,
        limits={"min_jaccard": 0.5},
        text_only=True,
        version=2,
    ),
    Rule("C03", "reject", "open labels are true pairs", "开放标签的中英文词义一致", c03_open_labels_pair),
    Rule(
        "C04",
        "reject",
        "valence fits label and sentiment",
        "效价与标签、情感极性相符",
        c04_valence_fits,
        limits={"slack": 0.0, "max_neutral": 0.35},
        version=2,
    ),
    Rule(
        "C05",
        "flag",
        "intensity and arousal fit the label",
        "强度、唤醒度与标签相符",
        c05_intensity_fits,
        limits={"min_arousal": -0.3},
    ),
    Rule("C06", "flag", "neutral is told mildly", "中性标签不用激烈词语", c06_neutral_is_mild, version=2),
    Rule(
        "C07",
        "flag",
        "the conclusion names the label",
        "结论点明标签",
        c07_conclusion_names_label,
        text_only=True,
        version=2,
    ),
    Rule(
        "C08",
        "flag",
        "gender and figures agree in both languages",
        "中英文的性别与数字一致",
        c08_details_agree,
        text_only=True,
    ),
    Rule(
        "C09",
        "flag",
        "independent label sources agree",
        "独立标签来源相互一致",
        c09_votes_agree,
        _LOW,
        {"tier_a": 2 / 3, "tier_b": 0.5},
    ),
    Rule(
        "C10",
        "flag",
        "independent sentiments agree",
        "独立情感极性相互一致",
        c10_sentiments_agree,
        _LOW,
        {"min_agreement": 0.5},
    ),
    Rule(
        "C11",
        "flag",
        "the annotator agrees with itself",
        "标注者自身前后一致",
        c11_self_consistent,
        _LOW,
        {"min_consistency": 0.65},
    ),
    Rule("C12", "info", "names of files hold no emotion", "文件名不含情绪词", c12_no_label_in_names, version=2),
)
