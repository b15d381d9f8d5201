"""Labels asked for one set at a time: what is asked, in which order, and how the answers become one judgement."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from standin_server import StandIn
from teacher_kit import good_answer, make_request, step_answers, teacher

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.families import combine
from ver_pipeline.annotators.teacher.parsing import check_schema
from ver_pipeline.annotators.teacher.teacher import question
from ver_pipeline.schemas.answer import answer_schema
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.labels import classes
from ver_pipeline.schemas.record_annotation import Annotation
from ver_pipeline.schemas.record_types import LabelId

ALL_SETS = ["open", "mer6", "dfew7", "mafw11", "dim"]
SIZES = {"eids": ["f1"], "valence": -0.4, "arousal": 0.5, "dominance": None, "intensity": 2}


def merged(*labels: str, conflicts: int = 0) -> dict[str, Any]:
    ranked = [{"eids": ["f1"], "against": [], "label": x, "p": 0.8 - 0.2 * i} for i, x in enumerate(labels)]
    conflict = {"eids": ["f1"], "against": ["t1"], "text": "they differ"}
    return {
        "subject": "person", "conflicts": [conflict] * conflicts, "hypotheses": ranked,
        "alternative": {"label": None, "text": ""}, "mixed": False, "transitions": [],
    }  # fmt: skip


def judged(*labels: str, conflicts: int = 0, **closed: str) -> dict[str, Any]:
    answers: dict[str, Any] = {
        f"label_{name}": {"eids": ["f1"], "label": label, "confidence": 0.6} for name, label in closed.items()
    }
    return combine(merged(*labels, conflicts=conflicts), {**answers, "label_dim": SIZES})


@pytest.mark.parametrize(
    ("labels", "closed", "primary", "ambiguity"),
    [
        (("fear", "surprise"), {"mer6": "worried", "dfew7": "fear", "mafw11": "fear"}, "fear", "none"),
        (("fear", "surprise"), {"mer6": "surprise", "dfew7": "surprise"}, "surprise", "low"),
        (("anger",), {"mer6": "angry", "dfew7": "happy"}, "anger", "high"),  # the sets contradict each other
        (("anger",), {"mer6": "sad", "dfew7": "sad"}, "anger", "high"),  # they agree, but not with any hypothesis
        (("disgust",), {"mer6": "none", "dfew7": "disgust"}, "disgust", "none"),  # MER has no such class
        (("anger",), {"mer6": "none"}, "anger", "high"),  # MER has one
        (("contempt", "disgust"), {"mafw11": "contempt", "dfew7": "disgust"}, "contempt", "none"),
        (("sadness",), {}, "sadness", "none"),
    ],
)
def test_closed_answers_agree_with_the_taxonomies_or_ambiguity_is_high(
    labels: tuple[str, ...], closed: dict[str, str], primary: str, ambiguity: str
) -> None:
    told = judged(*labels, **closed)
    assert (told["primary"], told["ambiguity"]) == (primary, ambiguity)
    assert [label["canon"] for label in told["labels"]] == list(labels)
    assert check_schema({k: v for k, v in told.items() if k != "dominance"}, answer_schema(("judgement",))) is None


def test_conflicts_and_weak_answers_are_not_lost() -> None:
    assert judged("anger", conflicts=1, mer6="angry")["ambiguity"] == "low"
    assert judged("anger", mer6="angry")["confidence"] == 0.6  # the least of 0.8 and 0.6
    nothing = combine(merged(), {})
    assert (nothing["primary"], nothing["ambiguity"], nothing["labels"]) == ("undetermined", "high", [])
    assert nothing["valence"] is nothing["intensity"] is None


def lead_families(i: int = 0, undecided: bool = False, **options: Any) -> tuple[Any, list[Chat]]:
    """The result for a clip and what was asked."""
    request, asked = make_request(i), []
    good = good_answer(request)
    steps = step_answers(good)

    def complete(chat: Chat) -> Completion:
        asked.append(chat)
        name = chat.prompt.split("/")[0]
        answer = steps.get(name) or {x: good[x] for x in chat.schema["required"]}
        if undecided:
            answer = {**answer, "hypotheses": []} if name == "merge" else answer
        return Completion(json.dumps(answer, ensure_ascii=False))

    return lead(talk(request, teacher(flow="families", **{"label_sets": ALL_SETS, **options})), complete), asked


def test_each_label_prompt_is_asked_by_itself_and_closed_sets_do_not_see_the_hypotheses() -> None:
    result, asked = lead_families()
    assert result.annotation is not None, result.message
    names = [chat.prompt.split("/")[0] for chat in asked]
    labels = [f"label_{name}" for name in ALL_SETS]
    assert names == ["clue_visual", "clue_lexical", "merge", *labels, "describe"]
    told = {name: "hypotheses" in chat.user.lower() for name, chat in zip(names, asked, strict=True)}
    assert [name for name in labels if told[name]] == ["label_open", "label_dim"]
    Annotation.model_validate_json(canonical_json(result.annotation))
    assert result.annotation["emotion"]["dominance"] == 0.1
    assert result.annotation["emotion"]["ambiguity"] == "none"
    few, asked = lead_families(label_sets=["mer6", "dim"])
    assert few.annotation is not None, few.message
    assert [chat.prompt.split("/")[0] for chat in asked][2:-1] == ["merge", "label_mer6", "label_dim"]


def test_evidence_that_carries_no_hypothesis_is_not_asked_for_labels() -> None:
    _, asked = lead_families(undecided=True)
    assert [chat.prompt.split("/")[0] for chat in asked][2:4] == ["merge", "describe"]


def test_classes_of_a_closed_set_come_in_an_order_of_the_clips_own() -> None:
    def offered(i: int, name: str, order: str = "en-first", **fill: str) -> list[str]:
        chat = question(make_request(i), teacher(flow="families", order=order), name, evidence="[]", **fill)
        line = next(line for line in chat.system.splitlines() if "Classes, in" in line or line.startswith("类别如下"))
        return line.replace("：", ": ").rsplit(": ", 1)[1].replace("、", ", ").split(", ")

    for name in ("mer6", "dfew7", "mafw11"):
        orders = [offered(i, f"label_{name}") for i in range(12)]
        assert all(sorted(order) == sorted([*classes(name), "none"]) for order in orders)
        assert len({tuple(order) for order in orders}) > 9
        chinese = offered(0, f"label_{name}", "zh-first")
        assert [label.split("（")[0] for label in chinese] == orders[0]
        schema = answer_schema((f"label_{name}",))["properties"]["label"]["enum"]
        assert sorted(schema) == sorted(orders[0])
    (label,) = {
        tuple(answer_schema(("hypotheses",))["properties"]["hypotheses"]["items"]["properties"]["label"]["enum"])
    }
    assert set(get_args(LabelId)) - set(label) == {"undetermined"}


def test_record_tells_how_each_prompt_was_really_asked() -> None:
    result, asked = lead_families(temperature=0.4, top_p=0.8)
    told = result.annotation["provenance"]["sampling"]
    assert (told["temperature"], told["top_p"]) == (0.4, 0.8)
    for chat in asked:
        own = told["by_prompt"].get(chat.prompt, {})
        assert {**{n: told[n] for n in chat.sampling}, **own} == pytest.approx(dict(chat.sampling))
    assert told["by_prompt"]["label_mer6/1.en"] == {"temperature": 0.0}
    assert "clue_visual/1.en" not in told["by_prompt"]


def test_options_of_the_families_are_checked_and_count_only_there() -> None:
    with pytest.raises(ConfigError, match="label_sets need dim"):
        make("openai", {"model": "m", "flow": "families", "label_sets": ["open"]})
    with pytest.raises(ConfigError, match="label_sets"):
        make("openai", {"model": "m", "flow": "families", "label_sets": ["moods", "dim"]})
    single = [teacher(label_sets=sets).fingerprint() for sets in (["dim"], ["open", "dim"])]
    assert single[0] == single[1]
    families = [teacher(flow="families", label_sets=sets).fingerprint() for sets in (["dim"], ["mer6", "dim"])]
    assert set(families[1]["prompts"]) - set(families[0]["prompts"]) == {"label_mer6/1.en", "label_mer6/2.zh"}
    assert families[0]["schema"] != families[1]["schema"]


class Stepwise(StandIn):
    """Answers the prompts of the families about one clip."""

    def good_answer(self, body: dict[str, Any], wanted: list[str], duration: float) -> dict[str, Any]:
        good = self.answers[duration]
        for step in step_answers(good).values():
            if list(step) and set(step) == set(wanted) and step.get("label") in (None, *self.offered(body)):
                return step
        return super().good_answer(body, wanted, duration)

    @staticmethod
    def offered(body: dict[str, Any]) -> list[str]:
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        return properties.get("label", {}).get("enum", [])


def test_families_are_asked_over_http_and_kept() -> None:
    request = make_request(0)
    with Stepwise({request.clip["duration_s"]: good_answer(request)}, {}) as server:
        table = {"model": "m", "base_url": server.base_url, "flow": "families", "label_sets": ALL_SETS}
        annotator = OpenAIAnnotator(table)
        annotator.open()
        (result,) = annotator.annotate([request])
    assert result.annotation is not None, result.message
    asked = {name.split("/")[0] for name in result.annotation["provenance"]["prompt_ids"]}
    assert {"merge", "label_open", "label_mer6", "label_dfew7", "label_mafw11", "label_dim", "describe"} <= asked
    assert result.usage.calls == 9
