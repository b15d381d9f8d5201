"""Ctrl-C that cannot get lost.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be.  Inside a library's callback or a
catch-all it is swallowed, and the build goes on: seen once while Ray started.  So it is also noted, and asked
for wherever a build can stop.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


@contextmanager
def noted() -> Iterator[None]:
    """While the block runs, Ctrl-C is noted as well as raised.  Outside the main thread nothing changes."""
    _asked.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stop_if_asked() -> None:
    """Raise ``KeyboardInterrupt`` if Ctrl-C was pressed and did not end the build."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _note(_: int, __: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
