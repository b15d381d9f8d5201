"""How much time and memory a query may take.  On by default; raised by a flag, an argument or the environment.

DuckDB is interrupted when the time is over, and told its memory limit.  Some of its functions (long lists and texts)
take memory that it does not count: while it works, the process may not grow by more than the limit either.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ver_pipeline.schemas.errors import UsageError, VerError

if TYPE_CHECKING:
    import duckdb

TIMEOUT_VARIABLE, MEMORY_VARIABLE = "VER_QUERY_TIMEOUT", "VER_QUERY_MEMORY"
TIMEOUT_S = 300.0
MEMORY_BYTES = 4 << 30
SPILL_FACTOR = 4
"""What does not fit in memory may take this many times the memory limit on the disk."""
SLACK_BYTES = 1 << 30
"""What the process may take beside the query: answers, stacks of threads."""
GRACE_S = 10.0
"""A single call of a function is not interrupted: after this long a process that may be ended is ended."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|[KMGT])(i?)B?\s*", re.I)


class QueryLimitError(VerError):
    """The query would take more time or memory than it may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``timeout_s`` counts the time in which DuckDB works on one query; 0 is no limit, in both.

    ``end_process``: called with the message where the time is long over and DuckDB does not stop; must not return.
    """

    timeout_s: float = TIMEOUT_S
    memory_bytes: int = MEMORY_BYTES
    end_process: Callable[[str], None] | None = None


def limits_of(timeout_s: float | None = None, memory: str | None = None) -> Limits:
    """What was asked for, else what the environment says, else the defaults (at most half of the machine's memory).

    Raises:
        UsageError: a value is not understood.
    """
    setting = os.environ.get(TIMEOUT_VARIABLE)
    if timeout_s is None:
        timeout_s = parse_seconds(setting) if setting else TIMEOUT_S
    if timeout_s < 0:
        raise UsageError(f"a time limit of {timeout_s:g} s", "seconds, 0 for no limit")
    wanted = memory or os.environ.get(MEMORY_VARIABLE)
    return Limits(timeout_s, parse_size(wanted) if wanted else min(MEMORY_BYTES, _machine_bytes() // 2))


def parse_seconds(text: str) -> float:
    """A number of seconds.

    Raises:
        UsageError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise UsageError(f"{text!r} is no time limit", "seconds, 0 for no limit")
    return seconds


def parse_size(text: str) -> int:
    """Bytes of a size such as ``8GB``, ``512MiB`` or ``0``.

    Raises:
        UsageError: it is none.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no size", "for example 8GB or 512MB; 0 for no limit")
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(unit.upper() or " "))


def settings_of(limits: Limits) -> list[str]:
    """The same for DuckDB, as assignments."""
    if not limits.memory_bytes:
        return []
    spill = limits.memory_bytes * SPILL_FACTOR
    return [f"memory_limit = '{limits.memory_bytes}B'", f"max_temp_directory_size = '{spill}B'"]


class Budget:
    """What one query may still use."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, limits: Limits, end_process: Callable[[str], None]
    ) -> None:
        self._connection, self._limits, self._end_process = connection, limits, end_process
        self._left_s = limits.timeout_s
        self._over = False

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Let DuckDB work, as long and with as much memory as is left.

        Raises:
            QueryLimitError: it is not enough.
        """
        import duckdb

        timers = self._timers()
        for timer in timers:
            timer.daemon = True
            timer.start()
        started = time.monotonic()
        try:
            with _GROWTH.at_most(self._limits.memory_bytes):
                yield
        except (duckdb.Error, MemoryError) as error:
            if self._over:
                raise QueryLimitError(*self._time_is_over()) from error
            if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or "Out of Memory" in str(error):
                raise QueryLimitError(*self._memory_is_full()) from error
            raise
        finally:
            for timer in timers:
                timer.cancel()
            for timer in timers:
                timer.join()  # a thread that wakes while the interpreter ends was seen to abort the process
            self._left_s = max(0.0, self._left_s - (time.monotonic() - started))

    def _timers(self) -> list[threading.Timer]:
        if not self._limits.timeout_s:
            return []
        timers = [threading.Timer(self._left_s, self._interrupt)]
        if self._limits.end_process is not None:
            message = str(QueryLimitError(*self._time_is_over()))
            timers.append(threading.Timer(self._left_s + GRACE_S, self._end_process, [message]))
        return timers

    def _interrupt(self) -> None:
        self._over = True
        self._connection.interrupt()

    def _time_is_over(self) -> tuple[str, str]:
        cure = f"raise it: --timeout of ver query, or {TIMEOUT_VARIABLE}=3600 (seconds; 0: no limit)"
        return f"the query takes longer than {self._limits.timeout_s:g} s", cure

    def _memory_is_full(self) -> tuple[str, str]:
        size = f"{self._limits.memory_bytes / 1e9:.3g} GB" if self._limits.memory_bytes else "there is"
        cure = f"raise it: --memory of ver query, or {MEMORY_VARIABLE}=16GB (0: no limit)"
        return f"the query needs more memory than {size}", cure


class _Growth:
    """Bounds by how much the data of this process may grow; several threads may ask for it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = (-1, -1)

    @contextmanager
    def at_most(self, n_bytes: int) -> Iterator[None]:
        """While the block runs, memory beyond ``n_bytes`` and some slack is refused; 0, or another system: none is."""
        if not n_bytes or not sys.platform.startswith("linux"):
            yield
            return
        import resource

        with self._lock:
            if not self._users:
                self._before = resource.getrlimit(resource.RLIMIT_DATA)
                soft, hard = self._before
                wanted = _data_bytes() + n_bytes + SLACK_BYTES + 16 * (os.cpu_count() or 1) * (1 << 20)
                below = soft == resource.RLIM_INFINITY or wanted < soft
                resource.setrlimit(resource.RLIMIT_DATA, (wanted if below else soft, hard))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    resource.setrlimit(resource.RLIMIT_DATA, self._before)


_GROWTH = _Growth()


def _data_bytes() -> int:
    """Private writable memory of this process, as the kernel counts it for the limit."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 2 * MEMORY_BYTES
