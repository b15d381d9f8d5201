"""Neighbouring stages at work in one process: rows go through their runners, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from ver_pipeline.engine.runner import Runner, StageStats
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Row, Stage

Note = Callable[[str, StageStats], None]
"""Is told, after each step, which stage did what since it was last told."""


IDENTITY = frozenset({"reject", "uri", "source", "key"})
"""Columns that say what a row is; they travel to the end."""


class LocalRunner:
    """The runners of ``stages``.  While one is at work the child process of the next already starts.

    Args:
        wanted: columns that are read after the last of ``stages``.  What nobody reads any more is left behind: a
            video's transcript does not travel with each of its thousand clips.
    """

    def __init__(self, stages: Sequence[Stage], work: WorkFolder, note: Note, wanted: Iterable[str]) -> None:
        self.runners = [Runner(stage, work) for stage in stages]
        self.live = live_columns(stages, wanted)
        self.note = note
        for before, after in pairwise(self.runners):
            before.when_busy = after.launch

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """Every row's results, brought through all stages; a rejected row passes on untouched."""
        through = list(rows)
        for runner, live in zip(self.runners, self.live, strict=True):
            size = max(1, runner.stage.batch_size)
            outcomes: list[Row] = []
            for at in range(0, len(through), size):
                outcomes += runner(through[at : at + size])
                self.note(runner.stage.name, runner.stats)
                runner.stats = StageStats()
            through = [{name: value for name, value in outcome.items() if name in live} for outcome in outcomes]
        return through

    def close(self) -> None:
        """End all child processes."""
        for runner in self.runners:
            runner.close()


def live_columns(stages: Sequence[Stage], wanted: Iterable[str]) -> list[frozenset[str]]:
    """After each of ``stages``: the columns that a later one reads, or that are ``wanted`` at the end."""
    live: list[frozenset[str]] = []
    read = IDENTITY | set(wanted)
    for stage in reversed(stages):
        live.insert(0, frozenset(read))
        read = read | {name.partition(".")[0] for name in stage.reads}
    return live
