"""Bounds that hold for all workers of a build together: questions in flight, and questions a second.

A build may run the annotate stage in several processes.  What they share is the folder of answers, so the
bounds live there: a slot is a file that one question holds locked, and a process that dies lets go of it.
"""

from __future__ import annotations

import fcntl
import math
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.01
MAX_HOLD_S = 300.0
"""No clock and no server makes anybody wait longer than this."""


class Semaphore:
    """At most ``n`` holders at once, over all processes that name the same folder.

    Args:
        folder: made here; None bounds this process alone.
    """

    def __init__(self, n: int, folder: Path | None = None) -> None:
        self._n, self._folder = n, folder
        self._here = threading.BoundedSemaphore(n)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a slot and hold it while the block runs."""
        with self._here:
            held = None if self._folder is None else self._take(self._folder)
            try:
                yield
            finally:
                if held is not None:
                    os.close(held)

    def _take(self, folder: Path) -> int:
        """The descriptor of a slot's file, locked; closing it frees the slot."""
        while True:
            first = random.randrange(self._n)
            for i in range(self._n):
                held = os.open(folder / f"{(first + i) % self._n}.slot", os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return held
                except BlockingIOError:
                    os.close(held)
            time.sleep(POLL_S)


class RateLimiter:
    """Keeps everybody together below a rate, and everybody still while a server asks for it.

    Args:
        requests_per_s: 0 is no limit.
        folder: shared with other processes; None keeps the pace of this process alone.
    """

    def __init__(self, requests_per_s: float, folder: Path | None = None) -> None:
        self._gap_s = 1.0 / requests_per_s if requests_per_s > 0 else 0.0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._path = None if folder is None else folder / "next"
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may leave."""
        with self._shared():
            now = time.time()
            start = max(now, self._next) if self._next - now <= MAX_HOLD_S else now
            self._next = start + self._gap_s
        if start > now:
            time.sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Nobody sends for this long."""
        with self._shared():
            self._next = max(self._next, time.time() + min(seconds, MAX_HOLD_S))

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """``_next`` as everybody knows it, and afterwards as this process left it."""
        with self._lock:
            if self._path is None:
                yield
                return
            with open(self._path, "a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                self._next = _moment(file.read())
                yield
                file.truncate(0)
                file.write(repr(self._next).encode())


def _moment(told: bytes) -> float:
    """A time that somebody left behind; 0 where it is none."""
    try:
        moment = float(told)
    except ValueError:
        return 0.0
    return moment if math.isfinite(moment) else 0.0
