"""What ffmpeg says of a film is the same whenever it says it: reject messages are published."""

from __future__ import annotations

import ffmpeg as build
import films
import pytest

from ver_pipeline.stages.media import ffmpeg


def test_ffmpegs_complaints_hold_no_addresses(tmp_path):
    film = films.encrypted(tmp_path / "locked.mp4", films.good(tmp_path / "plain.mp4", 3.0))
    said = []
    for _ in range(2):
        with pytest.raises(ffmpeg.FfmpegError) as caught:
            ffmpeg.run(build.input(str(film)).audio.output("-", format="null", xerror=None))
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "0x" not in said[0]
