"""Promises 2 and 3: the same bytes whatever the machine and however often a build was killed; only what
depends on a change is done again; readers see a whole data set at all times."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import builds
import psutil
import pytest
import videos

from ver_pipeline.cli import main
from ver_pipeline.engine.engine import Engine
from ver_pipeline.shards.names import names_of

KILLS = [("local", 4.0), ("ray", 12.0)] * 5
"""Where the build to kill runs, and the latest moment to kill it, in seconds."""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("same") / "raw"
    folder.mkdir()
    videos.shots(folder / "a.mp4", (3.0, 2.5))
    videos.good(folder / "b.mp4", 3.0)
    videos.truncated(folder / "c.mp4", folder / "b.mp4")
    return folder


@pytest.fixture(scope="module")
def undisturbed(raw: Path) -> Path:
    out = raw.parent / "undisturbed"
    done = builds.ver("build", "--source", raw, "--out", out, "--engine", "ray", "--cpus", "1", *builds.QUICK)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("where", [("--engine", "ray", "--cpus", "2"), ("--engine", "local")], ids=" ".join)
def test_ray_with_one_or_two_cpus_and_no_ray_at_all_give_the_same_bytes(raw, undisturbed, tmp_path, where):
    done = builds.ver("build", "--source", raw, "--out", tmp_path / "o", *where, *builds.QUICK)
    assert done.returncode == 0, done.stderr
    assert builds.content(tmp_path / "o") == builds.content(undisturbed)
    assert builds.manifest(tmp_path / "o")["dataset_id"] == builds.manifest(undisturbed)["dataset_id"]


def test_a_two_node_cluster_gives_the_same_bytes(raw, undisturbed, tmp_path):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        where = ("--source", raw, "--out", tmp_path / "o", "--ray-address", cluster.address)
        done = builds.ver("build", *where, *builds.QUICK)
        assert done.returncode == 0, done.stderr
    finally:
        cluster.shutdown()
    assert builds.content(tmp_path / "o") == builds.content(undisturbed)


def test_a_build_killed_at_ten_random_moments_resumes_to_identical_bytes_and_repeats_no_finished_work(
    raw, undisturbed, tmp_path
):
    out = tmp_path / "o"
    chance = random.Random(20261122)
    command = ("build", "--source", raw, "--out", out, *builds.QUICK)
    for engine, longest_s in KILLS:
        before = builds.work_done(out)
        process = builds.start(*command, "--engine", engine)
        # From the first import to well into the stages: a whole build of these videos takes longer than this.
        time.sleep(chance.uniform(0.3, longest_s))
        finished = process.poll() is not None
        if not finished:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _wait_for_orphans(out)
        assert not before - builds.work_done(out), "finished work was lost"
    kept = builds.work_done(out)
    done = builds.ver(*command)
    assert done.returncode == 0, done.stderr
    assert builds.content(out) == builds.content(undisturbed)
    run = builds.last_run(out)
    repeated = {s: row for s, row in run.items() if s != "total" and row["n_cached"] < min(kept[s], row["rows_in"])}
    assert not repeated
    assert builds.work_done(out) == builds.work_done(undisturbed)


def test_a_worker_killed_in_mid_build_changes_no_byte(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    process = builds.start("build", "--source", raw, "--out", out, "--engine", "ray", *builds.QUICK)
    victim = _first_worker_at_work(process, out)
    victim.kill()
    assert process.wait(timeout=300) == 0
    assert builds.content(out) == builds.content(undisturbed)


def _first_worker_at_work(build: subprocess.Popen[bytes], out: Path) -> psutil.Process:
    """The Ray worker that holds the sources' stages, once the first of them is through with a video."""
    deadline = time.time() + 120
    while time.time() < deadline and build.poll() is None:
        if builds.work_done(out)["scenes"]:
            for process in psutil.Process(build.pid).children(recursive=True):
                if "MapWorker" in " ".join(process.cmdline()) and process.children():
                    return process
        time.sleep(0.05)
    pytest.fail("no worker was seen at work")


