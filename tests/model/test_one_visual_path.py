"""Training, evaluation, inference and the local annotator show a model the same tensors of the same file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import videos
from video_shards import make_sample, write_data_set

from ver_pipeline.annotators.backends.transformers import GenerationEngine
from ver_pipeline.annotators.options import TransformersOptions
from ver_pipeline.annotators.teacher.chat import Chat
from ver_pipeline.model.data.samples import DataSpec, open_source
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.evaluate import answers
from ver_pipeline.model.loading import load_checkpoint
from ver_pipeline.model.tiny import write_tiny
from ver_pipeline.model.vision import Sampling

torch.set_num_threads(1)

SAMPLING = Sampling(fps=2.0, min_frames=2, max_frames=24, max_pixels=112 * 112)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder)
    return folder


@pytest.fixture(params=["mp4", "mkv"])
def longer_audio(request, tmp_path) -> Path:
    """Two seconds of video, five of audio: the container's duration is not the video's."""
    path = tmp_path / f"longer.{request.param}"
    videos.ffmpeg(*videos.picture(2.0, "128x96"), *videos.tone(5.0), *videos.X264, "-c:a", "aac", path)
    return path


def test_every_way_to_the_model_shows_the_same_frames_of_a_file_whose_audio_is_longer(
    tiny, longer_audio, tmp_path, monkeypatch
):
    data = longer_audio.read_bytes()
    folder = write_data_set(tmp_path / "set", [make_sample(0, "train", media=data)])
    model, tokenizer, preprocess = load_checkpoint(tiny, "cpu", "float32")

    spec = DataSpec("shards", tasks=("label",), sampling=SAMPLING)
    trained = open_source(spec, folder).build(0, tokenizer, (0, 0)).visual
    assert trained.grid[0] == 2  # 2 s at 2 fps are 4 frames, 2 a patch

    inferred = preprocess(longer_audio, "?", sampling=SAMPLING)
    assert torch.equal(inferred["pixel_values_videos"], trained.patches)

    shown = []
    monkeypatch.setattr(answers, "generate", lambda m, t, encoded, n: shown.extend(encoded) or [""] * len(encoded))
    list(answers.answers(model, tokenizer, open_shards(folder), ("label",), ("en",), sampling=SAMPLING))
    assert torch.equal(shown[0].visual.patches, trained.patches)

    options = TransformersOptions(model=str(tiny), fps=2.0, n_frames=24, max_side=112)
    engine = GenerationEngine(tiny, options)
    told = engine._encode(Chat("annotate", "system", "user", {}, {}, media_path=str(longer_audio)))
    assert torch.equal(told.visual.patches, trained.patches)
