"""Whoever evaluates an expectation, the outcome is the same."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pyarrow as pa
import pytest
from factory import make_records
from outfolder import published

from ver_pipeline.quality import expectations
from ver_pipeline.quality.evaluators import KINDS, ArrowEvaluator
from ver_pipeline.quality.expectations import evaluator_for
from ver_pipeline.quality.gx import GxEvaluator, quiet
from ver_pipeline.schemas.errors import ConfigError

ROWS = pa.table(
    {
        "number": pa.array([0.5, None, 2.0, -1.0, 2.0, 0.25], pa.float64()),
        "count": pa.array([1, 2, None, 2, 9, 4], pa.int64()),
        "text": pa.array(["en", "zh", None, "en", "", "x-1"], pa.string()),
        "other": pa.array(["a", "b", None, "a", "c", "d"], pa.string()),
        "none": pa.array([None] * 6, pa.float64()),
    }
)
EXPECTATIONS = [
    ("expect_table_row_count_to_equal", {"value": 6}),
    ("expect_table_row_count_to_equal", {"value": 0}),
    *(
        ("expect_column_values_to_be_between", {"column": column, **bounds})
        for column in ("number", "count", "none")
        for bounds in (
            {"min_value": 0, "max_value": 2}, {"min_value": -1}, {"max_value": 3}, {"min_value": 0.25, "mostly": 0.8},
            {"min_value": 0.25, "mostly": 0.9},
        )
    ),
    ("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["en", "zh"]}),
    ("expect_column_values_to_be_in_set", {"column": "count", "value_set": [1, 2, 4, 9]}),
    ("expect_column_values_to_match_regex", {"column": "text", "regex": "^(en|zh)$"}),
    ("expect_column_values_to_match_regex", {"column": "text", "regex": "^[a-z]*"}),
    ("expect_column_values_to_not_be_null", {"column": "text"}),
    ("expect_column_values_to_not_be_null", {"column": "text", "mostly": 0.8}),
    ("expect_column_values_to_be_unique", {"column": "text"}),
    ("expect_column_values_to_be_unique", {"column": "other"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["text", "other"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["count", "other"]}),
    ("expect_column_max_to_be_between", {"column": "number", "min_value": 0, "max_value": 1}),
    ("expect_column_max_to_be_between", {"column": "number", "min_value": 2}),
    ("expect_column_mean_to_be_between", {"column": "number", "min_value": 0.7, "max_value": 0.8}),
    ("expect_column_mean_to_be_between", {"column": "count", "max_value": 3}),
]  # fmt: skip


@pytest.fixture(scope="module")
def gx():
    with quiet():
        yield GxEvaluator()


@pytest.mark.parametrize(("kind", "kwargs"), EXPECTATIONS, ids=[f"{k[7:]} {json.dumps(w)}" for k, w in EXPECTATIONS])
def test_both_judges_agree(gx, kind, kwargs):
    expect = {"type": kind, "kwargs": kwargs}
    with quiet():
        one = gx.evaluate(ROWS, expect)
    two = ArrowEvaluator().evaluate(ROWS, expect)
    assert (one.success, expectations._plain(one.observed)) == (two.success, expectations._plain(two.observed))
    assert expectations._plain(list(one.examples)) == expectations._plain(list(two.examples))
    assert one.error is None


def test_every_kind_in_our_suites_is_compared():
    used = {check["expect"]["type"] for name in expectations.suite_names() for check in
            expectations.load_suite(name)["checks"]}  # fmt: skip
    assert used <= {kind for kind, _ in EXPECTATIONS}


def test_a_data_set_gets_the_same_results_where_great_expectations_is_not_installed(tmp_path: Path, monkeypatch):
    out = published(tmp_path, make_records(48))
    with_gx = expectations.run_expectations(out)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "great_expectations" else find(name))
    without = expectations.run_expectations(out)
    assert with_gx.pop("engine").startswith("great_expectations") and without.pop("engine").startswith("pyarrow")
    assert with_gx == without


def test_a_build_does_without_great_expectations_unless_a_suite_asks_for_what_only_it_knows():
    with evaluator_for(KINDS, quick=True) as evaluator:
        assert isinstance(evaluator, ArrowEvaluator)
    for kinds, quick in (({*KINDS, "expect_column_stdev_to_be_between"}, True), (KINDS, False)):
        with evaluator_for(kinds, quick) as evaluator:
            assert evaluator.engine.startswith("great_expectations")


def test_what_a_build_writes_was_evaluated_without_great_expectations(tmp_path: Path):
    out = published(tmp_path, make_records(12))
    assert expectations.write_expectations(out)["engine"].startswith("pyarrow")


def test_a_kind_that_only_great_expectations_knows_is_named():
    with pytest.raises(ConfigError, match="expect_column_stdev"):
        ArrowEvaluator().evaluate(ROWS, {"type": "expect_column_stdev_to_be_between", "kwargs": {"column": "number"}})
