"""Ctrl-C that cannot get lost.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be.  Inside a library's callback or a
catch-all it is swallowed, and the build goes on: seen while Ray started, and the build then ran for a minute.  So it is
noted as well, asked for wherever a build can stop, and raised again until the build has stopped.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SOON_S = 0.05
AGAIN_S = 5.0
"""A build that has not stopped after this is told again.  Cleaning up takes less."""

_asked = threading.Event()


def deliver_again() -> None:
    """From now on a Ctrl-C that met a destructor or another callback that cannot raise is raised a moment later."""
    others = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
            signal.setitimer(signal.ITIMER_REAL, SOON_S)
        else:
            others(unraisable)

    sys.unraisablehook = hook


@contextmanager
def noted() -> Iterator[None]:
    """While the block runs, Ctrl-C is noted as well as raised.  Outside the main thread nothing changes."""
    _asked.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _note)
    over = threading.Event()
    reminder = threading.Thread(target=_remind, args=(over,), name="ctrl-c", daemon=True)
    reminder.start()
    try:
        yield
    finally:
        over.set()
        reminder.join()
        signal.signal(signal.SIGINT, before)


def stop_if_asked() -> None:
    """Raise ``KeyboardInterrupt`` if Ctrl-C was pressed and did not end the build."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _note(_: int, __: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt


def _remind(over: threading.Event) -> None:
    told_at_s: float | None = None
    while not over.wait(min(1.0, AGAIN_S / 2)):
        if not _asked.is_set():
            continue
        told_at_s = time.monotonic() if told_at_s is None else told_at_s
        if time.monotonic() - told_at_s >= AGAIN_S:
            told_at_s = None
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
