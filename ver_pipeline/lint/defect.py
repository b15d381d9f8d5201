"""What lint found: which file, which sample, what is wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Defect:
    """One defect.

    Attributes:
        file: path in the data set.
        key: the sample (or source) concerned; empty where the defect is of the file as a whole.
        code: stable name of the kind of defect.
        what: one line for people.
        note: does not make the data set unsound (a stray file beside it).
    """

    file: str
    key: str
    code: str
    what: str
    note: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)
