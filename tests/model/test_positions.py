"""Where tokens stand for the language model: the published formula, on every version of transformers."""

from __future__ import annotations

import pytest
import torch

from ver_pipeline.model.positions import IMAGE, TEXT, VIDEO, rope_positions
from ver_pipeline.model.tiny import tiny_model, tiny_tokenizer


def row(*runs: tuple[int, int]) -> torch.Tensor:
    return torch.tensor([[kind for kind, n in runs for _ in range(n)]])


def positions(kinds, image=None, video=None, step_s=None, mask=None, per_second=4):
    grids = [None if grid is None else torch.tensor(grid) for grid in (image, video)]
    return rope_positions(kinds, *grids, step_s, mask, 2, per_second)


@pytest.mark.parametrize(
    ("step_s", "times"),
    [(1.07, [0, 4, 8, 12, 17, 21, 25]), (0.5, [0, 2, 4, 6, 8, 10, 12]), (0.1, [0, 0, 0, 1, 1, 2, 2])],
)
def test_a_frame_stands_at_its_time_in_fractions_of_a_second(step_s, times):
    found, _ = positions(row((TEXT, 3), (VIDEO, 7), (TEXT, 2)), video=[[7, 2, 2]], step_s=torch.tensor([step_s]))
    assert (found[0, 0, 3:10] - 3).tolist() == times
    assert found[1:, 0, 3:10].tolist() == [[3] * 7] * 2


def test_text_behind_a_video_begins_behind_its_last_frame():
    found, ahead = positions(row((TEXT, 1), (VIDEO, 8), (TEXT, 2)), video=[[8, 2, 2]], step_s=[1.0])
    assert found[:, 0, 9].tolist() == [1 + 28 + 1] * 3
    assert ahead.tolist() == [[32 - 11]]


def test_the_sides_of_an_image_count_in_merged_patches_and_its_time_stands_still():
    found, ahead = positions(row((TEXT, 2), (IMAGE, 6), (TEXT, 1)), image=[[1, 4, 6]])
    assert found[:, 0, 2:8].tolist() == [[2] * 6, [2, 2, 2, 3, 3, 3], [2, 3, 4, 2, 3, 4]]
    assert found[:, 0, 8].tolist() == [5, 5, 5]
    assert ahead.tolist() == [[-3]]


def test_padding_on_either_side_moves_nothing_and_rows_take_their_own_grids():
    kinds = torch.cat([row((TEXT, 3), (VIDEO, 2), (TEXT, 1)), row((TEXT, 2), (VIDEO, 4))])
    mask = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    found, ahead = positions(kinds, video=[[2, 2, 2], [1, 4, 4]], step_s=[0.25, 1.0], mask=mask)
    assert found[0].tolist() == [[1, 1, 0, 1, 2, 3], [0, 1, 2, 2, 2, 2]]
    assert found[2, 1].tolist() == [0, 1, 2, 3, 2, 3]
    assert ahead.tolist() == [[0], [4 - 6]]


def test_the_model_takes_these_positions_and_not_its_library_s():
    """Versions of transformers differ in the fractions of a second, in where text goes on, or in both."""
    model = tiny_model(tiny_tokenizer()).model
    config = model.config
    assert config.vision_config.tokens_per_second == 4
    ids = torch.tensor([[1, *[config.video_token_id] * 5, 2]])
    grid = torch.tensor([[5, 2, 2]])
    found, ahead = model.get_rope_index(ids, video_grid_thw=grid, second_per_grid_ts=torch.tensor([1.07]))
    assert found[0, 0].tolist() == [0, 1, 5, 9, 13, 18, 19]
    assert found[1, 0].tolist() == [0, 1, 1, 1, 1, 1, 19]
    assert ahead.tolist() == [[20 - 7]]


def test_placeholders_that_do_not_fit_their_grid_are_refused():
    with pytest.raises(ValueError, match="3 placeholders in row 0 where its grid has 4 tokens"):
        positions(row((TEXT, 1), (VIDEO, 3)), video=[[4, 2, 2]])
    with pytest.raises(ValueError, match="more runs of placeholders than grids"):
        positions(row((TEXT, 1), (IMAGE, 3)))
