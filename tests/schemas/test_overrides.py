"""``--set``: one value in its place, whatever the depth, and a plain word where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ver_pipeline.config_file import load_config
from ver_pipeline.schemas.errors import ConfigError


def test_override_reaches_into_a_table_and_leaves_the_rest_of_it(tmp_path: Path) -> None:
    file = tmp_path / "ver.yaml"
    file.write_text("annotate: {options: {openai: {model: old, seed: 3}, vllm: {model: kept}}}", encoding="utf-8")
    overrides = ["annotate.options.openai.model=new", "annotate.options.openai:second.model=other", "clip.max_s=12"]
    config = load_config(str(file), overrides)
    assert config.annotate.options == {
        "openai": {"model": "new", "seed": 3},
        "vllm": {"model": "kept"},
        "openai:second": {"model": "other"},
    }
    assert config.clip.max_s == 12


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("clip.max_s", "is not section.key=value"),
        ("max_s=3", "is not section.key=value"),
        ("annotate.=3", "is not section.key=value"),
        ("annotate.options={openai: {model: m}", "is not YAML"),
        ("clip.max_s.more=3", "clip.max_s"),
        ("annotate.annotatr=x", "did you mean 'annotator'"),
    ],
)
def test_override_that_cannot_be_is_answered_in_one_line(override: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_override_of_a_section_that_the_file_leaves_empty(tmp_path: Path) -> None:
    file = tmp_path / "ver.yaml"
    file.write_text("clip:\n", encoding="utf-8")
    assert load_config(str(file), ["clip.max_s=12"]).clip.max_s == 12
