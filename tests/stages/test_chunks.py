"""A long video cut in parts: the same clips, frame for frame and audio for audio, as if it were cut whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import videos
from test_clip import bright_s, cut, frames, loud_s


def dense(path: Path, rate: str, container: str = "mp4", seconds: float = 24) -> Path:
    """A video in which every frame differs from its neighbours, with a beep a second."""
    out = path.with_suffix(f".{container}")
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=320x240:r={rate}:d={seconds}")
    audio = ("-f", "lavfi", "-i", f"aevalsrc=0.8*sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.1):s=48000:d={seconds}")
    videos.ffmpeg(*picture, *audio, *videos.X264, "-c:a", "aac", out)
    return out


@pytest.mark.parametrize(("rate", "container"), [("25", "mp4"), ("60", "mp4"), ("30000/1001", "mkv")])
def test_parts_give_the_clips_of_the_whole_video(tmp_path, rate, container):
    video = dense(tmp_path / "film", rate, container)
    whole = cut(video, tmp_path / "whole", crf=12, max_s=6.0)
    dealt = cut(video, tmp_path / "dealt", crf=12, max_s=6.0, chunk_s=10.0)
    assert len(whole) >= 4
    assert [c["key"] for c in dealt] == [c["key"] for c in whole]
    for one, other in zip(whole, dealt, strict=True):
        assert {**one["clip"], "phash": ()} == {**other["clip"], "phash": ()}
        a, b = frames(one["media_path"]), frames(other["media_path"])
        assert len(a) == len(b)
        # testsrc2 moves every frame: a frame off by one would differ by far more than the codec's own noise.
        assert max(float(np.abs(x.astype(int) - y).mean()) for x, y in zip(a, b, strict=True)) < 3
        assert loud_s(one["media_path"]) == pytest.approx(loud_s(other["media_path"]), abs=0.0015)


def test_audio_and_frame_stay_in_step_in_every_part(tmp_path):
    video = videos.flash_and_beep(tmp_path / "beeps.mp4", 24)
    clips = cut(video, tmp_path / "media", max_s=5.0, chunk_s=10.0)
    seen = [
        (flash, beep)
        for clip in clips
        for flash in bright_s(clip["media_path"])
        for beep in loud_s(clip["media_path"])
        if abs(flash - beep) < 0.5
    ]
    assert len(seen) >= 12
    assert all(abs(flash - beep) <= 0.04 for flash, beep in seen), seen


def test_words_and_neighbours_cross_the_seams(tmp_path):
    video = videos.good(tmp_path / "film.mp4", 24.0)
    words = [(f"w{i}", i + 0.1, i + 0.6) for i in range(24)]
    clips = cut(video, tmp_path / "media", words=words, max_s=5.0, chunk_s=10.0)
    heard = [word["word"] for clip in clips for word in clip["speech"]["words"]]
    assert heard == [word for word, _, _ in words]
    assert [clip["clip"]["next_key"] for clip in clips] == [*(clip["key"] for clip in clips[1:]), None]
    assert [clip["clip"]["prev_key"] for clip in clips] == [None, *(clip["key"] for clip in clips[:-1])]
    spans = [(clip["clip"]["start_s"], clip["clip"]["end_s"]) for clip in clips]
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]


def test_what_is_said_past_the_last_frame_stands_at_the_end_of_the_last_clip(tmp_path):
    video = videos.good(tmp_path / "film.mp4", 5.0)
    words = [("early", 1.0, 1.5), ("over", 4.9, 5.2), ("late", 5.3, 5.8), ("lost", 6.2, 6.6)]
    (clip,) = cut(video, tmp_path / "media", words=words)
    end_s = clip["clip"]["end_s"]
    told = [(word["word"], word["start_s"], word["end_s"]) for word in clip["speech"]["words"]]
    assert told == [("early", 1.0, 1.5), ("over", 4.9, end_s), ("late", end_s, end_s)]
    assert all(segment["end_s"] <= end_s for segment in clip["speech"]["segments"])
