"""What a killed command left in a data set's folder is finished by the next one that works there."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ver_pipeline.schemas.errors import VerError
from ver_pipeline.shards.journals import switch_journal, withdrawal_journal

if TYPE_CHECKING:
    from ver_pipeline.editing.fulfil import Dropped
    from ver_pipeline.shards.staged import PageWriter

log = logging.getLogger(__name__)


@contextmanager
def writing(
    out_dir: Path, pages: Sequence[PageWriter] | None = None, *, mends: bool = False
) -> Iterator[Dropped | None]:
    """Hold a data set for a command that changes it; what was begun before and killed is finished first.

    Args:
        pages: made where a withdrawal is finished; None: those of a build.
        mends: the command makes the data set anew, so it may go on where the one that stands cannot be read.  It
            calls :func:`finish_withdrawal` once it can.

    Yields:
        the withdrawal that was finished, if there was one.

    Raises:
        VerError: another process holds it, or what was begun cannot be finished.
    """
    from ver_pipeline.shards.lock import locked
    from ver_pipeline.shards.switch import recover
    from ver_pipeline.shards.workdir import WorkFolder

    work = WorkFolder(out_dir.resolve() / ".ver")
    with locked(work):
        recover(out_dir)
        finished = None
        try:
            finished = finish_withdrawal(out_dir, pages)
        except VerError as error:
            if not mends:
                raise
            log.warning("the withdrawal from %s waits until the data set can be read: %s", out_dir, error)
        work.merge_note.unlink(missing_ok=True)  # what is changed now is no longer what a merge was making
        yield finished


def settle(location: str | Path, *, passes_on: bool = False) -> None:
    """Finish what was begun on a data set before it is read; costs nothing where nothing was.

    Where that cannot be done (it is remote, may not be written, or another process is at work) reading goes on.

    Args:
        passes_on: what is read leaves the data set, so nothing may be in it that is to be withdrawn.

    Raises:
        VerError: ``passes_on``, and a withdrawal was begun that cannot be finished now.
    """
    out_dir = Path(location)
    if "://" in str(location) or not (switch_journal(out_dir).exists() or withdrawal_journal(out_dir).exists()):
        return
    try:
        with writing(out_dir):
            pass
    except (VerError, OSError) as error:
        if passes_on and withdrawal_journal(out_dir).exists():
            what = f"samples are to be withdrawn from {out_dir}, and that cannot be finished now: {error}"
            raise VerError(what, "mend that and run the same command again") from error
        log.warning("what was begun on %s cannot be finished now: %s", out_dir, error)


def finish_withdrawal(out_dir: Path, pages: Sequence[PageWriter] | None = None) -> Dropped | None:
    """Bring a ``ver drop`` to its end that was killed or failed; says so.  Call it under the lock.

    Raises:
        VerError: it cannot be done now; it stays written down.
    """
    if not withdrawal_journal(out_dir).exists():
        return None
    from ver_pipeline.editing.fulfil import finish
    from ver_pipeline.publishing.pages import PAGES

    done = finish(out_dir, PAGES if pages is None else pages)
    if done is not None:
        log.warning("%s: an earlier withdrawal is finished now: %s sample(s) are gone", out_dir, done.n_samples)
    return done
