"""One small data set, one set of frames and one tiny model for all tests of the trainer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from video_shards import make_data_set, make_web_folder

from ver_pipeline.model.compat import without_progress_bars
from ver_pipeline.model.tiny import write_tiny

torch.set_num_threads(1)  # before any fork: OpenMP threads do not survive one


@pytest.fixture(scope="session")
def sets(tmp_path_factory) -> dict[str, Path]:
    without_progress_bars()
    folder = tmp_path_factory.mktemp("sets")
    return {"shards": make_data_set(folder / "s", n_train=11, n_test=5), "general": make_web_folder(folder / "g", 6)}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    write_tiny(folder)
    return folder
