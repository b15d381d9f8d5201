"""What a video shows and says arrives true: every frame once, whole, in its own colours, in step with the audio.

Read back from the cut clips: each drawn frame carries its number, and every full second a flash and a beep.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numbered
import numpy as np
import pytest
import videos
from cutting import cut

from ver_pipeline.media.audio_check import OutOfStepError, check_step
from ver_pipeline.schemas.config import IngestConfig

IN_STEP_S = 0.02
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-g", "12")


def readings(path: Path, out: Path, **settings):
    clips = cut(path, out, **settings)
    return clips, [numbered.read(clip["media_path"]) for clip in clips]


def check_in_step(clips, read) -> None:
    """Flash and beep begin together, up to a frame and 20 ms, in every clip that holds both."""
    compared = 0
    for clip, reading in zip(clips, read, strict=True):
        frame_s = 1 / clip["clip"]["fps"]
        for flash_s in reading.flashes_s:
            near = min((abs(flash_s - beep_s) for beep_s in reading.beeps_s), default=9.0)
            if flash_s < clip["clip"]["duration_s"] - 0.1:
                assert near <= frame_s + IN_STEP_S, (clip["clip"]["start_s"], reading.flashes_s, reading.beeps_s)
                compared += 1
    assert compared >= 2


def check_all_frames(read, step: int = 1, first: int = 0, last: int | None = None) -> None:
    """Every frame, once, in order."""
    numbers = [number for reading in read for number in reading.numbers]
    assert set(np.diff(numbers).tolist()) == {step}, numbers
    assert numbers[0] == first
    assert last is None or numbers[-1] == last


@pytest.mark.parametrize("scan", ["tff", "bff"])
@pytest.mark.parametrize("flagged", [True, False])
def test_interlaced_video_is_deinterlaced_whatever_its_flags_say(tmp_path, scan, flagged):
    flags = ("-flags", "+ilme+ildct") if flagged else ()
    codec = (*MPEG2, *flags) if flagged else videos.X264
    path = numbered.draw(tmp_path / "fields.mkv", rate="50", filters=f"interlace=scan={scan}:lowpass=off", video=codec)
    clips, read = readings(path, tmp_path / "out")
    assert {clip["media"]["normalised"] for clip in clips} == {("deinterlaced",)}
    assert {clip["clip"]["fps"] for clip in clips} == {25.0}
    check_in_step(clips, read)
    assert max(combs(clip["media_path"]) for clip in clips) < 0.01
    assert combs(path) > 0.02


def combs(path: str | Path) -> float:
    """The largest share of pixels in a frame of the bar's rows that stand out from the lines above and below."""
    worst = 0.0
    with av.open(str(path)) as clip:
        for decoded in list(clip.decode(video=0))[3:]:
            rows = decoded.to_ndarray(format="gray").astype(int)
            rows = rows[round(0.4 * len(rows)) : round(0.6 * len(rows))]
            up, down = rows[1:-1] - rows[:-2], rows[1:-1] - rows[2:]
            worst = max(worst, float(((up * down > 400) & (np.abs(up - down) < 40)).mean()))
    return worst


def test_telecined_video_gives_back_the_frames_of_the_film(tmp_path):
    path = numbered.draw(
        tmp_path / "telecined.mpg", rate="24000/1001", seconds=8, filters="telecine=first_field=top", video=MPEG2,
        audio=("-c:a", "mp2"),
    )  # fmt: skip
    clips, read = readings(path, tmp_path / "out")
    assert {clip["media"]["normalised"] for clip in clips} == {("inverse_telecine",)}
    assert {clip["clip"]["fps"] for clip in clips} == {23.976024}
    check_all_frames(read, last=191)
    check_in_step(clips, read)


def test_progressive_video_that_is_flagged_as_interlaced_is_left_alone(tmp_path):
    path = numbered.draw(tmp_path / "psf.mpg", video=(*MPEG2, "-flags", "+ilme+ildct"), audio=("-c:a", "mp2"))
    clips, read = readings(path, tmp_path / "out")
    assert {clip["media"]["normalised"] for clip in clips} == {()}
    check_all_frames(read)


@pytest.mark.parametrize("strength", [40, 100])
def test_grain_is_not_taken_for_fields(tmp_path, strength):
    grain = f"noise=alls={strength}:allf=t"
    path = numbered.draw(tmp_path / "grain.mp4", filters=grain, video=(*videos.X264, "-crf", "18"))
    clips, read = readings(path, tmp_path / "out")
    assert {clip["media"]["normalised"] for clip in clips} == {()}
    check_all_frames(read)


