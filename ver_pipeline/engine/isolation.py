"""A killable child process for a stage that opens foreign media.

Decoders crash and hang on some files.  The stage therefore lives in a child that is started once per
worker, is given one row at a time, and is killed with everything it started when it takes too long.
A row that kills or stalls the child twice is a reject; the child is started afresh for the next.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from ver_pipeline.engine.wire import WireError, read_outcome, row_bytes
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Row, Stage

TRIES = 2
START_LIMIT_S = 300.0
LAST_WORDS_CHARS = 200


class IsolatedStage:
    """Runs ``stage`` in a child.  Not thread-safe; ``close`` ends the child."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._ready = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child

    def run_one(self, row: Row) -> Outcome:
        """One row's outcome; a Reject ``crashed`` or ``timeout`` after two tries."""
        outcome: Outcome | None = None
        for _ in range(TRIES):
            outcome = self._try(row)
            if not (isinstance(outcome, Reject) and outcome.reason in (Reason.CRASHED, Reason.TIMEOUT)):
                return outcome
        return outcome if outcome is not None else self._reject(Reason.CRASHED, "never ran")

    def _try(self, row: Row) -> Outcome:
        pipe = self._ensure()
        limit_s = self.stage.resources.time_limit_s
        try:
            pipe.send_bytes(row_bytes(row))
            if not pipe.poll(limit_s):
                self.close()
                return self._reject(Reason.TIMEOUT, f"took longer than {limit_s:g} s, {TRIES} times")
            answer = read_outcome(pipe.recv_bytes())
        except (EOFError, OSError):
            return self._reject(Reason.CRASHED, f"the worker died on it, {TRIES} times ({self._how_it_died()})")
        except WireError as error:
            self.close()
            return self._reject(Reason.CRASHED, f"the worker talked nonsense, {TRIES} times ({error})")
        if isinstance(answer, VerError):
            raise answer
        return self._reject(Reason.CRASHED, "the worker answered nothing") if isinstance(answer, str) else answer

    def launch(self) -> None:
        """Start the child if there is none; it opens its stage while we do something else."""
        if self._process is None or self._pipe is None or self._process.poll() is not None:
            self.close()
            self._pipe = self._start()
            self._ready = False

    def _ensure(self) -> Connection:
        self.launch()
        if self._pipe is None:
            raise VerError(f"the worker of stage {self.stage.name} did not start", "run with -vv and report it")
        if not self._ready:
            self._await_ready(self._pipe)
            self._ready = True
        return self._pipe

    def _start(self) -> Connection:
        ours, theirs = _pipe_pair()
        package_root = str(Path(__file__).resolve().parents[2])
        search_path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": search_path, "VER_CHILD_FD": str(theirs.fileno())}
        self._errors.seek(0)
        self._errors.truncate()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ver_pipeline.engine.child"],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,
        )
        theirs.close()
        with contextlib.suppress(OSError):  # a child that is dead already is found out when it should be ready
            ours.send_bytes(pickle.dumps(self.stage))
        return ours

    def _await_ready(self, pipe: Connection) -> None:
        try:
            if not pipe.poll(START_LIMIT_S):
                raise EOFError
            ready = read_outcome(pipe.recv_bytes())
        except (EOFError, OSError, WireError) as error:
            words = self._last_words()
            self.close()
            cure = f"it said: {words}" if words else "run `ver doctor`"
            raise VerError(f"the worker of stage {self.stage.name} did not start", cure) from error
        if isinstance(ready, VerError):
            self.close()
            raise ready

    def close(self) -> None:
        """Kill the child and everything it started."""
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.poll()
            process.wait()

    def _how_it_died(self) -> str:
        process = self._process
        code = process.wait(timeout=10) if process is not None else None
        words = self._last_words()
        self.close()
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return f"{how}: {words}" if words else how

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][-LAST_WORDS_CHARS:] if lines else ""

    def _reject(self, reason: Reason, message: str) -> Reject:
        return Reject(reason, self.stage.name, message)


def _pipe_pair() -> tuple[Connection, Connection]:
    import socket

    ours, theirs = socket.socketpair()
    return Connection(ours.detach()), Connection(theirs.detach())
