"""Agreement: hand-computed votes, sets, Dawid-Skene, tiers and the policy."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factory import make_dict
from teacher_kit import good_answer, make_request

from ver_pipeline.annotators.agreement.dawid_skene import fit, skill_from_dict
from ver_pipeline.annotators.agreement.named_cues import cue_overlap, named_cues
from ver_pipeline.annotators.agreement.openset import jaccard, set_score
from ver_pipeline.annotators.agreement.policy import load_skill, verdict
from ver_pipeline.annotators.agreement.votes import agreement, en_zh_agreement, tier
from ver_pipeline.annotators.cues.annotator import annotate_one
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.annotate import AnnotateStage


def annotation(label: str, **emotion: Any) -> dict[str, Any]:
    """A teacher's annotation with this label."""
    base = annotate_one(make_request(0))
    told = {**base["provenance"], "tier": "teacher", "annotator": "openai", "model": emotion.pop("model", "m")}
    return {**base, "emotion": {**base["emotion"], "primary": label, **emotion}, "provenance": told}


def vote(voter: str, label: str, valence: float | None = None) -> dict[str, Any]:
    return {"voter": voter, "label": label, "p": 0.6, "valence": valence}


def test_tiers_follow_the_share_of_votes_that_back_the_label() -> None:
    votes = [vote("face", "anger", -0.5), vote("words", "sadness", -0.4)]
    found = agreement(annotation("anger"), [], votes)
    assert found["n_votes"] == 3
    assert found["label_agreement"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["tier"] == "A"
    assert agreement(annotation("fear"), [], votes)["tier"] == "C"
    assert [tier(s, n) for s, n in ((1.0, 1), (None, 3), (0.5, 2), (0.49, 4), (0.7, 3))] == [None, None, "B", "C", "A"]


def test_sources_with_a_smaller_vocabulary_are_compared_in_the_classes_they_share() -> None:
    found = agreement(annotation("anxiety"), [], [vote("face", "fear")])
    assert found["label_agreement"] == 1.0


def test_cues_do_not_vote_for_themselves_and_draws_vote_once() -> None:
    cue = annotate_one(make_request(0))
    assert agreement(cue, [], [])["n_votes"] == 0
    draws = [annotation("sadness"), annotation("anger")]
    found = agreement(annotation("anger"), draws, [])
    assert found["n_votes"] == 1
    assert found["self_consistency"] == pytest.approx(2 / 3, abs=1e-4)


def test_distances_are_spreads_over_all_annotations() -> None:
    found = agreement(
        annotation("anger", valence=-0.2, arousal=0.2, intensity=1),
        [annotation("anger", valence=-0.6, arousal=0.8, intensity=3)],
        [],
    )
    assert found["arousal_sd"] == pytest.approx(0.3)
    assert found["valence_sd"] == pytest.approx(0.2)
    assert found["intensity_sd"] == pytest.approx(1.0)


@pytest.mark.parametrize("i", range(13))
def test_descriptions_that_say_the_same_name_the_same_cues(i: int) -> None:
    for told in (make_dict(i)["description"], annotate_one(make_request(i, record=i))["description"]):
        assert cue_overlap(told["en"], told["zh"]) in (1.0, None)


def test_a_cue_that_one_language_leaves_out_counts_against_the_agreement() -> None:
    english = "The person appears sad; the gaze drops and the hands tremble."
    assert en_zh_agreement({"en": english, "zh": "此人看起来悲伤，目光低垂，双手发抖。"}) == 1.0
    assert en_zh_agreement({"en": english, "zh": "此人看起来悲伤，目光低垂。"}) == pytest.approx((1 + 1 / 2) / 2)
    assert en_zh_agreement({"en": english, "zh": "此人看起来愤怒，嘴角上扬。"}) == 0.0
    assert named_cues("镜头始终没有切换，眉眼没有明显动作。", "zh") == {"brow"}
    assert named_cues("A wide-eyed look.", "en") == {"eyes"}


def test_open_words_are_compared_by_wheel_group() -> None:
    score = set_score(["joyful", "worried"], ["开心", "愤怒"])
    assert score is not None
    assert (score.precision, score.recall, score.f1) == (0.5, 0.5, 0.5)
    assert set_score(["glad"], ["happy"]).f1 == 1.0  # type: ignore[union-attr]
    assert set_score(["flabbergasted"], ["happy"]).precision == 0.0  # type: ignore[union-attr]
    assert set_score([], []) is None
    assert set_score(["neutral"], ["平静"]).f1 == 1.0  # type: ignore[union-attr]
    assert jaccard(["happy", "sad"], ["高兴"]) == 0.5


def test_external_wheel_is_read_and_a_bad_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("groups: {all: {labels: [happiness, sadness], words: []}}", encoding="utf-8")
    assert set_score(["happy"], ["sad"], str(path)).f1 == 1.0  # type: ignore[union-attr]
    path.with_name("bad.yaml").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ConfigError, match="emotion wheel"):
        set_score(["happy"], ["sad"], str(path.with_name("bad.yaml")))


def test_dawid_skene_finds_the_skilled_voter_and_beats_the_majority() -> None:
    draw = random.Random(3)
    names = ("angry", "happy", "sad")
    items, truth = [], []
    for _ in range(400):
        true = draw.choice(names)
        truth.append(true)
        good = {f"g{k}": true if draw.random() < 0.9 else draw.choice(names) for k in range(2)}
        bad = {f"b{k}": draw.choice(names) for k in range(3)}
        items.append({**good, **bad})
    skill = fit(items)
    right = sum(max(p := skill.posterior(item), key=lambda n: p[n]) == t for item, t in zip(items, truth, strict=True))
    majority = sum(
        max(names, key=lambda n: list(item.values()).count(n)) == t for item, t in zip(items, truth, strict=True)
    )
    assert right > majority + 20
    diagonal = {voter: sum(table[i][i] for i in range(3)) / 3 for voter, table in skill.confusion.items()}
    assert min(diagonal["g0"], diagonal["g1"]) > 0.8 > 0.5 > max(diagonal["b0"], diagonal["b1"], diagonal["b2"])
    assert skill_from_dict(json.loads(json.dumps(skill.to_dict()))) == skill


