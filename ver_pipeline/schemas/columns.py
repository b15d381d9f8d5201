"""What a table is: columns with a type and one line of meaning, and its form in Arrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Type = Literal["string", "int", "float", "bool", "strings", "floats"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  ``strings`` and ``floats`` are lists; every column but a key column may be null."""

    name: str
    type: Type
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its rows are ordered by ``order``, which makes the file's bytes reproducible."""

    name: str
    meaning: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in file order."""
        return tuple(column.name for column in self.columns)


def columns(text: str) -> tuple[Column, ...]:
    """One line a column: name, type, meaning."""
    rows = (line.split(None, 2) for line in text.strip().splitlines())
    return tuple(Column(name, type_, meaning) for name, type_, meaning in rows)  # type: ignore[arg-type]


_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def fits(table: Table, row: Any) -> bool:
    """Whether something read from a file is a row that can be written to a table of plain columns; columns that are not
    part of the order may be absent."""
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in table.order):
        return False
    types = {column.name: column.type for column in table.columns}
    return all(name in types and (value is None or _is_kind(types[name], value)) for name, value in row.items())


def _is_kind(type_: str, value: Any) -> bool:
    if not isinstance(value, _KINDS.get(type_, ())) or (isinstance(value, bool) and type_ != "bool"):
        return False
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table, with each column's meaning as field metadata."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "strings": pa.list_(pa.string()),
        "floats": pa.list_(pa.float64()),
    }
    fields = [
        pa.field(column.name, types[column.type], metadata={"meaning": column.meaning}) for column in table.columns
    ]
    return pa.schema(fields, metadata={"table": table.name, "meaning": table.meaning})
