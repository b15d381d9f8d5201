"""Answers of a model in this process are kept: a rerun, or a change elsewhere, asks nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from teacher_kit import good_answer, make_request, step_answers, teacher

from ver_pipeline.annotators.base import Result
from ver_pipeline.annotators.teacher.answers import AnswerStore, keeping
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import run_batched, talk
from ver_pipeline.annotators.teacher.teacher import question
from ver_pipeline.schemas.reasons import Reason

N = 6
MODEL = {"revision": "r1"}


class Counting:
    """A model that answers well and counts what it is asked."""

    def __init__(self, fails: bool = False) -> None:
        self.asked: list[Chat] = []
        self.fails = fails
        self.answers = {make_request(i).clip["duration_s"]: good_answer(make_request(i)) for i in range(N)}

    def __call__(self, chats: list[Chat]) -> list[Completion]:
        self.asked += chats
        return [self._one(chat) for chat in chats]

    def _one(self, chat: Chat) -> Completion:
        if self.fails:
            return Completion(reason=Reason.TEACHER_UNAVAILABLE, message="down")
        good = self.answers[chat.duration_s]
        step = step_answers(good).get(chat.prompt.split("/")[0])
        answer = step or {name: good[name] for name in chat.schema["required"]}
        return Completion(json.dumps(answer, ensure_ascii=False), tokens_in=10, tokens_out=5)


def run(model: Counting, folder: Path, shaping: dict[str, Any] = MODEL, **options: Any) -> list[Result]:
    talks = [talk(make_request(i), teacher(**options)) for i in range(N)]
    return run_batched(talks, keeping(AnswerStore(folder), shaping, model))


def test_rerun_asks_nothing_and_gives_the_same_records_for_nothing(tmp_path: Path) -> None:
    model = Counting()
    first = run(model, tmp_path)
    assert len(model.asked) == N
    again = run(model, tmp_path)
    assert len(model.asked) == N
    assert [result.annotation for result in again] == [result.annotation for result in first]
    assert all(result.annotation["provenance"]["tokens_in"] == 10 for result in again if result.annotation)
    assert (first[0].usage.tokens_in, again[0].usage.tokens_in, again[0].usage.cached_calls) == (10, 0, 1)


def test_half_a_run_is_finished_by_the_next(tmp_path: Path) -> None:
    model = Counting()
    run_batched([talk(make_request(i), teacher()) for i in range(2)], keeping(AnswerStore(tmp_path), MODEL, model))
    results = run(model, tmp_path)
    assert len(model.asked) == N
    assert all(result.annotation for result in results)


def test_another_model_another_seed_and_another_prompt_are_asked_anew(tmp_path: Path) -> None:
    model = Counting()
    run(model, tmp_path)
    run(model, tmp_path, shaping={"revision": "r2"})
    run(model, tmp_path, seed=1)
    assert len(model.asked) == 3 * N
    run(model, tmp_path, flow="staged")
    staged = len(model.asked)
    run(model, tmp_path, flow="families", label_sets=["open", "dim"], retries=0, repairs=0)
    names = [chat.prompt.split("/")[0] for chat in model.asked[staged:]]
    assert "merge" in names
    assert "clue_visual" not in names  # the evidence was collected before


def test_video_counts_by_its_content(tmp_path: Path) -> None:
    def ask(path: Path) -> int:
        chat = question(make_request(0), teacher(), "annotate")
        shown = Chat(**{**{n: getattr(chat, n) for n in Chat.__slots__}, "media_path": str(path)})
        before = len(model.asked)
        keeping(AnswerStore(tmp_path / "kept"), MODEL, model)([shown])
        return len(model.asked) - before

    model, one, same, other = Counting(), tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"
    for path, data in ((one, b"film"), (same, b"film"), (other, b"another")):
        path.write_bytes(data)
    assert [ask(one), ask(same), ask(other), ask(tmp_path / "absent.mp4")] == [1, 0, 1, 1]


def test_failures_are_not_kept(tmp_path: Path) -> None:
    assert {result.reason for result in run(Counting(fails=True), tmp_path)} == {Reason.TEACHER_UNAVAILABLE}
    assert all(result.annotation for result in run(Counting(), tmp_path))
