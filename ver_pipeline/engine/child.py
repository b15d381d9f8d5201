"""The other end of ``isolation.py``: ``python -m ver_pipeline.engine.child`` serves one stage until its pipe closes.

Only the stage object itself is unpickled, and only from the process that started this one; all else is JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection

from ver_pipeline.engine.machine import machine_fault
from ver_pipeline.engine.wire import READY, outcome_bytes
from ver_pipeline.hardware.instruction_set import hold_libav
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.stages.base import Outcome, Stage

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux; elsewhere the closed pipe ends it)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(pipe: Connection) -> None:
    """Receive the stage, open it, then answer rows one by one."""
    try:
        hold_libav()
        stage: Stage = pickle.loads(pipe.recv_bytes())  # noqa: S301 - our own parent's object
        stage.open()
    except (VerError, ModuleNotFoundError) as error:
        fault = error if isinstance(error, VerError) else machine_fault(error)
        if fault is None:
            raise
        pipe.send_bytes(outcome_bytes(fault))
        return
    pipe.send_bytes(outcome_bytes(READY))
    while True:
        try:
            row = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        try:
            outcome: Outcome | VerError = stage.run([row])[0]
        except VerError as error:
            outcome = error
        except (OSError, ModuleNotFoundError) as error:
            fault = machine_fault(error)
            if fault is None:
                raise
            outcome = fault
        pipe.send_bytes(outcome_bytes(outcome))


if __name__ == "__main__":
    die_with_parent()
    serve(Connection(int(os.environ["VER_CHILD_FD"])))
