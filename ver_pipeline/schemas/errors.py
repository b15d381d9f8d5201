"""Errors that a user can act on: what failed, where, and what to do.

Every error the command line reports is a :class:`VerError`; its ``exit_code`` is the process's
exit status (1 the work failed, 2 the command was used wrongly).  Bad *data* is never an error:
it becomes a reject row (see ``schemas/reasons.py``).
"""

from __future__ import annotations

import errno

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


LINE_LIMIT = 2000
"""Characters of a message that are shown: what it quotes may be of any length."""


def one_line(text: str, most: int = LINE_LIMIT) -> str:
    """A message as a terminal may be sent it, on one line: it may quote a foreign name, text or library.

    Control characters (terminal escapes and line breaks among them) are shown as their escapes.
    """
    if len(text) > most:
        text = f"{text[: most - 80]}…{text[-79:]}"  # the cure stands at the end
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class VerError(Exception):
    """A failure with a cure.

    Args:
        what: one line that says what failed and on what (a path, a field, a model).
        cure: one line that says what the user can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.what} ({self.cure})" if self.cure else self.what

    def __reduce__(self) -> tuple[type[VerError], tuple[str, str]]:
        return type(self), (self.what, self.cure)  # crosses process borders whole


class UsageError(VerError):
    """The command line was used wrongly."""

    exit_code = 2


class ConfigError(VerError):
    """A configuration file or value is not understood."""

    exit_code = 2


class MissingModelError(VerError):
    """A model is not in the store and could not be fetched."""


class MissingDependencyError(VerError):
    """An optional package is needed for what was asked."""


class CorruptDataError(VerError):
    """A published data set does not hold what its manifest says."""


class DiskFullError(VerError):
    """There is no room left to write; what was finished is kept."""

    @classmethod
    def from_os(cls, error: OSError) -> DiskFullError:
        """The one-line form of an ``OSError`` whose errno is in ``DISK_FULL``."""
        where = f" writing {error.filename}" if error.filename else ""
        return cls(f"no space left on the disk{where}", "free some and run the same command again; it goes on there")


def from_os(error: OSError) -> VerError:
    """The one-line form of what the operating system refused."""
    if error.errno in DISK_FULL:
        return DiskFullError.from_os(error)
    where = f" on {error.filename2 or error.filename}" if error.filename else ""
    return VerError(f"{error.strerror or error}{where}", "mend that and run the same command again; -vv says more")
