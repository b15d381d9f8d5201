"""What a build shows while it runs: a live table on a terminal, plain lines where there is none."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ver_pipeline.engine.runner import StageStats
from ver_pipeline.stages.base import Stage

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

log = logging.getLogger(__name__)

LIVE_PERIOD_S = 0.5
PLAIN_PERIOD_S = 10.0


class Progress:
    """Watches the engine's tallies from a thread of its own and shows them on standard error."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = bool(getattr(self._stream, "isatty", lambda: False)())
        if self._terminal and stream is None:
            # A descriptor of its own: while Ray starts, 2 leads nowhere, which would tear a live table.
            self._stream = open(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace", buffering=1)  # noqa: SIM115
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """One plain line, above the live table where there is one."""
        if self._live is not None:
            self._live.console.print(f"ver: {text}", markup=False, highlight=False, soft_wrap=True)
            return
        self._stream.write(f"ver: {text}\n")
        self._stream.flush()

    def detail(self, text: str) -> None:
        """A line that only ``-v`` shows."""
        log.info(text)

    @contextmanager
    def watch(
        self, read: Callable[[], dict[str, StageStats]], n_sources: int, stages: Sequence[Stage]
    ) -> Iterator[None]:
        """Show progress while the block runs.  ``read`` gives the tallies so far."""
        stop = threading.Event()
        started = time.perf_counter()

        def show_live() -> None:
            from rich.console import Console
            from rich.live import Live

            with Live(console=Console(file=self._stream), transient=True, refresh_per_second=4) as live:
                self._live = live
                while not stop.wait(LIVE_PERIOD_S):
                    live.update(live_table(read(), n_sources, stages, time.perf_counter() - started))
                self._live = None

        def show_plain() -> None:
            while not stop.wait(PLAIN_PERIOD_S):
                self.say(plain_line(read(), n_sources, stages, time.perf_counter() - started))

        watcher = threading.Thread(target=show_live if self._terminal else show_plain, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join(timeout=5)


def expected(stats_by_stage: dict[str, StageStats], n_sources: int, stages: Sequence[Stage]) -> dict[str, int]:
    """How many rows each stage will see: sources before the cut, then clips at the rate seen so far."""
    totals: dict[str, int] = {}
    incoming = float(n_sources)
    for stage in stages:
        totals[stage.name] = round(incoming)
        stats = stats_by_stage.get(stage.name, StageStats())
        if stats.done:
            incoming *= stats.rows_out / stats.done
    return totals


def time_left_s(stats_by_stage: dict[str, StageStats], totals: dict[str, int], elapsed_s: float) -> float | None:
    """Seconds until the slowest stage is through, at its rate so far; None until every stage has begun."""
    if any(total and not stats_by_stage.get(name, StageStats()).done for name, total in totals.items()):
        return None
    left = [
        elapsed_s * (totals[name] - stats.done) / stats.done
        for name, stats in stats_by_stage.items()
        if stats.done and name in totals
    ]
    return max(left) if left else None


def live_table(
    stats_by_stage: dict[str, StageStats], n_sources: int, stages: Sequence[Stage], elapsed_s: float
) -> Table:
    """A row a stage: done of expected, from the cache, rejected, rate."""
    from rich.table import Table

    totals = expected(stats_by_stage, n_sources, stages)
    left_s = time_left_s(stats_by_stage, totals, elapsed_s)
    title = f"{elapsed_s:.0f} s" + (f", about {left_s:.0f} s left" if left_s is not None else "")
    table = Table(title=title, title_justify="left", box=None)
    for name in ("stage", "done", "of", "cached", "rejected", "per s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in stages:
        stats = stats_by_stage.get(stage.name, StageStats())
        rate = f"{stats.done / elapsed_s:.2f}" if elapsed_s else ""
        counts = (stats.done, totals[stage.name], stats.cached, stats.rejected)
        table.add_row(stage.name, *map(str, counts), rate)
    return table


def plain_line(stats_by_stage: dict[str, StageStats], n_sources: int, stages: Sequence[Stage], elapsed_s: float) -> str:
    """The same in one line."""
    totals = expected(stats_by_stage, n_sources, stages)
    parts = [
        f"{stage.name} {stats_by_stage[stage.name].done}/{max(totals[stage.name], stats_by_stage[stage.name].done)}"
        for stage in stages
        if stage.name in stats_by_stage
    ]
    if not parts:
        return f"{elapsed_s:.0f} s: starting"
    rejected = sum(stats.rejected for stats in stats_by_stage.values())
    left_s = time_left_s(stats_by_stage, totals, elapsed_s)
    left = f", about {left_s:.0f} s left" if left_s is not None else ""
    return f"{elapsed_s:.0f} s: {' '.join(parts)}, {rejected} rejected{left}"
