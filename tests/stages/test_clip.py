"""Clips: exact to the frame, audio in step, nothing hidden, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
import videos
from cutting import cut

from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.schemas.record_media import Clip, Media, Speech
from ver_pipeline.shards.tombstone_hash import tombstone_of
from ver_pipeline.stages.withdraw import WithdrawStage


def frames(path: str | Path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]


def loud_s(path: str) -> list[float]:
    """Times at which the audio starts to be loud, as a player shows them (edit list applied)."""
    with av.open(path) as video:
        stream = video.streams.audio[0]
        level, times = [], []
        for frame in video.decode(stream):
            samples = frame.to_ndarray()[0]
            start = float(frame.pts * frame.time_base)
            for i in range(0, len(samples), 48):
                level.append(float(np.abs(samples[i : i + 48]).max()))
                times.append(start + i / stream.rate)
    on = np.array(level) > 0.2
    return [times[i] for i in range(1, len(on)) if on[i] and not on[max(0, i - 300) : i].any()]


def bright_s(path: str) -> list[float]:
    with av.open(path) as video:
        shown = [(float(f.pts * f.time_base), f.to_ndarray(format="gray").mean()) for f in video.decode(video=0)]
    return [at for at, light in shown if light > 128]


@pytest.fixture(scope="module")
def shot_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.shots(tmp_path_factory.mktemp("clip") / "shots.mp4", (3.0, 4.0, 3.0))


def test_clips_begin_and_end_on_the_very_frame_of_the_cut(shot_video, tmp_path):
    clips = cut(shot_video, tmp_path, crf=10)
    assert [(c["clip"]["start_s"], c["clip"]["end_s"]) for c in clips] == [(0, 3), (3, 7), (7, 10)]
    video = frames(shot_video)
    for clip in clips:
        got = frames(clip["media_path"])
        first = round(clip["clip"]["start_s"] * 25)
        assert len(got) == clip["clip"]["n_frames"]
        for i in (0, len(got) // 2, len(got) - 1):
            own = np.abs(got[i].astype(int) - video[first + i]).mean()
            assert own < 8, (clip["key"], i, own)


def test_audio_and_frame_stay_in_step(tmp_path):
    video = videos.flash_and_beep(tmp_path / "beeps.mp4")
    clips = cut(video, tmp_path / "media", max_s=5.0)
    assert len(clips) >= 3
    total = 0
    for clip in clips:
        flashes, beeps = bright_s(clip["media_path"]), loud_s(clip["media_path"])
        seen = [(f, b) for f in flashes for b in beeps if abs(f - b) < 0.5]
        total += len(seen)
        # A frame lasts 0.04 s and the level is read every 0.001 s; AAC smears a beep by up to a frame of it.
        assert all(abs(f - b) <= 0.04 for f, b in seen), seen
    assert total >= 6


def test_a_video_whose_audio_starts_late_keeps_its_offset(tmp_path):
    video = videos.flash_and_beep(tmp_path / "beeps.mp4", 6)
    late = tmp_path / "late.mkv"
    videos.ffmpeg("-i", video, "-itsoffset", "0.5", "-i", video, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    clip = cut(late, tmp_path / "media", min_s=5.0)[0]
    flashes, beeps = bright_s(clip["media_path"]), loud_s(clip["media_path"])
    apart = [min(abs(beep - flash - 0.5) for flash in flashes) for beep in beeps]
    assert len(beeps) >= 3
    assert max(apart) <= 0.045


@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_the_same_video_gives_the_same_bytes_and_no_pre_roll(shot_video, tmp_path, mode):
    once, again = (cut(shot_video, tmp_path / name, mode=mode) for name in ("a", "b"))
    assert [c["media"]["sha256"] for c in once] == [c["media"]["sha256"] for c in again]
    for clip in once:
        assert hashlib.sha256(Path(clip["media_path"]).read_bytes()).hexdigest() == clip["media"]["sha256"]
        with av.open(clip["media_path"]) as video:
            packets = [p for p in video.demux(video=0) if p.size]
        assert packets[0].is_keyframe
        assert len(packets) == clip["clip"]["n_frames"]


def test_copy_mode_copies_where_boundaries_are_keyframes_and_encodes_where_not(shot_video, tmp_path):
    keyed = tmp_path / "keyed.mp4"
    videos.ffmpeg("-i", shot_video, *videos.X264, "-force_key_frames", "3", "-sc_threshold", "0", "-g", "250", keyed)
    modes = [c["media"]["mode"] for c in cut(keyed, tmp_path / "media", mode="copy")]
    assert modes == ["copy", "encode", "encode"]
    video = frames(keyed)
    for clip in cut(keyed, tmp_path / "media", mode="copy", crf=10):
        first = round(clip["clip"]["start_s"] * 25)
        assert np.abs(frames(clip["media_path"])[0].astype(int) - video[first]).mean() < 8


@pytest.mark.parametrize("odd", ["larger than max_side", "stretched"])
def test_copy_mode_copies_no_frame_that_an_encoded_one_would_not_be_like(tmp_path, odd):
    shape = ("-vf", "setsar=4/3") if odd == "stretched" else ()
    video = tmp_path / "film.mp4"
    videos.ffmpeg(*videos.picture(2.0), *shape, *videos.X264, video)
    limit = {"max_side": 128} if odd == "larger than max_side" else {}
    (clip,) = cut(video, tmp_path / "media", mode="copy", **limit)
    assert clip["media"]["mode"] == "encode"
    plain = tmp_path / "plain.mp4"
    videos.ffmpeg(*videos.picture(2.0), *videos.X264, plain)
    (clip,) = cut(plain, tmp_path / "media", mode="copy")
    assert clip["media"]["mode"] == "copy"


def test_copy_mode_hides_no_frame_of_an_open_group(tmp_path):
    opened = tmp_path / "open.mp4"
    groups = "open-gop=1:bframes=1:b-adapt=0:b-pyramid=none"
    codec = ("-c:v", "libx264", "-preset", "medium", "-pix_fmt", "yuv420p", "-x264-params", groups)
    videos.ffmpeg(*videos.picture(8.0), *codec, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", opened)
    clips = cut(opened, tmp_path / "media", mode="copy", min_s=2.0, max_s=2.0)
    assert [c["clip"]["n_frames"] for c in clips] == [50] * 4
    video = frames(opened)
    for number, clip in enumerate(clips):
        shown = frames(clip["media_path"])
        assert len(shown) == 50, clip["media"]["mode"]
        for i in (0, 49):
            assert np.abs(shown[i].astype(int) - video[50 * number + i]).mean() < 8


def test_odd_videos_become_plain_clips(tmp_path):
    plain = videos.good(tmp_path / "plain.mp4")
    made = {
        "variable": videos.variable_rate(tmp_path / "variable.mp4"),
        "turned": videos.rotated(tmp_path / "turned.mp4", plain),
        "hevc": videos.ten_bit_hevc(tmp_path / "hevc.mp4"),
        "pcm": videos.pcm_in_mkv(tmp_path / "pcm.mkv"),
        "silent": videos.silent(tmp_path / "silent.mp4"),
    }
    for name, video in made.items():
        (clip,) = cut(video, tmp_path / "media")
        Clip(**{**clip["clip"], "phash": tuple(clip["clip"]["phash"]), "shot_cuts_s": ()})
        Media(**clip["media"])
        Speech.model_validate(clip["speech"], strict=False)
        assert clip["media"]["audio_codec"] == (None if name == "silent" else "aac"), name
        with av.open(clip["media_path"]) as stored:
            video = stored.streams.video[0]
            assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert (clip["clip"]["width"], clip["clip"]["height"]) == (256, 144)


def test_a_turned_video_is_stored_upright(tmp_path):
    plain = videos.good(tmp_path / "plain.mp4")
    (clip,) = cut(videos.rotated(tmp_path / "turned.mp4", plain), tmp_path / "media")
    assert (clip["clip"]["width"], clip["clip"]["height"]) == (240, 320)


def test_large_frames_are_capped_and_fast_ones_halved(tmp_path):
    video = tmp_path / "large.mp4"
    videos.ffmpeg(*videos.picture(3.0, "1280x720", "50"), *videos.X264, video)
    (clip,) = cut(video, tmp_path / "media", max_side=320)
    assert (clip["clip"]["width"], clip["clip"]["height"], clip["clip"]["fps"]) == (320, 180, 25.0)


def test_words_go_to_the_clip_that_holds_them(shot_video, tmp_path):
    words = [("one", 0.5, 1.0), ("two", 2.6, 3.05), ("three", 6.5, 7.4), ("four", 9.5, 9.9)]
    clips = cut(shot_video, tmp_path, words)
    for at in (c["clip"]["start_s"] for c in clips):
        assert not [w for w in words[2:] if w[1] + 0.02 < at < w[2] - 0.02]


def test_a_video_that_is_too_short_is_a_reject(tmp_path):
    with pytest.raises(AssertionError, match="too_short"):
        cut(videos.silent(tmp_path / "blink.mp4", 0.5), tmp_path / "media")


def test_a_clip_carries_what_is_said_before_and_after_it(shot_video, tmp_path):
    said = (("first", 1.0, 1.5), ("second", 4.0, 4.5), ("third", 8.0, 8.5))
    clips = cut(shot_video, tmp_path, said)
    assert [clip["speech"]["text"] for clip in clips] == ["first", "second", "third"]
    told = [(clip["context"]["before"], clip["context"]["after"]) for clip in clips]
    assert told == [(None, "second"), ("first", "third"), ("second", None)]


def test_the_words_of_a_withdrawn_neighbour_are_forgotten(shot_video, tmp_path):
    said = (("first", 1.0, 1.5), ("second", 4.0, 4.5), ("third", 8.0, 8.5))
    clips = cut(shot_video, tmp_path, said)
    stage = WithdrawStage(frozenset({tombstone_of(clips[0]["key"])}))
    gone, second, third = stage.run(clips)
    assert isinstance(gone, Reject)
    assert (second["context"], second["clip"]["prev_key"]) == ({"before": None, "after": "third"}, None)
    assert third["context"] == clips[2]["context"]
