"""What all clips share of a question stands first, so that a server reads it once."""

from __future__ import annotations

import pytest
from teacher_kit import make_request, teacher

from ver_pipeline.annotation_prompts.load import load_prompts
from ver_pipeline.annotators.teacher.cost import EARLIER
from ver_pipeline.annotators.teacher.teacher import question

OF_THE_CLIP = ("labels", "facts", "transcript", "neighbours", "evidence", "judgement", "hypotheses", "claims", "answer",
               "errors", "fields", "description", "annotation")  # fmt: skip


@pytest.mark.parametrize("name", sorted({name for name, _ in load_prompts()}))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_that_clips_share_stands_behind_what_is_the_clips_own_in_a_system_text(
    name: str, language: str
) -> None:
    text = load_prompts()[(name, language)].system
    first = min((at for slot in OF_THE_CLIP if (at := text.find("{{" + slot + "}}")) >= 0), default=len(text))
    shared = [at for slot in ("order", "examples") if (at := text.find("{{" + slot + "}}")) >= 0]
    assert all(at < first for at in shared)
    assert len(text) - first < 200, "what follows is no more than a line"


@pytest.mark.parametrize(("flow", "least"), [("single", 0.85), ("staged", 0.85), ("families", 0.85)])
def test_most_of_the_system_texts_was_read_before(flow: str, least: float) -> None:
    asked = teacher(flow=flow)
    whole = shared = 0
    known: set[str] = set()
    for i in range(120):
        request = make_request(i, record=i % 12)
        for name in asked.steps():
            text = question(request, asked, name, 0, **dict.fromkeys(EARLIER, "")).system
            n = len(text)
            while n and text[:n] not in known:
                n -= 1
            whole, shared = whole + len(text), shared + n
            known.update(text[:at] for at in range(1, len(text) + 1))
    assert shared / whole > least
