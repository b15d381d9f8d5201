"""Recordings of several parts: all frames of all parts arrive; what does not decode is a reject beside what does."""

from __future__ import annotations

import av
import numbered
import pytest
import videos
from cutting import cut

from ver_pipeline.engine.local_runner import LocalRunner
from ver_pipeline.media.decoded import shortfall
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.shards.workdir import WorkFolder

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-g", "12")
REORDERED = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p")
"""With B-frames: the decoding times of a part begin before the last ones of the part before it."""


def part(path, **drawn):
    return numbered.draw(path, "-muxdelay", "0", "-muxpreload", "0", **{"seconds": 5, "video": REORDERED, **drawn})


@pytest.mark.parametrize("filters", ["null", "scale=240:180"])
def test_parts_that_overlap_by_a_frame_or_two_lose_none(tmp_path, filters):
    one = part(tmp_path / "one.ts")
    two = part(tmp_path / "two.ts", filters=filters)
    with av.open(str(one)) as first, av.open(str(two), "r") as second:
        assert second.start_time < first.start_time + first.duration
    clips = cut(numbered.joined(tmp_path / "both.ts", one, two), tmp_path / "out")
    read = [numbered.read(clip["media_path"]) for clip in clips]
    assert [number for reading in read for number in reading.numbers] == [*range(125), *range(125)]
    for reading in read:
        assert len(reading.flashes_s) >= 1
        for flash_s in reading.flashes_s:
            assert min(abs(flash_s - beep_s) for beep_s in reading.beeps_s) <= 0.06


@pytest.mark.parametrize("codec", [MPEG2, ("-c:v", "libx265", "-x265-params", "log-level=0")], ids=["2", "5"])
def test_a_part_in_another_codec_is_a_reject_and_costs_the_first_part_nothing(tmp_path, codec):
    one, two = part(tmp_path / "one.ts", video=videos.X264), part(tmp_path / "two.ts", video=codec)
    first, lost = cut(numbered.joined(tmp_path / "both.ts", one, two), tmp_path / "out", may_lose=True)
    numbers = numbered.read(first["media_path"]).numbers
    assert numbers[:120] == list(range(120))
    assert lost["reject"]["reason"] == Reason.DECODE_FAILED
    assert "of its 125 frames decode" in lost["reject"]["message"]
    assert lost["reject"]["key"]


@pytest.mark.parametrize(
    ("hole_s", "told"), [((4, 8), "frames_missing"), ((3, 10), "frames_missing reject"), ((4, 4.5), "")]
)
def test_a_dropout_of_seconds_is_told_or_is_no_sample(tmp_path, hole_s, told):
    with av.open(str(part(tmp_path / "film.mp4", seconds=12))) as film, av.open(str(tmp_path / "gap.mkv"), "w") as gap:
        copied = {s.index: gap.add_stream_from_template(s) for s in film.streams}
        for packet in film.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio" or not hole_s[0] <= packet.pts * packet.time_base < hole_s[1]:
                packet.stream = copied[packet.stream_index]
                gap.mux(packet)
    rows = cut(tmp_path / "gap.mkv", tmp_path / "out", may_lose=True, target_s=4.0)
    noted = {note for row in rows if "media" in row for note in row["media"]["not_normalised"]}
    assert noted | {"reject" for row in rows if "reject" in row} == set(told.split())


def test_a_still_in_a_recording_of_variable_rate_is_no_fault(tmp_path):
    slides = "settb=1/1000,setpts='if(lt(N,50),N*40,2000+(N-50)*1500)'"
    path = numbered.draw(tmp_path / "slides.mkv", "-fps_mode", "passthrough", "-enc_time_base", "1/1000",
                         filters=slides, seconds=2.24, audio=())  # fmt: skip
    rows = cut(path, tmp_path / "out")
    assert rows and not [row for row in rows if "reject" in row]


def test_half_of_its_frames_make_a_clip_and_fewer_do_not():
    times_s = [n / 25 for n in range(50)]
    assert shortfall(times_s, 0, 4, 25) is None
    assert shortfall(times_s[:49], 0, 4, 25) == "49 of its 100 frames decode"


class HalfLost:
    """One row, of which one clip of two comes to nothing."""

    name, version, unit, reads, writes, batch_size = "half", "1", "source", ("n",), ("key",), 1

    def __init__(self):
        from ver_pipeline.stages.base import Resources

        self.resources = Resources()

    def fingerprint(self):
        return {}

    def open(self):
        pass

    def run(self, rows):
        reject = {"reason": "decode_failed", "stage": "half", "message": "no", "source_id": None, "uri": None,
                  "key": "b", "retryable": False}  # fmt: skip
        return [[{"key": "a"}, {"reject": reject}] for _ in rows]


class After(HalfLost):
    name, reads, writes = "after", ("key",), ("seen",)

    def run(self, rows):
        return [{"seen": row["key"]} for row in rows]


def test_a_lost_clip_goes_no_further_and_is_counted_also_from_the_cache(tmp_path):
    from ver_pipeline.engine.cache_lookup import CacheLookup

    work = WorkFolder(tmp_path)
    stages = [HalfLost(), After()]
    notes = {}
    runner = LocalRunner(stages, work, lambda name, stats: notes.__setitem__(name, stats), {"key", "seen", "reject"})
    rows = runner([{"n": 1}])
    lookup = CacheLookup(stages, work)
    again = lookup.follow({"n": 1})
    for found in (rows, again):
        assert sorted((row.get("seen"), "reject" in row) for row in found if "reject" not in row) == [("a", False)]
        assert [row["reject"]["key"] for row in found if "reject" in row] == ["b"]
    assert lookup.known["half"].rejected == 1 and lookup.known["half"].rows_out == 1
    assert lookup.known["after"].done == 1
