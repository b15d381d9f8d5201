"""Stages as Ray Data actor pools, streaming, with bounded memory.  The only file that knows Ray.

Rows travel as JSON bytes and never hold media.  Each worker runs a ``Chain`` (cache, isolation, rejects)
and reports what it did to a board that the driver reads.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.engine.child import die_with_parent
from ver_pipeline.engine.local_runner import LocalRunner, live_columns
from ver_pipeline.engine.pools import fit_pools
from ver_pipeline.engine.runner import StageStats
from ver_pipeline.hardware.instruction_set import NATIVE, environment, held
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Row, Stage

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

COLUMN = "row"
BLOCK_BYTES = 64 << 10
"""Small blocks, so that the clips of one long video spread over many workers."""

OBJECT_STORE_BYTES = 256 << 20
CONNECT_LIMIT_S = 5.0
COLLECTOR_LIMIT_S = 60.0


class StageWorker:
    """One actor: a chain of stages, fed with tables of JSON rows."""

    def __init__(self, stages: Sequence[Stage], work: WorkFolder, collector: Any, wanted: frozenset[str]) -> None:
        logging.getLogger("ver_pipeline").setLevel(logging.WARNING)
        die_with_parent()  # Ray's own way out was seen to hang: a worker outlived its killed driver for minutes
        self._local_runner = LocalRunner(
            stages, work, lambda stage, stats: collector.note.remote(stage, asdict(stats)), wanted
        )
        self._collector = collector

    def __call__(self, table: pa.Table) -> pa.Table:
        """Bring a table of rows (one column of JSON) through the stages: a table of what came out, rejects among it.

        Raises:
            VerError: the build as a whole cannot go on; the collector knows why.
        """
        rows = [json.loads(data) for data in table.column(COLUMN).to_pylist()]
        try:
            return _table(self._local_runner(rows))
        except VerError as error:
            import ray

            ray.get(self._collector.fail.remote(error))  # Ray's own wrapping of exceptions loses the cause
            raise


class StatsCollector:
    """Sums what all workers did, per stage."""

    def __init__(self) -> None:
        self.stats_by_stage: dict[str, dict[str, float]] = {}
        self.failure: VerError | None = None

    def note(self, stage: str, stats: dict[str, float]) -> None:
        """Add a worker's counts and seconds to those of ``stage``."""
        known = self.stats_by_stage.setdefault(stage, dict.fromkeys(stats, 0))
        for name, value in stats.items():
            known[name] += value

    def fail(self, error: VerError) -> None:
        """Remember what ended the build; of several failures the first."""
        self.failure = self.failure or error

    def failed(self) -> VerError | None:
        """What ended the build; None while nothing has."""
        return self.failure

    def read(self) -> dict[str, dict[str, float]]:
        """The sums so far: stage to the fields of ``engine.runner.StageStats``."""
        return self.stats_by_stage