def _wait_for_orphans(out: Path) -> None:
    """A killed driver's workers see their parent die and stop; none may still write when the next build starts."""
    deadline = time.time() + 30
    while time.time() < deadline:
        left = [p for p in psutil.process_iter(["name", "cmdline"]) if _is_worker(p.info)]
        if not left:
            return
        time.sleep(0.2)


def _is_worker(info: dict) -> bool:
    text = " ".join(info["cmdline"] or [])
    return "StageWorker" in text or "ver_pipeline.engine.child" in text


def test_a_killed_build_leaves_the_published_data_set_whole(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(undisturbed, out)
    before = builds.content(out)
    change = ("--set", "clip.crf=30", "--engine", "ray")
    process = builds.start("build", "--source", raw, "--out", out, *change, *builds.QUICK)
    time.sleep(8)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _wait_for_orphans(out)
    assert builds.content(out) == before


def test_a_finished_build_repeats_nothing_and_writes_nothing(raw, undisturbed):
    before = builds.content(undisturbed)
    stamps = _stamps(undisturbed)
    assert builds.ver("build", "--source", raw, "--out", undisturbed, *builds.QUICK).returncode == 0
    run = builds.last_run(undisturbed)
    assert not [s for s, row in run.items() if s != "total" and row["n_cached"] != row["rows_in"]]
    assert builds.content(undisturbed) == before
    assert _stamps(undisturbed) == stamps


def test_a_published_file_that_was_touched_is_written_again(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(undisturbed, out)
    before = builds.content(out)
    shard = next(out.glob("*.tar"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert builds.ver("build", "--source", raw, "--out", out, *builds.QUICK).returncode == 0
    assert builds.content(out) == before


def test_a_work_folder_in_which_nothing_is_whole_costs_time_and_changes_no_byte(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(undisturbed, out)
    before = builds.content(out)
    rubbish = itertools.cycle(
        [b"null", b"[]", b"7", b"", b"[" * 100_000, b'{"rows":[{"x_path":"../../x"}],"files":{}}']
    )
    for path in sorted((out / ".ver").rglob("*")):
        if path.is_file() and path.name != "lock":
            path.write_bytes(next(rubbish))
    done = builds.ver("build", "--source", raw, "--out", out, *builds.QUICK)
    assert done.returncode == 0, done.stderr
    assert builds.content(out) == before
    assert {row["stage"]: row["n_cached"] for row in builds.rows(out, "runs")}["clip"] == 0


def _stamps(out: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file() and ".ver" not in p.parts}


def test_a_changed_annotator_reruns_annotate_and_later_only(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(undisturbed, out)
    change = ("--set", "annotate.min_tier=A")
    assert builds.ver("build", "--source", raw, "--out", out, *builds.QUICK, *change).returncode == 0
    run = builds.last_run(out)
    assert not [s for s in ("scenes", "speech", "clip", "evidence") if run[s]["n_cached"] != run[s]["rows_in"]]
    assert run["annotate"]["n_cached"] == 0


def test_adding_a_video_runs_that_video_only_and_deleting_it_removes_its_samples(raw, undisturbed, tmp_path):
    folder, out = tmp_path / "raw", tmp_path / "o"
    shutil.copytree(raw, folder)
    shutil.copytree(undisturbed, out)
    videos.good(folder / "d.mp4", 2.5, hz=440)
    assert builds.ver("build", "--source", folder, "--out", out, *builds.QUICK).returncode == 0
    run = builds.last_run(out)
    assert run["clip"]["rows_in"] - run["clip"]["n_cached"] == 1
    assert builds.manifest(out)["counts"]["samples"] == builds.manifest(undisturbed)["counts"]["samples"] + 1
    (folder / "d.mp4").unlink()
    assert builds.ver("build", "--source", folder, "--out", out, *builds.QUICK).returncode == 0
    assert builds.content(out) == builds.content(undisturbed)
    listed = names_of(builds.manifest(out)) | {"manifest.json"}
    here = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() and ".ver" not in p.parts}
    assert here == listed


@pytest.mark.parametrize(
    ("engine", "after_s"), [("local", 0.3), ("local", 3), ("ray", 0.4), ("ray", 4), ("ray", 6), ("ray", 9)]
)
def test_ctrl_c_stops_cleanly_says_how_to_go_on_and_leaves_no_worker(raw, tmp_path, engine, after_s):
    command = [
        sys.executable,
        "-P",
        "-m",
        "ver_pipeline",
        "build",
        "--source",
        raw,
        "--out",
        tmp_path / "o",
        "--engine",
        engine,
        *builds.QUICK,
    ]
    process = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=_hears_ctrl_c
    )
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if after_s < 1 and process.returncode == -signal.SIGINT:
        return  # on a busy machine Python itself still starts, and ends by the signal before the program is in charge
    assert process.returncode == 130
    assert b"Run the same command again to go on" in said
    assert b"Traceback" not in said
    _wait_for_orphans(tmp_path / "o")
    assert not (tmp_path / "o" / "manifest.json").exists()


def test_a_ctrl_c_that_a_library_swallows_stops_the_build_all_the_same(raw, tmp_path, monkeypatch, capsys):
    real, before = Engine.run, signal.getsignal(signal.SIGINT)

    def swallowing(self, stages, rows, keep):
        if len(stages) == 1:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return real(self, stages, rows, keep)

    monkeypatch.setattr(Engine, "run", swallowing)
    where = ["--source", str(raw), "--out", str(tmp_path / "o"), *builds.QUICK]
    assert main(["build", *where]) == 130
    assert "Run the same command again to go on" in capsys.readouterr().err
    assert not (tmp_path / "o" / "manifest.json").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_ctrl_c_that_is_swallowed_again_and_again_stops_a_long_build_in_seconds(raw, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ver_pipeline.interrupt.AGAIN_S", 0.2)
    swallowed = []

    def deaf(self, stages, rows, keep):
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            try:
                if not swallowed:
                    signal.raise_signal(signal.SIGINT)
                time.sleep(30)
            except KeyboardInterrupt:
                swallowed.append(1)
                if len(swallowed) == 4:
                    raise
        yield

    monkeypatch.setattr(Engine, "run", deaf)
    began_s = time.monotonic()
    assert main(["build", "--source", str(raw), "--out", str(tmp_path / "o"), *builds.QUICK]) == 130
    assert time.monotonic() - began_s < 15
    assert len(swallowed) == 4
    assert "Run the same command again to go on" in capsys.readouterr().err


def test_a_ctrl_c_inside_a_destructor_ends_the_command_without_a_traceback():
    program = """
import signal, time, ver_pipeline.cli as cli
class Late:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
def command(arguments, chosen):
    Late()
    time.sleep(30)
cli._run = command
cli.run()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=20, check=False, preexec_fn=_hears_ctrl_c
    )
    assert done.returncode == 130
    assert done.stderr.decode() == "\nver : stopped. Run the same command again to go on.\n"


def _hears_ctrl_c() -> None:
    """A shell starts what runs in the background with Ctrl-C switched off, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_two_builds_into_one_data_set_at_once_are_refused(raw, undisturbed):
    with open(undisturbed / ".ver" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = builds.ver("build", "--source", raw, "--out", undisturbed, *builds.QUICK)
    assert done.returncode == 1
    assert "another build or annotation is writing" in done.stderr


def test_a_dropped_clip_stays_out_of_every_later_build_and_is_named_nowhere(raw, undisturbed, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(undisturbed, out)
    victim, video = (builds.rows(out, "clips")[0][name] for name in ("key", "media_sha256"))
    assert builds.ver("drop", out, "--where", f"key = '{victim}'").returncode == 0
    assert builds.ver("build", "--source", raw, "--out", out, *builds.QUICK).returncode == 0
    # The video was cut again, clip and all: nothing of that is kept.
    assert not [p for p in out.rglob("*") if p.is_file() and victim.encode() in p.read_bytes()]
    assert not [p for p in out.rglob("*.mp4") if hashlib.sha256(p.read_bytes()).hexdigest() == video]
    assert victim not in {row["key"] for row in builds.rows(out, "clips")}
    (reject,) = [row for row in builds.rows(out, "rejects") if row["reason"] == "takedown"]
    assert reject["key"] is None
    assert builds.manifest(out)["counts"]["samples"] == builds.manifest(undisturbed)["counts"]["samples"] - 1