@pytest.mark.parametrize(
    ("rate", "kept", "step"),
    [
        ("30.03", 30.03, 1), ("30000/1001", 29.97003, 1), ("50", 25.0, 2), ("60", 30.0, 2), ("60000/1001", 29.97003, 2),
        ("60.02", 30.01, 2), ("120", 30.0, 4), ("144", 28.8, 5), ("12", 12.0, 1), ("48", 24.0, 2),
    ],
)  # fmt: skip
def test_a_frame_rate_is_kept_or_divided_evenly(tmp_path, rate, kept, step):
    path = numbered.draw(tmp_path / "rate.mp4", rate=rate, seconds=5)
    clips, read = readings(path, tmp_path / "out")
    assert {clip["clip"]["fps"] for clip in clips} == {kept}
    check_all_frames(read, step)
    check_in_step(clips, read)


def test_a_rate_a_little_over_the_cap_loses_a_little(tmp_path):
    path = numbered.draw(tmp_path / "rate.mp4", rate="31", seconds=5)
    clips, read = readings(path, tmp_path / "out")
    assert {clip["clip"]["fps"] for clip in clips} == {30.0}
    numbers = [number for reading in read for number in reading.numbers]
    assert set(np.diff(numbers).tolist()) == {1, 2}
    assert len(numbers) >= 0.96 * 5 * 31


@pytest.mark.parametrize("mean", ["30.06", "29.94"])
def test_a_telephone_s_uneven_clock_a_hair_off_the_cap_loses_no_frame(tmp_path, mean):
    """Frames 5 ms early and late by turns, as cameras give them."""
    uneven = f"settb=1/90000,setpts='N*90000/{mean}+450*mod(N*7,3)'"
    path = numbered.draw(tmp_path / "phone.mp4", "-fps_mode", "passthrough", "-enc_time_base", "1/90000",
                         rate=mean, filters=uneven)  # fmt: skip
    clips, read = readings(path, tmp_path / "out")
    assert {round(clip["clip"]["fps"]) for clip in clips} == {30}
    check_all_frames(read)


def stream(path: Path, *options: str, **drawn) -> Path:
    drawn = {"seconds": 4, "audio": ("-c:a", "mp2"), **drawn}
    return numbered.draw(path, "-muxdelay", "0", "-muxpreload", "0", *options, **drawn)