class RayPools:
    """Ray, started or joined when this is made.

    Args:
        cpus: logical CPUs to offer (all of the host's when None); ignored when joining a cluster.
        address: a cluster to join, None to start one on this machine.

    Raises:
        VerError: Ray does not start, or nobody answers at ``address``.
    """

    def __init__(self, work: WorkFolder, cpus: int | None, address: str | None) -> None:
        self.work = work
        self.notes: list[str] = []
        self._empty = tempfile.TemporaryDirectory(prefix="ver-")
        self._collector = _start(Path(self._empty.name), cpus, address)

    def stop(self, interrupted: bool) -> None:
        """Let go of Ray.  After Ctrl-C its orderly shutdown was seen to crash the process; its own processes
        die with the driver anyway."""
        if not interrupted:
            import ray

            ray.shutdown()
        self._empty.cleanup()

    def stats_by_stage(self) -> dict[str, StageStats]:
        """What each stage did so far, over all workers."""
        import ray

        read: dict[str, dict[str, Any]] = ray.get(self._collector.read.remote(), timeout=COLLECTOR_LIMIT_S)
        return {name: StageStats(**values) for name, values in read.items()}

    def workers(self, stage: Stage) -> int:
        """How many workers a stage may have when it has the cluster to itself."""
        import ray

        resources = ray.cluster_resources()
        return fit_pools([stage], resources.get("CPU", 1.0), resources.get("GPU", 0.0))[0].max_size

    def run(self, stages: Sequence[Stage], rows: Sequence[Row], keep: set[str]) -> Iterator[Row]:
        """Finished rows in any order, with the columns in ``keep`` and those that say what a row is.

        Raises:
            VerError: when a stage cannot work at all, or a worker cannot be kept alive.
        """
        import ray
        from ray.exceptions import RayTaskError

        resources = ray.cluster_resources()
        pools = fit_pools(stages, resources.get("CPU", 1.0), resources.get("GPU", 0.0))
        self.notes += [f"{pool.name} {pool.note}" for pool in pools if pool.note]
        _quiet_context()
        data = ray.data.from_items([{COLUMN: canonical_json(row)} for row in rows], override_num_blocks=len(rows))
        live = dict(zip((stage.name for stage in stages), live_columns(stages, keep), strict=True))
        for pool in pools:
            constructor = {"work": self.work, "collector": self._collector, "wanted": live[pool.stages[-1].name]}
            data = data.map_batches(
                StageWorker,
                fn_constructor_kwargs={"stages": pool.stages, **constructor},
                batch_size=max(stage.batch_size for stage in pool.stages),
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=pool.min_size, max_size=pool.max_size),
                num_cpus=pool.cpus,
                num_gpus=pool.gpus or None,
                zero_copy_batch=True,
            )
        try:
            for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                yield from (json.loads(blob) for blob in batch.column(COLUMN).to_pylist())
        except RayTaskError as error:
            failure: VerError | None = ray.get(self._collector.failed.remote())
            if failure is not None:
                raise failure from None
            raise VerError(f"a worker failed: {error}", "run the same command again; with -vv it says more") from error


def _start(empty: Path, cpus: int | None, address: str | None) -> Any:
    """Start or join Ray and make the board.  Ray puts the driver's folder first on every worker's path, where a
    user's model.py would shadow ours: it is started from the folder ``empty``."""
    import ray
    import ray.data

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is not None:
        _prove_reachable(address)
    here = Path.cwd()
    os.chdir(empty)
    try:
        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": log.isEnabledFor(logging.DEBUG)}
        with _no_chatter():
            if address is None:
                local: dict[str, Any] = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES}
                ray.init(address="local", include_dashboard=False, **local, **quiet)
            else:
                ray.init(address=address, runtime_env=_travelling_code(empty) | _held_there(), **quiet)
    except Exception as error:  # Ray raises a plain Exception where a part of it dies while it starts
        cure = "check --ray-address" if address else "run `ver doctor`"
        raise VerError(f"Ray did not start: {error}", cure) from error
    finally:
        os.chdir(here)
    return ray.remote(num_cpus=0)(StatsCollector).remote()


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Ray's native code writes a line about its log level to descriptor 2; its errors come as exceptions."""
    sys.stderr.flush()
    saved_stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(saved_stderr)


def _prove_reachable(address: str) -> None:
    """Ray itself waits for minutes on an address where nobody listens."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or a client address that Ray resolves itself
    try:
        socket.create_connection((host, int(port)), CONNECT_LIMIT_S).close()
    except OSError as error:
        raise VerError(f"no Ray cluster answers at {address}: {error}", "check --ray-address") from error


def _table(rows: Sequence[Row]) -> pa.Table:
    import pyarrow as pa

    return pa.table({COLUMN: pa.array([canonical_json(row) for row in rows], pa.binary())})


def _quiet_context() -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = BLOCK_BYTES
    context.retry_exceptions = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _held_there() -> dict[str, Any]:
    """Workers of a cluster that is joined do not inherit this process's environment."""
    return {} if held() == NATIVE else {"env_vars": environment(held())}


def _travelling_code(folder: Path) -> dict[str, Any]:
    """A runtime environment that carries this package to every worker."""
    import shutil

    package = Path(__file__).resolve().parents[1]
    target = folder / "code" / package.name
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    empty = folder / "empty"
    empty.mkdir()
    return {"working_dir": str(empty), "py_modules": [str(target)]}
