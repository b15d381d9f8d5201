"""A stand-in server for numbered clips, and the openai annotator pointed at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from standin_server import StandIn
from teacher_kit import good_answer, make_request

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.base import Result

QUICK = {"backoff_s": 0.01, "tries": 3, "timeout_s": 0.6, "retries": 1, "repairs": 1}


def make_server(n: int, manners: dict[int, str] | None = None, **kw: Any) -> StandIn:
    requests = [make_request(i) for i in range(n)]
    duration = {i: request.clip["duration_s"] for i, request in enumerate(requests)}
    answers = {request.clip["duration_s"]: good_answer(request) for request in requests}
    return StandIn(answers, {duration[i]: manner for i, manner in (manners or {}).items()}, **kw)


def run(server: StandIn, n: int, cache_dir: Path | None = None, **options: Any) -> list[Result]:
    annotator = OpenAIAnnotator({"model": "m", "base_url": server.base_url, **QUICK, **options}, cache_dir)
    annotator.open()
    return annotator.annotate([make_request(i) for i in range(n)])
