"""ray_cluster.yaml is what Ray accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

PATH = Path(__file__).parents[2] / "ray_cluster.yaml"


def checked(config: dict) -> dict:
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(config)
    validate_config(prepared)
    return prepared


def test_the_cluster_file_passes_ray_s_own_schema():
    prepared = checked(yaml.safe_load(PATH.read_text()))
    assert prepared["cluster_name"] == "ver"
    assert prepared["provider"]["type"] == "local"


def test_the_check_can_fail():
    config = yaml.safe_load(PATH.read_text())
    with pytest.raises(Exception, match="unknown_key"):
        checked({**config, "unknown_key": 1})
