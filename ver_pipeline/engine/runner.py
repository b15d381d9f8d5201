"""One stage at work on rows: what is done is taken from the cache, the rest is run, nothing is lost.

Knows nothing of Ray: the engine puts a runner into an actor, a test calls it directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ver_pipeline.engine.cache import Cache, project, stage_digest, unit_key
from ver_pipeline.engine.fence import run_fenced
from ver_pipeline.engine.isolation import IsolatedStage
from ver_pipeline.engine.machine import machine_fault
from ver_pipeline.schemas.errors import DISK_FULL, DiskFullError, VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import CHUNK, FILE, Chunked, Metered, Outcome, Row, Stage, file_state


@dataclass
class StageStats:
    """What a runner did: units done (of which from the cache), rejected, rows out, and seconds at work;
    tokens and money are those that the stage says it spent on this work alone (``take_spent``)."""

    done: int = 0
    cached: int = 0
    rejected: int = 0
    rows_out: int = 0
    busy_s: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    gpu_hours: float = 0.0
    n_unseen: int = 0


@dataclass
class Runner:
    """Runs one stage over rows that carry all columns so far.

    A row that holds ``reject`` passes through untouched.  ``open`` happens at the first row that is not
    in the cache, so a finished build loads no model.  ``when_busy`` is called each time before it goes to work.
    """

    stage: Stage
    work: WorkFolder
    stats: StageStats = field(default_factory=StageStats)
    when_busy: Callable[[], None] | None = None
    _opened: bool = False
    _isolated: IsolatedStage | None = None

    def __post_init__(self) -> None:
        self._id = stage_digest(self.stage)
        self._cache = Cache(self.work, self.stage.name)

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """Rows out: each input's results in order, or the input with a ``reject`` added."""
        started = time.perf_counter()
        inputs = [None if "reject" in row else project(row, self.stage.reads) for row in rows]
        keys = [None if g is None else unit_key(self._id, relativize(g, self.work)) for g in inputs]
        outcomes_known: list[Any] = [None if key is None else self._cache.get(key) for key in keys]
        todo = [i for i, key in enumerate(keys) if key is not None and outcomes_known[i] is None]
        for i, outcome in zip(todo, self._run([g for i in todo if (g := inputs[i]) is not None]), strict=True):
            outcomes_known[i] = self._named(self._of_the_same_file(outcome, rows[i]), rows[i])
            self._store(str(keys[i]), outcomes_known[i])
        out: list[Row] = []
        for i, row in enumerate(rows):
            out.extend([row] if inputs[i] is None else self._joined(row, outcomes_known[i], cached=i not in todo))
        self.stats.busy_s += time.perf_counter() - started
        if todo and isinstance(self.stage, Metered):
            for name, amount in self.stage.take_spent().items():
                setattr(self.stats, name, getattr(self.stats, name) + amount)
        return out

    def launch(self) -> None:
        """Start the child process, if the stage works in one, without waiting until it is ready."""
        if self.stage.resources.isolated:
            self._isolated = self._isolated or IsolatedStage(self.stage)
            self._isolated.launch()

    def close(self) -> None:
        """End the child process, if there is one."""
        if self._isolated is not None:
            self._isolated.close()

    def _run(self, given: list[Row]) -> list[Outcome]:
        if isinstance(self.stage, Chunked):
            return [self._run_in_chunks(row, self.stage) for row in given]
        return self._run_whole(given)

    def _run_in_chunks(self, row: Row, stage: Chunked) -> Outcome:
        """The row's outcome from its chunks, each kept as soon as it is done."""
        chunks = stage.chunks(row)
        if not chunks:
            return self._run_whole([row])[0]
        outcomes: list[Row] = []
        for chunk in chunks:
            key = unit_key(self._id, relativize(chunk, self.work))
            outcome = self._cache.get(key)
            if outcome is None:
                outcome = self._named(self._of_the_same_file(self._run_whole([chunk])[0], row), row)
                self._store(key, outcome)
            if isinstance(outcome, Reject):
                return outcome
            outcomes.extend(outcome)
        return stage.join(outcomes)

    def _run_whole(self, given: list[Row]) -> list[Outcome]:
        if not given:
            return []
        if self.when_busy is not None:
            self.when_busy()
        if self.stage.resources.isolated:
            self._isolated = self._isolated or IsolatedStage(self.stage)
            return [self._isolated.run_one(row) for row in given]
        if not self._opened:
            self._open()
        return run_fenced(self.stage, given)

    def _open(self) -> None:
        try:
            self.stage.open()
        except ModuleNotFoundError as error:
            fault = machine_fault(error)
            if fault is not None:
                raise fault from error
            raise
        self._opened = True

    def _of_the_same_file(self, outcome: Outcome, row: Row) -> Outcome:
        """The outcome, unless the file that it was made from is no longer the one that was hashed."""
        if not {"path", FILE} <= set(self.stage.reads) or file_state(row["path"]) == row[FILE]:
            return outcome
        message = "the file was replaced, cut or written to since it was hashed; run the command again"
        return Reject(Reason.CHANGED_SOURCE, self.stage.name, message)

    def _store(self, key: str, outcome: list[Row] | Reject) -> None:
        try:
            self._cache.put(key, outcome)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise DiskFullError.from_os(error) from error
            raise

    def _named(self, outcome: Outcome, row: Row) -> list[Row] | Reject:
        """The outcome as rows, checked against what the stage declared; a reject says whose it is."""
        if isinstance(outcome, Reject):
            source = row.get("source") or {}
            nameless = outcome.reason is Reason.TAKEDOWN  # what was withdrawn must not be named again
            return Reject(
                outcome.reason,
                outcome.stage,
                outcome.message,
                source_id=outcome.source_id or source.get("id"),
                uri=outcome.uri or source.get("uri") or row.get("uri"),
                key=None if nameless else outcome.key or row.get("key"),
            )
        out = outcome if isinstance(outcome, list) else [outcome]
        for out_row in out:
            if "reject" in out_row:
                continue
            missing = set(self.stage.writes) - set(out_row)
            if missing:
                raise VerError(f"stage {self.stage.name} left out the column {min(missing)}", "its writes are wrong")
        return out

    def _joined(self, row: Row, outcome: list[Row] | Reject, cached: bool) -> list[Row]:
        if CHUNK in row:
            return []  # it was asked for so that it is known when its row comes
        self.stats.done += 1
        self.stats.cached += cached
        if isinstance(outcome, Reject):
            self.stats.rejected += 1
            return [{**row, "reject": outcome.to_row()}]
        n_rejected = sum("reject" in out_row for out_row in outcome)
        self.stats.rejected += n_rejected
        self.stats.rows_out += len(outcome) - n_rejected
        return [{**row, **out_row} for out_row in outcome]


def relativize(given: Row, work: WorkFolder) -> Row:
    """Paths inside the work folder as they are stored, so that a moved OUT keeps its cache."""
    root = f"{work.root}/"
    return {
        name: work.relative(value) if isinstance(value, str) and value.startswith(root) else value
        for name, value in given.items()
    }