CHANGES = {
    "sample rate": {"audio_rate_hz": 44_100},
    "channels": {"channels": 2},
    "size": {"filters": "scale=240:180"},
    "shape": {"filters": "scale=320:180,setsar=1"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_mid_stream_moves_nothing(tmp_path, change):
    one = stream(tmp_path / "one.ts")
    two = stream(tmp_path / "two.ts", "-output_ts_offset", "4", **CHANGES[change])
    clips, read = readings(numbered.joined(tmp_path / "both.ts", one, two), tmp_path / "out")
    assert len({(clip["clip"]["width"], clip["clip"]["height"]) for clip in clips}) == 1
    check_in_step(clips, read)
    numbers = [number for reading in read for number in reading.numbers]
    assert numbers.count(0) <= 2
    missing = set(range(100)) - set(numbers)
    assert len(missing) <= 2, missing  # a frame at the seam that the container's own times put on another's place
    beeps = sum(len(reading.beeps_s) for reading in read)
    assert beeps >= 5


@pytest.mark.parametrize("offset_s", [95_443.7 - 3, 90.0, 0.0])
def test_a_clock_that_jumps_or_wraps_runs_on(tmp_path, offset_s):
    """Recordings joined one behind another, and a transport stream across its clock's 33 bits (26.5 hours)."""
    one = numbered.as_stream(tmp_path / "one.ts", stream(tmp_path / "a.ts"), offset_s)
    two = numbered.as_stream(tmp_path / "two.ts", stream(tmp_path / "b.ts"), 20.0)
    joined = one if offset_s > 90_000 else numbered.joined(tmp_path / "both.ts", one, two)
    clips, read = readings(joined, tmp_path / "out")
    numbers = [number for reading in read for number in reading.numbers]
    check_in_step(clips, read)
    expected = 100 if offset_s > 90_000 else 200
    assert abs(len(numbers) - expected) <= 2
    assert not set(range(100)) - set(numbers)


@pytest.mark.parametrize("late", ["-0.3", "0.3"])
@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "late.ts"])
def test_late_audio_and_late_frames_stay_in_step(tmp_path, late, name):
    plain = numbered.draw(tmp_path / "plain.mp4")
    path = tmp_path / name
    videos.ffmpeg("-itsoffset", late, "-i", plain, "-i", plain, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    shift_s = float(late)
    clips, read = readings(path, tmp_path / "out")
    found = [
        clip["clip"]["start_s"] + beep_s - (clip["clip"]["start_s"] + flash_s)
        for clip, reading in zip(clips, read, strict=True)
        for flash_s in reading.flashes_s
        for beep_s in reading.beeps_s
        if abs(beep_s - flash_s + shift_s) < 0.2
    ]
    assert len(found) >= 2
    assert all(abs(one + shift_s) <= 0.04 + IN_STEP_S for one in found), found


def test_a_video_that_begins_inside_an_open_group_begins_at_its_first_whole_frame(tmp_path):
    options = ("-c:v", "libx264", "-preset", "fast", "-x264-params", "open-gop=1:keyint=50:min-keyint=50:scenecut=0")
    whole = stream(tmp_path / "whole.ts", seconds=8, video=options)
    data = whole.read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(data[len(data) * 3 // 10 // 188 * 188 :])
    clips, read = readings(path, tmp_path / "out")
    numbers = [number for reading in read for number in reading.numbers]
    assert set(np.diff(numbers).tolist()) == {1}
    assert numbers[-1] == 199
    check_in_step(clips, read)
    assert clips[0]["clip"]["start_s"] > 0.1


@pytest.mark.parametrize(
    ("flags", "told", "used"),
    [
        (("-disposition:a:0", "0", "-disposition:a:1", "default"), None, 1),
        (("-disposition:a:0", "default", "-disposition:a:1", "0"), None, 0),
        (("-disposition:a:0", "default", "-disposition:a:1", "0"), "zh", 1),
        (("-disposition:a:0", "default+comment", "-disposition:a:1", "0"), None, 1),
        (("-disposition:a:0", "default", "-metadata:s:a:0", "title=Director's commentary"), None, 1),
        (("-disposition:a:0", "default+dub", "-disposition:a:1", "0"), None, 1),
    ],
)  # fmt: skip
def test_the_audio_track_is_chosen_by_a_rule(tmp_path, flags, told, used):
    plain = numbered.draw(tmp_path / "plain.mp4")
    other = videos.good(tmp_path / "other.mp4", 6.0)
    path = tmp_path / "two.mkv"
    videos.ffmpeg(
        "-i", plain, "-i", other, "-map", "0:v", "-map", "0:a", "-map", "1:a", "-c", "copy",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=chi", *flags, path,
    )  # fmt: skip
    entry = {"language": told} if told else {}
    source = cut(path, tmp_path / "out", entry=entry, whole_rows=True)[0]["source"]
    assert (source["audio_track"], source["audio_tracks"]) == (used, 2)
    assert source["audio_language"] == ("en", "zh")[used]
    clips = cut(path, tmp_path / "again", entry=entry)
    assert bool(numbered.read(clips[0]["media_path"]).beeps_s) is (used == 0)


def test_the_user_s_audio_track_goes_before_the_rule(tmp_path):
    plain, other = numbered.draw(tmp_path / "plain.mp4"), videos.good(tmp_path / "other.mp4", 6.0)
    path = tmp_path / "two.mkv"
    videos.ffmpeg("-i", plain, "-i", other, "-map", "0:v", "-map", "0:a", "-map", "1:a", "-c", "copy", path)
    used = [cut(path, tmp_path / str(n), ingest=IngestConfig(audio_track=n), whole_rows=True)[0] for n in (0, 1, 7)]
    assert [row["source"]["audio_track"] for row in used] == [0, 1, 0]
    assert [bool(numbered.read(row["media_path"]).beeps_s) for row in used] == [True, False, True]


@pytest.mark.parametrize(("claim", "codec"), [(b"A_DTS", "dca"), (b"A_XYZ", "unknown")])
def test_audio_that_does_not_decode_leaves_a_silent_video_that_says_so(tmp_path, claim, codec):
    plain = numbered.draw(tmp_path / "plain.mkv", audio=("-c:a", "ac3"))
    path = tmp_path / "broken.mkv"
    path.write_bytes(plain.read_bytes().replace(b"A_AC3", claim))
    rows = cut(path, tmp_path / "out", whole_rows=True)
    source = rows[0]["source"]
    assert source["audio_codec"] == codec
    assert (source["audio_track"], source["audio_tracks"]) == (None, 1)
    assert not any(row["clip"]["has_audio"] for row in rows)
    check_all_frames([numbered.read(row["media_path"]) for row in rows])


@pytest.mark.parametrize("off_s", [-0.12, -0.03, 0.0, 0.03, 0.2])
def test_audio_out_of_step_by_more_than_20_ms_is_found(tmp_path, off_s):
    noise = "anoisesrc=d=4:c=pink:a=0.5:seed=7"
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    videos.ffmpeg("-f", "lavfi", "-i", noise, one)
    moved = f"adelay={off_s * 1000}" if off_s >= 0 else f"atrim={-off_s},asetpts=PTS-STARTPTS"
    videos.ffmpeg("-f", "lavfi", "-i", noise, "-af", moved, "-c:a", "pcm_s16le", two)
    compared = (two, str(one), 0, Fraction(0), Fraction(3))
    if abs(off_s) <= 0.02:
        check_step(*compared)
        return
    with pytest.raises(OutOfStepError, match=re.escape(f"{1000 * off_s:+.0f} ms")):
        check_step(*compared)


def test_the_frame_rate_of_a_clip_is_stated_by_a_rule():
    from ver_pipeline.media.encode import clip_grid

    assert clip_grid(31, 30) == 30
    assert clip_grid(30.2, 30) == Fraction(151, 5)
    assert clip_grid(50, 30) == 25
    assert clip_grid(29.97003, 30) == Fraction(30_000, 1001)
    assert clip_grid(29.97003, 30, telecined=True) == Fraction(24_000, 1001)
    assert clip_grid(40, 30) == 30


@pytest.mark.parametrize("scan", ["progressive", "bff"])
def test_a_clock_that_counts_whole_frames_loses_none(tmp_path, scan):
    """AVI's stamps are numbers of frames: a half of one cannot be said in them."""
    fields = {"progressive": ("25", "null"), "bff": ("50", "interlace=scan=bff:lowpass=off")}
    rate, filters = fields[scan]
    codec = ("-c:v", "ffvhuff", "-pix_fmt", "yuv420p")
    path = numbered.draw(tmp_path / "frames.avi", rate=rate, filters=filters, video=codec, audio=("-c:a", "pcm_s16le"))
    clips, read = readings(path, tmp_path / "out")
    numbers = [number for reading in read for number in reading.numbers]
    assert len(numbers) == 150
    assert numbers[0] <= 1
    check_in_step(clips, read)
    found = [min(abs(f - b) for b in one.beeps_s) for one in read for f in one.flashes_s]
    assert max(found) <= IN_STEP_S


def test_a_cover_picture_before_the_video_is_not_taken_for_it(tmp_path):
    plain, cover, path = numbered.draw(tmp_path / "plain.mp4"), tmp_path / "cover.jpg", tmp_path / "covered.mp4"
    videos.ffmpeg(*videos.picture(1.0, "600x600"), "-frames:v", "1", cover)
    flags = ("-disposition:v:1", "attached_pic")
    videos.ffmpeg("-i", plain, "-i", cover, "-map", "0", "-map", "1", "-c", "copy", *flags, path)
    path.write_bytes(with_metadata_first(path.read_bytes()))
    with av.open(str(path)) as video:
        assert video.streams.video[0].codec_context.name == "mjpeg"
    clips, read = readings(path, tmp_path / "out")
    assert {(clip["clip"]["width"], clip["clip"]["height"]) for clip in clips} == {(320, 240)}
    check_all_frames(read, last=149)


def with_metadata_first(mp4: bytes) -> bytes:
    """The box of metadata moved before those of the tracks; the index must be the file's last box."""
    at = mp4.rindex(b"moov") - 4
    boxes, place = [], at + 8
    while place < len(mp4):
        size = int.from_bytes(mp4[place : place + 4], "big")
        boxes.append(mp4[place : place + size])
        place += size
    boxes.sort(key=lambda box: (b"mvhd", b"udta", b"trak").index(box[4:8]))
    return mp4[: at + 8] + b"".join(boxes)


def test_damaged_packets_hide_no_fields(tmp_path):
    filters, codec = "interlace=lowpass=off,setfield=prog", (*videos.X264, "-g", "1")
    whole, path = tmp_path / "whole.mkv", tmp_path / "damaged.mkv"
    numbered.draw(whole, rate="50", filters=filters, video=codec, audio=())
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            damaged = av.Packet(b"\0\0\0\x02\x65\xff") if number % 10 == 3 else packet
            damaged.pts, damaged.dts, damaged.time_base = packet.pts, packet.dts, packet.time_base
            damaged.is_keyframe, damaged.stream = packet.is_keyframe, stream
            out.mux(damaged)
    clips = cut(path, tmp_path / "out")
    assert {clip["media"]["normalised"] for clip in clips} == {("deinterlaced",)}
