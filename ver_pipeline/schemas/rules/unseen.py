"""What a model that sees nothing cannot tell (G21)."""

from __future__ import annotations

from collections.abc import Iterator

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules import lexicon
from ver_pipeline.schemas.rules.base import Context, Found, NotRun
from ver_pipeline.schemas.rules.looks_and_voice import claimed
from ver_pipeline.schemas.rules.text import claims, descriptions
from ver_pipeline.schemas.rules.things import LOOKS, THINGS

OF_THE_EYE = ("face", "body", "scene")


def g21_who_sees_nothing_tells_no_sight(record: Record, context: Context) -> list[Found] | NotRun:
    """A model that was shown no frame tells of no clothes, hair or places that the words do not hold; what
    was measured it may repeat.  One whose sight a canary refused tells of no face either, and has no evidence of the
    eye."""
    provenance = record.provenance
    refused = provenance.senses.sight == "refused"
    if provenance.tier != "teacher" or not (refused or provenance.sampling.n_frames == 0):
        return NotRun("the annotator sees, or measured")
    defects = list(_things(record))
    if refused:
        defects += claimed(record, lexicon.FACE, "tells of a face that its annotator did not see")
        defects += [
            Found(f"{seen.modality} evidence of an annotator that sees nothing", f"/observations/{i}/modality")
            for i, seen in enumerate(record.observations)
            if seen.modality in OF_THE_EYE and seen.source in ("vlm", "llm")
        ]
    return defects


def _things(record: Record) -> Iterator[Found]:
    """What only the eye can tell, in descriptions and in evidence of the eye, without a word of it being said.

    Places are asked of the English text alone: short Chinese words have too many meanings.
    """
    speech = record.speech
    ground = " ".join(filter(None, (speech.text, speech.text_en, speech.text_zh, record.source.title)))
    texts = [(pointer, text, language) for language, pointer, text in descriptions(record)]
    for i, seen in enumerate(record.observations):
        if seen.modality in OF_THE_EYE and seen.source in ("vlm", "llm"):
            texts += [
                (f"/observations/{i}/text_en", seen.text_en, "en"),
                (f"/observations/{i}/text_zh", seen.text_zh, "zh"),
            ]
    for pointer, text, language in texts:
        for words in (LOOKS, *(THINGS["a place"].values() if language == "en" else ())):
            hits = claims(text, words)
            if hits and not words.search(ground):
                yield Found(f"tells of what its annotator did not see: {hits[0]!r}", pointer)
                break
