"""The yes-no pass: each visible claim beside a foil that is certainly false.

A model that also confirms the foil says yes to anything, so its verdicts are set aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ver_pipeline.annotators.base import Request
from ver_pipeline.schemas.answer import verify_schema

MAX_CLAIMS = 8
VISIBLE = ("face", "body", "scene")


@dataclass(frozen=True, slots=True)
class Question:
    """Numbered claims; ``foil`` is the number of the false one."""

    eids: tuple[str | None, ...]
    claims: tuple[tuple[str, str], ...]
    foil: int
    schema: Mapping[str, Any]

    def text(self, language: str) -> str:
        """The claims as a numbered list."""
        column = 1 if language == "zh" else 0
        return "\n".join(f"{i}. {claim[column]}" for i, claim in enumerate(self.claims, start=1))


def verify_question(request: Request, observations: Sequence[Mapping[str, Any]]) -> Question | None:
    """The question for an answer's visible observations; None where it has none."""
    visible = [seen for seen in observations if seen["modality"] in VISIBLE][:MAX_CLAIMS]
    if not visible:
        return None
    n = int(request.measured["faces"]["max_simultaneous"]) + 7
    foil = (
        f"At least {n} different faces look straight into the camera at once.",
        f"至少有{n}张不同的面孔同时正视镜头。",
    )
    place = int(hashlib.sha256(request.key.encode()).hexdigest()[:8], 16) % (len(visible) + 1)
    eids: list[str | None] = [seen["eid"] for seen in visible]
    claims = [(seen["text_en"], seen["text_zh"]) for seen in visible]
    eids.insert(place, None)
    claims.insert(place, foil)
    return Question(tuple(eids), tuple(claims), place + 1, verify_schema())


def contradicted(question: Question, answer: Mapping[str, Any]) -> list[str]:
    """The observations that were contradicted; none where the foil was believed or left out."""
    said = {row["claim"]: row["verdict"] for row in answer["verdicts"]}
    if said.get(question.foil, "supported") == "supported":
        return []
    claims = [
        question.eids[n - 1]
        for n, verdict in sorted(said.items())
        if verdict == "contradicted" and n <= len(question.eids)
    ]
    return [eid for eid in claims if eid is not None]
