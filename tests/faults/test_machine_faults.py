"""What the machine does to a build.

Each fault gives the user one clear line or none, and after its cure the same command gives the bytes of a build that
nothing disturbed.  The faults of disk and mounts need root on Linux, for a mount that only the build sees.
"""

from __future__ import annotations

import os
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

PROGRAM = [sys.executable, "-P", "-m", "ver_pipeline"]
Done = subprocess.CompletedProcess[str]
HERE = ("--engine", "local", *builds.QUICK, "--set", "evidence.faces=false")
RAY = ("--engine", "ray", "--cpus", "2", *builds.QUICK, "--set", "evidence.faces=false")
needs_mounts = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root on Linux"
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "raw"
    folder.mkdir()
    videos.good(folder / "a.mp4", 2.5)
    videos.good(folder / "电影 é.mp4", 3.0, hz=500)
    (folder / "notes.txt").write_text("no video")
    return folder


@pytest.fixture(scope="module")
def undisturbed(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = run(raw, out)
    assert done.returncode == 0, done.stderr
    return builds.content(out)


def run(
    raw: Path, out: Path, *, before: str = "", how: tuple[str, ...] = HERE, **kw
) -> subprocess.CompletedProcess[str]:
    """The build; ``before`` is a shell line that comes first in a mount namespace of its own."""
    command = [*PROGRAM, "build", "--source", str(raw), "--out", str(out), *how]
    if before:
        command = ["unshare", "--mount", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **kw)


def start(raw: Path, out: Path, how: tuple[str, ...] = HERE) -> subprocess.Popen[str]:
    # Whoever started these tests may ignore SIGHUP (nohup does), and children inherit that.
    hung_up = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
               "os.execv(sys.argv[1], sys.argv[1:])"]  # fmt: skip
    command = [*hung_up, *PROGRAM, "build", "--source", str(raw), "--out", str(out), *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def one_line(done: Done, says: str) -> None:
    told = [line for line in done.stderr.splitlines() if line.startswith("ver build: ")]
    assert done.returncode == 1, done.stderr
    assert len(told) == 1 and says in told[0], done.stderr
    assert "Traceback" not in done.stderr


CEILINGS = ("VER_INSTRUCTION_SET", "CT2_", "ONEDNN_", "OPENBLAS_", "NPY_", "OPENCV_")
"""Variables under which the whole suite may be run, to hold arithmetic to an instruction set."""


def cured(raw: Path, out: Path, undisturbed: dict[str, str], **kw) -> None:
    """The same command again, without the fault, gives what an undisturbed build gives."""
    done = run(raw, out, **kw)
    assert done.returncode == 0, done.stderr
    assert builds.content(out) == undisturbed


def working(out: Path, *stages: str) -> None:
    """Wait until a build has finished something of each stage."""
    for _ in range(1200):
        if all(any((out / ".ver" / "cache" / stage).rglob("*.json")) for stage in stages):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {stages} within a minute")


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@needs_mounts
@pytest.mark.parametrize("size_kib", [64, 500, 800])
def test_a_disk_that_is_full_stops_the_build_in_one_line_and_keeps_what_was_done(raw, undisturbed, tmp_path, size_kib):
    disk = tmp_path / "disk"
    disk.mkdir()
    kept = tmp_path / "kept"  # what was on the small disk when the build stopped, to go on with on a larger one
    small = f"mount -t tmpfs -o size={size_kib}k tmpfs {disk}"
    command = [*PROGRAM, "build", "--source", str(raw), "--out", str(disk / "out"), *HERE]
    script = f'{small}; "$@"; status=$?; cp -a {disk}/. {kept}; exit $status'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    one_line(done, "no space left")
    shutil.rmtree(disk)
    kept.rename(disk)
    cured(raw, disk / "out", undisturbed)


@needs_mounts
def test_a_read_only_out_is_refused_in_one_line_and_stays_as_it_was(raw, undisturbed, tmp_path):
    out = tmp_path / "out"
    cured(raw, out, undisturbed)
    videos_more = tmp_path / "raw"
    shutil.copytree(raw, videos_more)
    videos.good(videos_more / "c.mp4", 2.5, hz=900)
    done = run(videos_more, out, before=f"mount --bind {out} {out} && mount -o remount,bind,ro {out}")
    assert done.returncode in (1, 2) and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Read-only" in done.stderr or "read-only" in done.stderr
    assert builds.content(out) == undisturbed


def test_an_out_that_is_removed_in_mid_build_costs_this_build_and_nothing_else(raw, undisturbed, tmp_path):
    out = tmp_path / "out"
    process = start(raw, out)
    working(out, "ingest")
    shutil.rmtree(out, ignore_errors=True)
    _, told = process.communicate(timeout=300)
    assert "Traceback" not in told, told
    cured(raw, out, undisturbed)


def test_few_open_files_are_enough(raw, undisturbed, tmp_path):
    limited = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *PROGRAM]
    command = [*limited, "build", "--source", str(raw), "--out", str(tmp_path / "out"), *HERE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert builds.content(tmp_path / "out") == undisturbed


@needs_mounts
def test_a_small_shared_memory_is_enough(raw, undisturbed, tmp_path):
    cured(raw, tmp_path / "out", undisturbed, before="mount -t tmpfs -o size=64m tmpfs /dev/shm", how=RAY)


def test_neither_a_home_nor_a_locale_is_needed(raw, undisturbed, tmp_path):
    ceiling = {name: value for name, value in os.environ.items() if name.startswith(CEILINGS)}
    bare = {"PATH": os.environ["PATH"], "LANG": "C", "LC_ALL": "C", "TMPDIR": str(tmp_path), **ceiling}
    cured(raw, tmp_path / "out", undisturbed, env=bare)


@needs_mounts
def test_another_user_than_root_and_an_install_that_may_not_be_written_are_enough(raw, undisturbed, tmp_path):
    package = Path(builds.__file__).parents[1]
    venv = Path(sys.executable).parents[1]
    sealed = " && ".join(f"mount --bind {p} {p} && mount -o remount,bind,ro {p}" for p in {package, venv})
    command = [*PROGRAM, "build", "--source", str(raw), "--out", str(tmp_path / "out"), *HERE]
    anybody = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{sealed} && exec "$@"', "sh", *anybody],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert builds.content(tmp_path / "out") == undisturbed


def test_a_clock_that_was_set_back_repeats_nothing_and_changes_nothing(raw, undisturbed, tmp_path):
    out = tmp_path / "out"
    cured(raw, out, undisturbed)
    later = time.time() + 400 * 86400
    for path in out.rglob("*"):
        os.utime(path, (later, later))
    done_before = builds.work_done(out)
    cured(raw, out, undisturbed)
    assert builds.work_done(out) == done_before


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_a_build_that_is_told_to_end_leaves_no_process_and_goes_on_later(raw, undisturbed, tmp_path, sent):
    out = tmp_path / "out"
    process = start(raw, out)
    working(out, "ingest")
    children = family(process)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode != 0
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    cured(raw, out, undisturbed)


def test_a_build_that_is_stopped_and_continued_goes_on(raw, undisturbed, tmp_path):
    out = tmp_path / "out"
    process = start(raw, out)
    working(out, "ingest")
    everybody = [psutil.Process(process.pid), *family(process)]
    for one in everybody:
        one.suspend()
    time.sleep(3)
    for one in everybody:
        one.resume()
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert builds.content(out) == undisturbed


def test_a_child_that_is_killed_is_started_again(raw, undisturbed, tmp_path):
    out = tmp_path / "out"
    process = start(raw, out)
    working(out, "ingest")
    for child in family(process):
        if "ver_pipeline.engine.child" in " ".join(child.cmdline()):
            child.kill()
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert builds.content(out) == undisturbed


@pytest.mark.parametrize("when", ["while it starts", "at work"])
def test_a_raylet_that_is_killed_ends_the_build_and_a_rerun_goes_on(raw, undisturbed, tmp_path, when):
    out = tmp_path / "out"
    process = start(raw, out, RAY)
    raylet = None
    while raylet is None and process.poll() is None:
        raylet = next((child for child in family(process) if child.name() == "raylet"), None)
        time.sleep(0.1)
    if when == "at work":
        working(out, "scenes")
    raylet.kill()
    _, told = process.communicate(timeout=300)
    assert process.returncode != 0
    assert when == "at work" or "ver build: Ray did not start" in told  # at work, Ray's native code ends the process
    cured(raw, out, undisturbed)


def test_two_thousand_tiny_sources_are_each_accounted_for(tmp_path):
    many = tmp_path / "raw"
    many.mkdir()
    for number in range(2000):
        (many / f"{number:04d}.mp4").write_bytes(f"no video {number}".encode())
    videos.good(many / "film.mp4", 2.5)
    done = run(many, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert builds.manifest(tmp_path / "out")["counts"]["samples"] == 1
    rejects = builds.rows(tmp_path / "out", "rejects")
    assert {row["uri"] for row in rejects} == {f"{n:04d}.mp4" for n in range(2000)}
    assert {row["reason"] for row in rejects} == {"not_media"}