def test_dawid_skene_posterior_of_one_step_is_bayes_rule() -> None:
    skill = skill_from_dict({"classes": ["a", "b"], "shares": [0.5, 0.5], "confusion": {"v": [[0.8, 0.2], [0.3, 0.7]]}})
    assert skill.posterior({"v": "a", "stranger": "b"})["a"] == pytest.approx(0.4 / 0.55)


def test_skill_file_makes_the_method_dawid_skene(tmp_path: Path) -> None:
    skill = fit([{"face": "angry", "words": "angry"}, {"face": "sad", "words": "sad"}] * 5)
    path = tmp_path / "skill.json"
    path.write_text(json.dumps(skill.to_dict()), encoding="utf-8")
    found = agreement(annotation("anger"), [], [vote("face", "anger"), vote("words", "anger")], load_skill(str(path)))
    assert found["method"] == "dawid-skene"
    assert found["ds_confidence"] > 0.9
    with pytest.raises(ConfigError, match="source_skill"):
        load_skill(str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("policy", "reached", "wanted"),
    [("accept", "C", "keep"), ("flag", "C", "flag"), ("reject", "C", "reject"), ("adjudicate", "C", "adjudicate"),
     ("reject", "B", "keep"), ("reject", None, "keep"), ("reject", "A", "keep")],
)  # fmt: skip
def test_policy_acts_only_below_the_wanted_tier(policy: str, reached: str | None, wanted: str) -> None:
    assert verdict({"tier": reached}, policy, "B") == wanted


def replayed(tmp_path: Path, label: str, **config: Any) -> Any:
    """The stage's outcome for a clip whose face and words are happy, where a teacher says ``label``."""
    request = make_request(0)
    answer = good_answer(request)
    assert answer["primary"] == "happiness"
    request = replace(request, speech={**request.speech, "text": "I am so happy that we finally won"})
    from ver_pipeline.schemas.canonical import canonical_json
    from ver_pipeline.schemas.labels import adjective, closed_labels

    kept = annotate_one(request)
    if label != "happiness":
        for seen in kept["observations"]:
            seen["supports"] = [label]
        emotion = kept["emotion"]
        emotion |= {"primary": label, "valence": -0.5, "dist": {label: 1.0}, "closed": closed_labels(label)}
        emotion["labels_open"] = [
            {"en": adjective(label, "en"), "zh": adjective(label, "zh"), "canon": label, "p": 0.9, "eids": ["f1"]}
        ]
        for language in ("en", "zh"):
            text = kept["description"][language]
            kept["description"][language] = text.replace(adjective("happiness", language), adjective(label, language))
    kept["provenance"] |= {"tier": "teacher", "annotator": "replay", "prompt_sha256": "0" * 64}
    path = tmp_path / "a.jsonl"
    path.write_bytes(canonical_json({"key": request.key, "annotation": kept}))
    stage = AnnotateStage(AnnotateConfig(annotator="replay", options={"replay": {"path": str(path)}}, **config))
    stage.open()
    row = {
        "key": request.key,
        "clip": request.clip,
        "media_path": None,
        "speech": request.speech,
        "measured": request.measured,
    }
    return stage.run([row])[0]


def test_teacher_against_strong_cues_is_flagged_or_rejected_as_configured(tmp_path: Path) -> None:
    flagged = replayed(tmp_path, "anger")
    assert flagged["agreement"]["tier"] == "C"
    assert flagged["annotation"]["emotion"]["ambiguity"] == "high"
    assert [other["provenance"]["tier"] for other in flagged["alternatives"]] == ["cue"]
    rejected = replayed(tmp_path, "anger", on_disagreement="reject")
    assert isinstance(rejected, Reject)
    assert rejected.reason is Reason.LOW_AGREEMENT
    assert replayed(tmp_path, "happiness", on_disagreement="reject")["agreement"]["tier"] == "A"


def test_adjudicator_decides_where_the_teacher_is_not_backed(tmp_path: Path) -> None:
    settled = replayed(tmp_path, "anger", on_disagreement="adjudicate", adjudicator="cues")
    assert settled["annotation"]["emotion"]["primary"] == "happiness"
    assert settled["alternatives"][0]["emotion"]["primary"] == "anger"
    with pytest.raises(ConfigError, match="adjudicator"):
        AnnotateStage(AnnotateConfig(on_disagreement="adjudicate"))


def test_another_wheel_counts_by_its_content_and_a_missing_one_is_told_at_once(tmp_path: Path) -> None:
    def stage(name: str) -> AnnotateStage:
        return AnnotateStage(AnnotateConfig(wheel=str(tmp_path / name)))

    (tmp_path / "one.yaml").write_text("groups: {good: {labels: [happiness]}}", encoding="utf-8")
    (tmp_path / "same.yaml").write_text("groups: {good: {labels: [happiness]}}", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("groups: {good: {labels: [sadness]}}", encoding="utf-8")
    assert stage("one.yaml").fingerprint() == stage("same.yaml").fingerprint()
    assert stage("one.yaml").fingerprint() != stage("other.yaml").fingerprint()
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml"):
        stage("none.yaml")
