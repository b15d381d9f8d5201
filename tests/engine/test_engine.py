"""The engine on a real Ray: the same rows whatever the machine, and no row lost whatever dies."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import toy_stages as toys

from ver_pipeline.engine import engine as engine_module
from ver_pipeline.engine.engine import Engine, unfinished_chunks
from ver_pipeline.engine.local_runner import LocalRunner
from ver_pipeline.engine.pools import HEADROOM, fit_pools
from ver_pipeline.engine.runner import Runner
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Resources

KEEP = {"text", "key", "part", "reject", "said"}
TEXTS = [*(f"t{i}" for i in range(12)), "bad", "broken"]


def rows() -> list[dict]:
    return [{"uri": f"{text}.mp4", "text": text} for text in TEXTS]


def run(work: WorkFolder, stages, given, cpus: int | None = 2, address: str | None = None) -> list[dict]:
    with Engine(work, cpus, address) as engine:
        return sorted(engine.run(stages, given, KEEP), key=canonical_json)


def expected(out: list[dict]) -> None:
    assert sorted(o["key"] for o in out if "key" in o) == sorted(f"T{i}{part}" for i in range(12) for part in range(3))
    assert sorted(o["reject"]["reason"] for o in out if "reject" in o) == ["decode_failed", "internal_error"]


def test_one_and_two_cpus_give_the_same_rows_and_a_user_s_own_modules_do_not_shadow_ours(tmp_path, monkeypatch):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "__init__.py").write_text("raise RuntimeError('the wrong stages')")
    for name in ("model.py", "schemas.py", "ver_pipeline.py"):
        (tmp_path / name).write_text("raise RuntimeError('the wrong module')")
    monkeypatch.chdir(tmp_path)
    one = run(WorkFolder(tmp_path / "w1"), [toys.Picky(), toys.Fan()], rows(), cpus=1)
    two = run(WorkFolder(tmp_path / "w2"), [toys.Picky(), toys.Fan()], rows(), cpus=2)
    expected(one)
    assert one == two


def test_little_video_runs_here_and_more_of_it_on_ray_with_the_same_rows(tmp_path, monkeypatch):
    started = []
    real = engine_module.RayPools
    monkeypatch.setattr(engine_module, "RayPools", lambda *given: started.append(1) or real(*given))
    stages = [toys.Picky(), toys.Fan()]
    short = [{**row, "source": {"duration_s": 1.0}} for row in rows()]
    long = [{**row, "source": {"duration_s": 3.0}} for row in rows()]
    here = run(WorkFolder(tmp_path / "w1"), stages, short)
    assert not started
    assert run(WorkFolder(tmp_path / "w2"), stages, long) == here
    assert started
    expected(here)


def test_one_long_row_is_shared_out_among_workers_and_gives_the_same_row(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    words = [f"w{n}" for n in range(12)]
    given = [{"uri": "long.mp4", "text": " ".join(words)}]
    stages = [toys.Long(marks), toys.Fan()]
    alone = LocalRunner(stages, WorkFolder(tmp_path / "w1"), lambda *_: None, KEEP)(given)
    for mark in marks.iterdir():
        mark.unlink()
    with Engine(WorkFolder(tmp_path / "w"), cpus=8) as engine:
        shared = sorted(engine.run(stages, given, KEEP), key=canonical_json)
        stats = engine.stats_by_stage()["toy"]
    assert sorted(mark.name.partition("-")[0] for mark in marks.iterdir()) == sorted(words)  # each once
    assert (stats.done, stats.rows_out) == (1, 1)
    kept = [{name: value for name, value in row.items() if name in KEEP} for row in alone]
    assert shared == sorted(kept, key=canonical_json)


def test_chunks_are_shared_out_only_where_workers_would_stand_idle(tmp_path):
    work, stage = WorkFolder(tmp_path / "w"), toys.Long(tmp_path)
    given = [{"uri": "long.mp4", "text": "a b c"}, {"uri": "short.mp4", "text": "d"}]
    assert [chunk["span"] for chunk in unfinished_chunks(stage, given, 8, work)] == [0, 1, 2]
    assert unfinished_chunks(stage, given, 2, work) == []
    Runner(stage, work)([{**given[0], "span": 1}])
    assert [chunk["span"] for chunk in unfinished_chunks(stage, given, 8, work)] == [0, 2]
    assert unfinished_chunks(toys.Picky(), given, 8, work) == []


def test_a_two_node_cluster_gives_the_same_rows(tmp_path):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        expected(run(WorkFolder(tmp_path / "w"), [toys.Picky(), toys.Fan()], rows(), address=cluster.address))
    finally:
        cluster.shutdown()


def test_killed_workers_cost_their_work_in_flight_and_nothing_else(tmp_path):
    class Slow(toys.Picky):
        def one(self, row):
            time.sleep(0.4)
            return super().one(row)

    with Engine(WorkFolder(tmp_path / "w"), 2) as engine:
        out = []
        for row in engine.run([Slow(), toys.Fan()], rows(), KEEP):
            out.append(row)
            if len(out) == 1:
                victims = [
                    p
                    for p in psutil.Process().children(recursive=True)
                    if "StageWorker" in p.name() + "".join(p.cmdline())
                ]
                assert victims
                os.kill(victims[0].pid, signal.SIGKILL)
    expected(out)


def test_finished_work_needs_no_ray(tmp_path, monkeypatch):
    work = WorkFolder(tmp_path / "w")
    stages = [toys.Toy(), toys.Fan()]
    first = run(work, stages, rows()[:3])
    monkeypatch.setattr(engine_module, "RayPools", lambda *_: pytest.fail("Ray was started"))
    assert run(work, stages, rows()[:3]) == first


def test_a_broken_set_up_stops_the_build_with_its_own_words(tmp_path):
    with pytest.raises(VerError, match="left out the column said"):
        run(WorkFolder(tmp_path / "w"), [toys.Careless(), toys.Fan()], rows()[:2])


def test_small_machines_scale_every_stage_down_and_say_so():
    stages = [toys.Toy(), toys.Fan()]
    for stage in stages:
        stage.resources = Resources(cpus=2.0, isolated=True)
    pools = fit_pools(stages, cpus=2, gpus=0)
    assert sum(pool.cpus * pool.min_size for pool in pools) <= HEADROOM * 2 + 1e-9
    assert all("scaled to" in pool.note for pool in pools)
    assert [pool.name for pool in pools] == ["toy+fan"]
    assert [pool.name for pool in fit_pools(stages, cpus=16, gpus=0)] == ["toy", "fan"]
    stages[0].resources = Resources(gpus=1.0)
    with pytest.raises(VerError, match="asks for 1 GPU"):
        fit_pools(stages, cpus=2, gpus=0)


def test_a_cluster_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(VerError, match="no Ray cluster answers at"):
        run(WorkFolder(tmp_path / "w"), [toys.Toy(), toys.Fan()], rows()[:1], address="127.0.0.1:1")


def test_no_child_of_a_worker_outlives_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VER_TEST_MARK", str(tmp_path))  # other builds on this machine have children too
    run(WorkFolder(tmp_path / "w"), [toys.Poison(), toys.Fan()], rows()[:4])
    deadline = time.time() + 20
    while left := [p for p in psutil.process_iter() if is_marked_child(p, str(tmp_path))]:
        if time.time() > deadline:
            pytest.fail(f"still running: {left}")
        time.sleep(0.2)


def is_marked_child(process: psutil.Process, mark: str) -> bool:
    try:
        named = "ver_pipeline.engine.child" in process.cmdline()
        return named and process.environ().get("VER_TEST_MARK") == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False
