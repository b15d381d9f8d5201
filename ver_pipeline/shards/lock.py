"""One writer at a time per data set."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ver_pipeline.schemas.errors import VerError
from ver_pipeline.shards.workdir import WorkFolder


@contextmanager
def locked(work: WorkFolder) -> Iterator[None]:
    """Hold the data set's lock; the kernel frees it however the process ends.  What a killed one was working in is
    removed.

    Raises:
        VerError: another process holds it.
        CorruptDataError: something in the work folder leads out of it.
    """
    work.refuse_links()
    work.root.mkdir(parents=True, exist_ok=True)
    with open(work.root / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = f"another build or annotation is writing to {work.root.parent}"
            raise VerError(what, "wait for it, or stop it") from error
        for left in (work.staging, work.merging, work.annotating, *work.media.glob("clip-*")):
            shutil.rmtree(left, ignore_errors=True)
        yield
