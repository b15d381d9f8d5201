"""The other end of ``isolation.py``: ``python -m ver_pipeline.engine.child`` serves one stage until its pipe closes.

Only the stage object itself is unpickled, and only from the process that started this one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection

from ver_pipeline.schemas.errors import DISK_FULL, DiskFullError, VerError
from ver_pipeline.stages.base import Stage
from ver_pipeline.stages.instruction_set import hold_libav

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
    except VerError as error:
        pipe.send(error)
        return
    pipe.send("ready")
    while True:
        try:
            row = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(stage.run([row])[0])
        except VerError as error:
            pipe.send(error)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            pipe.send(DiskFullError.from_os(error))


if __name__ == "__main__":
    die_with_parent()
    serve(Connection(int(os.environ["VER_CHILD_FD"])))
