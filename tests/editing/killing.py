"""Kill a command at each of its steps: before every rename, link, removal and sync.  Then look, and mend.

The command runs once, and what is on the disk before each step is kept: a kill there would leave exactly that (what
Python has not handed to the kernel is not on it).  That this is so is tested by killing processes in earnest.
Every run is a process of its own, forked from one that has only imported things.  Nothing here knows how a data set
is switched.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ver_pipeline.schemas.errors import VerError

STEPS = ("replace", "rename", "link", "symlink", "unlink", "remove", "rmdir", "fsync")
SCRATCH = ("staging", "merge", "annotate-media")
KILLED = 137
AT_ONCE, BATCHES = 2, 4

OTHERWISE = 5
"""After how many states of a sweep another command is tried."""

Action = Callable[[Path], Any]
T = TypeVar("T")


@dataclass
class Found:
    """What a sweep saw.  ``n_points``: steps before which a kill was looked at; ``n_states``: different states that
    they leave on the disk (folders that only a running command needs count as there or not there); ``failures``: what
    did not hold."""

    n_points: int = 0
    n_states: int = 0
    failures: list[str] = field(default_factory=list)


def before_each_step(look: Callable[[int], None]) -> None:
    """From now on call ``look(n)`` in this process before its ``n``-th step.  Nothing is synced: that is slow, and a
    kill loses none of the kernel's pages."""
    lock, count = threading.RLock(), [0]

    def stepping(real: Callable[..., Any], sync: bool) -> Callable[..., Any]:
        def step(*args: Any, **options: Any) -> Any:
            with lock:
                count[0] += 1
                look(count[0])
                return None if sync else real(*args, **options)

        return step

    for name in STEPS:
        setattr(os, name, stepping(getattr(os, name), name == "fsync"))


