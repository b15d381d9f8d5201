"""The runner: done work is not repeated, changed work is, and no row is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import toy_stages as toys

from ver_pipeline.dag import check_columns
from ver_pipeline.engine.cache import Cache, project, stage_digest, unit_key
from ver_pipeline.engine.runner import Runner
from ver_pipeline.schemas.errors import DiskFullError, MissingDependencyError, VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.shards.workdir import WorkFolder


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work")


def row(text: str, **more) -> dict:
    return {"uri": f"{text}.mp4", "text": text, **more}


def test_finished_work_is_not_repeated_and_a_changed_setting_repeats_it(work, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    for expected, setting in ((1, "a"), (1, "a"), (2, "b"), (2, "a")):
        out = Runner(toys.Noting(marks, setting), work)([row("x")])
        assert out == [row("x", said="X")]
        assert len(list(marks.iterdir())) == expected


def test_columns_that_a_stage_does_not_read_do_not_repeat_it(work, tmp_path):
    runner = Runner(toys.Noting(tmp_path), work)
    runner([row("x", other=1)])
    runner([row("x", other=2, path="/elsewhere")])
    assert runner.stats.cached == 1


def test_of_a_row_that_comes_apart_only_the_chunks_that_are_missing_are_done_again(work, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    (failed,) = Runner(toys.Long(marks), work)([row("soon late last")])
    assert failed["reject"]["reason"] == "timeout"
    assert failed["reject"]["uri"] == "soon late last.mp4"
    runner = Runner(toys.Long(marks), work)
    assert runner([row("soon late last")]) == [row("soon late last", said="SOON LATE LAST")]
    assert sorted(mark.name.partition("-")[0] for mark in marks.iterdir()) == ["last", "late", "late", "soon"]
    assert (runner.stats.done, runner.stats.rows_out, runner.stats.rejected) == (1, 1, 0)


def test_a_stage_sees_only_the_columns_it_declared(work):
    (out,) = Runner(toys.Nosy(), work)([row("x", secret="y")])
    assert out["reject"]["reason"] == "internal_error"
    assert "secret" in out["reject"]["message"]


def test_a_failing_row_takes_no_neighbour_with_it(work):
    out = Runner(toys.Picky(), work)([row("a"), row("bad"), row("broken"), row("b")])
    assert [o.get("said") for o in out] == ["A", None, None, "B"]
    assert [o["reject"]["reason"] for o in out[1:3]] == ["decode_failed", "internal_error"]
    assert out[1]["reject"]["uri"] == "bad.mp4"


def test_rejects_are_remembered_unless_a_rerun_may_succeed(work):
    runner = Runner(toys.Picky(), work)
    runner([row("bad"), row("broken")])
    runner([row("bad"), row("broken")])
    assert (runner.stats.done, runner.stats.cached, runner.stats.rejected) == (4, 1, 4)


def test_a_rejected_row_passes_later_stages_untouched(work):
    rejected = row("x", reject={"reason": "too_short"})
    assert Runner(toys.Picky(), work)([rejected]) == [rejected]


def test_a_stage_that_forgets_a_column_stops_the_build(work):
    with pytest.raises(VerError, match="left out the column said"):
        Runner(toys.Careless(), work)([row("x")])


def test_a_cut_off_cache_entry_counts_as_none(work):
    runner = Runner(toys.Toy(), work)
    runner([row("x")])
    (entry,) = work.root.rglob("*.json")
    entry.write_bytes(entry.read_bytes()[:-5])
    runner([row("x")])
    assert runner.stats.cached == 0


def test_a_cache_entry_whose_file_is_gone_or_short_counts_as_none(work):
    media = work.root / "media" / "x.mp4"
    media.parent.mkdir(parents=True)
    media.write_bytes(b"12345")
    cache = Cache(work, "clip")
    cache.put("ab" * 32, [{"media_path": str(media)}])
    assert cache.get("ab" * 32) == [{"media_path": str(media)}]
    media.write_bytes(b"123")
    assert cache.get("ab" * 32) is None
    media.unlink()
    assert cache.get("ab" * 32) is None


def test_a_moved_data_set_keeps_its_cache(work, tmp_path):
    (work.root / "media").mkdir(parents=True)
    (work.root / "media" / "x.mp4").write_bytes(b"1")
    Cache(work, "clip").put("ab" * 32, [{"media_path": str(work.root / "media" / "x.mp4")}])
    os.rename(work.root, tmp_path / "moved")
    moved = WorkFolder(tmp_path / "moved")
    assert Cache(moved, "clip").get("ab" * 32) == [{"media_path": str(tmp_path / "moved" / "media" / "x.mp4")}]


def test_a_key_depends_on_what_was_read_and_on_the_stage_alone():
    given = {"source": {"id": "1", "uri": "a"}, "path": "/a", "other": 1}
    reads = ("source.id", "path")
    assert project(given, reads) == {"source": {"id": "1"}, "path": "/a"}
    key = unit_key("s", project(given, reads))
    assert key == unit_key("s", project({**given, "path": "/b", "other": 2}, reads))
    assert key != unit_key("t", project(given, reads))
    assert stage_digest(toys.Noting(Path("/a"), "a")) != stage_digest(toys.Noting(Path("/a"), "b"))


def test_a_dag_whose_columns_do_not_fit_is_refused_before_anything_runs():
    with pytest.raises(VerError, match="stage fan reads said"):
        check_columns([toys.Fan(), toys.Toy()], given=("text",))
    check_columns([toys.Toy(), toys.Fan()], given=("text",))


def test_a_crashing_or_hanging_input_is_rejected_after_two_tries_and_the_next_goes_on(work):
    runner = Runner(toys.Poison(), work)
    try:
        out = runner([row("a"), row("die"), row("hang"), row("b")])
    finally:
        runner.close()
    assert [o.get("said") for o in out] == ["A", None, None, "B"]
    assert [o["reject"]["reason"] for o in out[1:3]] == [Reason.CRASHED, Reason.TIMEOUT]
    assert "signal 6" in out[1]["reject"]["message"]


@pytest.mark.parametrize("isolated", [False, True])
def test_a_full_disk_stops_the_build_and_rejects_nothing(work, isolated):
    runner = Runner(toys.Full(isolated), work)
    try:
        with pytest.raises(DiskFullError, match="no space left on the disk"):
            runner([row("x")])
    finally:
        runner.close()
    assert runner.stats.rejected == 0


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("where", ["open", "one"])
def test_a_package_that_is_not_installed_stops_the_build_and_rejects_nothing(work, isolated, where):
    runner = Runner(toys.Bare(isolated, where), work)
    try:
        with pytest.raises(MissingDependencyError, match=r'pip install "ver-pipeline\[teacher\]"'):
            runner([row("x")])
    finally:
        runner.close()
    assert runner.stats.rejected == 0


def test_a_reject_is_a_row_with_a_code_a_stage_and_a_message():
    made = Reject(Reason.TIMEOUT, "scenes", "too slow", source_id="1").to_row()
    assert made == {
        "reason": "timeout", "stage": "scenes", "message": "too slow", "source_id": "1", "uri": None, "key": None,
        "retryable": True,
    }  # fmt: skip
