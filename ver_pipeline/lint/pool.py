"""Where checks run: in this process, in several, or each alone when what it reads may crash it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

Start = Callable[..., Callable[[], Any]]
"""``start(file name, function, *args)`` begins a check and returns what waits for its value."""

SMALL_BYTES = 64_000_000
"""Below this, starting processes takes longer than the check."""


@contextmanager
def checking_pool(workers: int | None, files: Sequence[Mapping[str, Any]], damaged: set[str]) -> Iterator[Start]:
    """A function ``start(file name, function, *args)`` that returns what waits for the function's value.

    A damaged file is only ever parsed in a child process of its own: a reader that crashes on it takes no
    other check along.  Audio files of a small data set are checked in this process.
    """
    n = max(1, min(workers or os.cpu_count() or 1, len(files)))
    small = workers is None and sum(file["size_bytes"] for file in files) < SMALL_BYTES
    pools: list[ProcessPoolExecutor] = []

    def pool(size: int) -> ProcessPoolExecutor:
        pools.append(ProcessPoolExecutor(size, mp_context=get_context("spawn")))
        return pools[-1]

    shared = None if small else pool(n)

    def start(name: str, function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
        if name in damaged:
            return pool(1).submit(function, *args).result
        if shared is None:
            return lambda: function(*args)
        return shared.submit(function, *args).result

    try:
        yield start
    finally:
        for each in pools:
            each.shutdown(cancel_futures=True)
