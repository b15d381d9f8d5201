"""Videos made up at random keep their frames, their order and their step; ``VER_VIDEO_EXAMPLES`` asks for more."""

from __future__ import annotations

import os

import numbered
import pytest
import recipes
from cutting import cut

EXAMPLES = int(os.environ.get("VER_VIDEO_EXAMPLES", "8"))


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_a_video_made_up_at_random_arrives_whole_and_in_step(tmp_path, seed):
    recipe = recipes.random_recipe(seed)
    clips = cut(recipes.make(recipe, tmp_path / "in"), tmp_path / "out")
    found = recipes.faults(recipe, clips, [numbered.read(clip["media_path"]) for clip in clips])
    assert not found, (recipe, found)
