"""ffmpeg's words and ffmpeg's absence, told so that people can act on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import videos

from ver_pipeline.media import ffmpeg
from ver_pipeline.schemas.errors import MissingDependencyError


def test_ffmpegs_complaints_hold_no_addresses(tmp_path):
    video = videos.encrypted(tmp_path / "locked.mp4", videos.good(tmp_path / "plain.mp4", 3.0))
    said = []
    for _ in range(2):
        with pytest.raises(ffmpeg.FfmpegError) as caught:
            ffmpeg.run(ffmpeg.video_input().audio.output("-", format="null", xerror=None), video)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "0x" not in said[0]


@pytest.fixture
def fresh_ffmpeg() -> Iterator[None]:
    remembered = (ffmpeg.ffmpeg_path, ffmpeg.ffmpeg_version)
    for cached in remembered:
        cached.cache_clear()
    yield
    for cached in remembered:
        cached.cache_clear()


@pytest.mark.parametrize("program", ["/nowhere/ffmpeg", "/bin/true", "/bin/false"])
@pytest.mark.usefixtures("fresh_ffmpeg")
def test_a_named_program_that_is_no_ffmpeg_says_so(monkeypatch, program):
    monkeypatch.setenv("VER_FFMPEG", program)
    with pytest.raises(MissingDependencyError, match=program):
        ffmpeg.ffmpeg_version()
