"""Whether an annotator is at work at all: one that is gone, or whose answers cannot be read, stops the run.

Counted by each worker for itself.  A clip here and there is that clip's affair; most of them in the same way is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ver_pipeline.annotators.backends.replies import servers_words
from ver_pipeline.annotators.base import Result
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason

GONE_AFTER = 32
"""Clips in a row; each was tried several times over a minute or so."""
LEAST = 8
"""Fewer answers that cannot be read say nothing of the annotator, whatever their share."""


class Health:
    """The answers of one annotator so far.

    Args:
        name: the annotator's.
        max_unread: share of its answers that may be unreadable in one and the same way.
    """

    def __init__(self, name: str, max_unread: float) -> None:
        self.name, self.max_unread = name, max_unread
        self._asked = self._gone = 0
        self._unread: Counter[str] = Counter()
        self._words: dict[str, str] = {}

    def note(self, results: Sequence[Result]) -> None:
        """Count results.

        Raises:
            VerError: the annotator is gone, with its last words; or too many answers cannot be read in the same way,
                with the words of one of them.
        """
        for result in results:
            gone = result.reason is Reason.TEACHER_UNAVAILABLE
            self._asked += not gone
            self._gone = self._gone + 1 if gone else 0
            if self._gone >= GONE_AFTER:
                what = f"{self.name} did not answer for {GONE_AFTER} clips in a row: {result.message}"
                raise VerError(what, "mend that and run the same command again; kept answers are not asked for again")
            if result.said is not None:
                self._unread[_way(result)] += 1
                self._words.setdefault(_way(result), told(result))
        for result in results:
            n = 0 if result.said is None else self._unread[_way(result)]
            if n >= LEAST and n > self.max_unread * self._asked:
                raise VerError(
                    f"{n} of {self._asked} answers of {self.name} cannot be used, all for one reason: {told(result)}",
                    "mend the server or its options and run the same command again; no answer is lost, and nothing was "
                    "changed (annotate.max_unread is the share that may fail)",
                )

    def words(self) -> str:
        """The commonest reason why answers could not be read, in the words of the first; empty where all could."""
        return next((self._words[way] for way, _ in self._unread.most_common(1)), "")


def told(result: Result) -> str:
    """What was wrong with an answer, and how the answer began, in one line."""
    said = servers_words(result.said) if result.said else ""
    return f"{result.message}; it said: {said!r}" if said else result.message


def _way(result: Result) -> str:
    """The kind of a failure, without the places and numbers in which two of a kind differ."""
    return f"{result.reason}: " + re.sub(r"\d+", "#", result.message)
