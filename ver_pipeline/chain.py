"""Neighbouring stages at work in one process: rows go through their runners, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from ver_pipeline.cache import Work
from ver_pipeline.runner import Runner, Tally
from ver_pipeline.stages.base import Row, Stage

Note = Callable[[str, Tally], None]
"""Is told, after each step, which stage did what since it was last told."""


class Chain:
    """The runners of ``stages``.  While one is at work the child process of the next already starts."""

    def __init__(self, stages: Sequence[Stage], work: Work, note: Note) -> None:
        self.runners = [Runner(stage, work) for stage in stages]
        self.note = note
        for before, after in pairwise(self.runners):
            before.when_busy = after.launch

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """Every row's results, brought through all stages; a rejected row passes on untouched."""
        through = list(rows)
        for runner in self.runners:
            size = max(1, runner.stage.batch_size)
            batches = [through[at : at + size] for at in range(0, len(through), size)]
            through = [made for batch in batches for made in runner(batch)]
            self.note(runner.stage.name, runner.tally)
            runner.tally = Tally()
        return through

    def close(self) -> None:
        """End all child processes."""
        for runner in self.runners:
            runner.close()
