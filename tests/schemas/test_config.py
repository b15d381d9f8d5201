"""One command means one configuration, wherever it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ver_pipeline.cli import main
from ver_pipeline.config_file import load_config, profiles, show_config
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import ConfigError


def test_every_profile_loads_and_the_default_is_the_schema_s_own() -> None:
    assert profiles() == ["cluster", "cpu", "gpu"]
    assert load_config(profile="cpu") == load_config() == BuildConfig()
    gpu, cluster = load_config(profile="gpu"), load_config(profile="cluster")
    assert gpu.speech.device == cluster.speech.device == "cuda"
    assert cluster.shard.shard_size_bytes > gpu.shard.shard_size_bytes


def test_a_file_wins_over_the_profile_and_an_override_over_both(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("speech: {compute_type: int8_float16, beam_size: 3}")
    speech = load_config(str(file), ["speech.beam_size=2"], "gpu").speech
    assert (speech.device, speech.compute_type, speech.beam_size) == ("cuda", "int8_float16", 2)


def test_no_setting_of_a_build_s_own_stages_depends_on_the_machine() -> None:
    shown = yaml.safe_load(show_config(BuildConfig()))
    assert "auto" not in {str(value) for section in shown.values() for value in section.values()}
    with pytest.raises(ConfigError, match=r"speech\.device"):
        load_config(overrides=["speech.device=auto"])


def test_what_config_show_prints_is_read_back_as_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--profile", "cluster"]) == 0
    file = tmp_path / "ver.yaml"
    file.write_text(capsys.readouterr().out)
    assert load_config(str(file)) == load_config(profile="cluster")


def test_a_section_that_is_no_mapping_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("speech: loud")
    with pytest.raises(ConfigError, match="speech"):
        load_config(str(file), profile="gpu")
