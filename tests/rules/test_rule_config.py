"""Rules follow the configuration: severity, thresholds, off; mistakes are errors with the nearest name."""

from __future__ import annotations

import pytest
from factory import make_dict, make_record

from ver_pipeline.schemas.config import ValidateConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.rules import ALL_RULES, reject_reason, rule_set, run_rules


def settings(**rules: dict[str, str | int | float | bool]) -> ValidateConfig:
    return ValidateConfig(rules=rules)


def test_severity_decides_between_review_and_reject() -> None:
    data = make_dict(0)
    data["source"]["rights"]["license"] = "LicenseRef-unknown"
    record = parse_record(data)
    assert run_rules(record).status == "accept"  # an info is only counted
    assert run_rules(record, settings(S05={"severity": "flag"})).status == "review"
    verdict = run_rules(record, settings(S05={"severity": "reject"}))
    assert verdict.status == "reject" and reject_reason(verdict) == "rule_failed"


def test_threshold_moves_the_line() -> None:
    record = make_record(0)
    assert "L08" in run_rules(record).passed
    verdict = run_rules(record, settings(L08={"min_words_en": 200}))
    assert [finding.code for finding in verdict.findings] == ["L08"]


def test_rule_that_is_off_is_in_no_list() -> None:
    verdict = run_rules(make_record(0), settings(L08={"severity": "off"}))
    told = {*verdict.passed, *(line.split(":")[0] for line in verdict.not_run)}
    assert told == {rule.id for rule in ALL_RULES} - {"L08"}


@pytest.mark.parametrize(
    ("rules", "hint"),
    [
        ({"L8": {}}, "L08"),
        ({"L08": {"min_word_en": 20}}, "min_words_en"),
        ({"L08": {"severity": "fatal"}}, "reject"),
        ({"L08": {"min_words_en": "many"}}, "number"),
        ({"L08": {"min_words_en": True}}, "number"),
    ],
)
def test_mistake_in_the_configuration_is_an_error_with_a_hint(rules: dict, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        rule_set(ValidateConfig(rules=rules))


def test_version_names_what_was_in_force() -> None:
    base = rule_set().version
    assert rule_set(settings()).version == base
    others = [
        settings(L08={"severity": "off"}),
        settings(L08={"severity": "info"}),
        settings(L08={"min_words_en": 31}),
    ]
    assert len({base, *(rule_set(config).version for config in others)}) == 4


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"measured": "faces"}, "G04"),
        ({"measured": "voice"}, "G06"),
        ({"agreement": None}, "C09"),
        ({"speech": "none"}, "G01"),
    ],
)
def test_missing_input_is_not_run_with_a_reason_and_never_a_pass(change: dict, rule: str) -> None:
    data = make_dict(0)
    if change.get("measured") == "faces":
        faces = data["measured"]["faces"]
        faces |= {"n_tracks": 0, "max_simultaneous": 0, "sampled_s": [], "tracks": [], "detector": "none"}
        data["emotion"]["subject_track_id"] = None
    elif change.get("measured") == "voice":
        data["measured"]["voice"] = None
    elif "agreement" in change:
        data["agreement"] = None
    else:
        data["speech"] |= {"present": False, "speech_s": 0.0, "text": "", "text_en": None, "text_zh": None}
        data["speech"] |= {"segments": [], "words": [], "recogniser": {"engine": "none", "model": "n", "revision": "n"}}
    verdict = run_rules(parse_record(data))
    assert rule not in verdict.passed
    why = next(line for line in verdict.not_run if line.startswith(rule))
    assert len(why) > len(rule) + 5


def test_denied_claims_are_no_claims() -> None:
    data = make_dict(4)  # no face
    data["description"]["en"] += " No face is visible and no smile can be seen."
    data["description"]["zh"] += "画面中看不到人脸，也没有表情。"
    assert "G04" in run_rules(parse_record(data)).passed
    data["description"]["en"] += " The light is dim, but a smile appears."
    assert "G04" in {finding.code for finding in run_rules(parse_record(data)).findings}