def state_of(folder: Path) -> str:
    """What lies in a folder, in one hash: names without their random parts, and contents without clock times."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if ".ver" in parts and set(parts) & set(SCRATCH):
            if path.parent.name == ".ver":
                seen.update(f"{parts} is there\n".encode())
        elif path.is_file():
            name = re.sub(r"\.[0-9a-f]{8}$", ".random", "/".join(parts))
            data = b"" if name.endswith((".jsonl", ".random")) else path.read_bytes()
            seen.update(f"{name} {path.stat().st_size} {hashlib.sha256(data).hexdigest()}\n".encode())
    return seen.hexdigest()


def sweep(
    folder: Path, prepare: Action, command: Action, whole: Action, settled: Action,
    others: dict[str, Action] | None = None,
    in_earnest: int = 6,
) -> Found:  # fmt: skip
    """Look at every step of ``command`` as if it was killed there.

    Args:
        folder: made; removed when all went well.
        prepare: makes the place (a folder) that the command works in.
        whole: what must hold of the place right after a kill, before anybody mends anything.
        settled: what must hold once the command has run again, or one of ``others`` (tried after some of the steps).
        in_earnest: how many steps are tried by a real kill as well; none where the command writes down the time.
    """
    found = Found()
    folder.mkdir()
    base, place = folder / "base", folder / "place"
    base.mkdir()
    run(found, folder, [("preparing", lambda: prepare(base))])
    copy(base, place)
    run(found, folder, [("the command, undisturbed", lambda: (_recorded(folder, place, command), settled(place)))])
    if found.failures:
        return found
    for module in (folder / "modules").read_text().split():
        with contextlib.suppress(Exception):
            importlib.import_module(module)  # what a forked process would import again and again
    steps = (folder / "steps").read_text().split()
    states = list(dict.fromkeys(steps))
    found.n_points, found.n_states = len(steps), len(states)
    for state in states:
        try:
            whole(folder / state)
        except (AssertionError, OSError, ValueError, KeyError) as error:
            found.failures.append(f"right after a kill before step {steps.index(state) + 1}: {error}"[:300])
    kills = ((f"a kill before step {n}", lambda n=n: _killed(folder, command, n, steps[n - 1]))
             for n in evenly(range(1, len(steps) + 1), in_earnest))  # fmt: skip
    run(found, folder, kills)
    tries = [(state, "again", command) for state in states]
    tries += [(state, way, do) for way, do in (others or {}).items() for state in evenly(states, OTHERWISE)]
    batches = [tries[i::BATCHES] for i in range(min(BATCHES, len(tries)))]
    run(found, folder, (("mending", lambda batch=batch: _mended(folder, batch, steps, settled)) for batch in batches))
    if not found.failures:
        shutil.rmtree(folder)
    return found


def _recorded(folder: Path, place: Path, command: Action) -> None:
    """Run the command in ``place``; leave every state by its hash, the states of all steps, the modules it needs."""
    states: list[str] = []

    def look(_: int) -> None:
        states.append(state_of(place))
        if not (folder / states[-1]).exists():
            copy(place, folder / states[-1])

    before_each_step(look)
    command(place)
    (folder / "steps").write_text("\n".join(states))
    (folder / "modules").write_text("\n".join(sys.modules))


def evenly(values: Sequence[T], n: int) -> list[T]:
    """The first, the last, and others between them: ``n`` of the values, or all."""
    return [values[i * (len(values) - 1) // max(1, n - 1)] for i in range(min(n, len(values)))]


def _killed(folder: Path, command: Action, n: int, state: str) -> None:
    """Kill a process before its ``n``-th step for real: what it leaves must be what was recorded."""
    place = folder / f"kill-{n}"
    copy(folder / "base", place)
    child = forked(lambda: (before_each_step(lambda at: os._exit(KILLED) if at == n else None), command(place)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    assert state_of(place) == state, "it leaves another state than was recorded"
    shutil.rmtree(place)


def _mended(folder: Path, tries: list[tuple[str, str, Action]], steps: list[str], settled: Action) -> None:
    """Run a command on what a kill left, and look; one after another, since a process's first time is slow."""
    before_each_step(lambda _: None)
    for state, way, do in tries:
        place = folder / f"{state}-{way}"
        copy(folder / state, place)
        try:
            do(place)
            settled(place)
        except (AssertionError, OSError, ValueError, KeyError, VerError) as error:
            told = f"killed before step {steps.index(state) + 1}, then {way}: {type(error).__name__}: {error}"
            sys.stderr.write(told.replace("\n", " ")[:300] + "\n")
        else:
            shutil.rmtree(place)


def copy(source: Path, target: Path) -> None:
    """A folder once more, times of change included."""
    shutil.copytree(source, target, symlinks=True)


def forked(work: Callable[[], Any]) -> int:
    """Start ``work`` in a process of its own; its exit status is 0, or 1 after an exception."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return 0


def run(found: Found, folder: Path, jobs: Iterable[tuple[str, Callable[[], Any]]]) -> None:
    """Run jobs (name, work), a few at a time; those that fail are told in ``found`` by the last line they said."""
    waiting, running = iter(jobs), {}
    more = True
    while running or more:
        while more and len(running) < AT_ONCE:
            job = next(waiting, None)
            more = job is not None
            if job is not None:
                log = folder / f"log-{len(list(folder.glob('log-*')))}"
                running[forked(lambda work=job[1], log=log: _logged(work, log))] = job[0], log
        if running:
            child, status = os.wait()
            name, log = running.pop(child)
            said = log.read_text().strip().splitlines()
            found.failures += [line for line in said if line.startswith("killed before")]
            if os.waitstatus_to_exitcode(status) != 0:
                found.failures.append(f"{name}: {' '.join(said[-1:])}"[:300])


def _logged(work: Callable[[], Any], log: Path) -> None:
    with log.open("w") as told:
        os.dup2(told.fileno(), 1)
        os.dup2(told.fileno(), 2)
        work()
