"""Read a Parquet file that may be anybody's without taking more memory than its size can answer for.

Dictionaries and run lengths let a file of some kilobytes stand for a billion rows, or for a text of a megabyte in each
of them.  Rows that a build writes differ, so they cost bytes: the bounds are generous multiples of the file's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ver_pipeline.schemas.errors import CorruptDataError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_BYTE, SPARE_ROWS = 16, 10_000
TEXT_PER_BYTE, SPARE_TEXT_BYTES = 64, 64 << 20
QUICK_BYTES = 32 << 20
_CURE = "do not use it: it was not written by a build of this release, or was tampered with"


def check_rows(path: Path) -> None:
    """Refuse a file whose footer tells of more rows than its bytes can hold, if they differ.

    Raises:
        CorruptDataError: it does.
        OSError, ValueError, pyarrow.ArrowException: it has no footer that can be read.
    """
    import pyarrow.parquet as pq

    require_rows(path, pq.read_metadata(path).num_rows)


def require_rows(path: Path, n_rows: int) -> None:
    """The same, where the footer was read already.

    Raises:
        CorruptDataError: ``n_rows`` is below zero, or more than the file's bytes can hold.
    """
    size_bytes = path.stat().st_size
    if not 0 <= n_rows <= ROWS_PER_BYTE * size_bytes + SPARE_ROWS:
        raise CorruptDataError(f"{path}: {n_rows} rows in {size_bytes} bytes", _CURE)


def read_bounded(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table, with its texts as plain strings.

    Args:
        columns: those that are wanted; None for all that are not nested.

    Raises:
        CorruptDataError: it would take far more memory than a file of this size can need.
        OSError, ValueError, KeyError, pyarrow.ArrowException: it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    size_bytes = path.stat().st_size
    schema = pq.read_schema(path)
    flat = [field.name for field in schema if not pa.types.is_nested(field.type)]
    wanted = flat if columns is None else list(columns)
    if nested := sorted(set(wanted) & set(schema.names) - set(flat)):
        raise CorruptDataError(f"{path}: the column {nested[0]!r} is nested", _CURE)
    check_rows(path)
    texts, left = [], TEXT_PER_BYTE * size_bytes + SPARE_TEXT_BYTES
    stored = pq.read_metadata(path)
    for column in map(
        stored.schema.column, range(len(stored.schema))
    ):  # as stored: a schema of Arrow's own may say else
        if column.path in wanted and column.physical_type == "BYTE_ARRAY":
            texts.append(column.path)
        elif column.path in wanted and column.physical_type == "FIXED_LEN_BYTE_ARRAY":
            left -= column.length * stored.num_rows
            _require_room(left, column.path, path, size_bytes)
    table = pq.read_table(path, columns=wanted, read_dictionary=texts)
    for name in texts:
        for chunk in table[name].chunks:
            lengths = pc.binary_length(chunk.dictionary).cast(pa.int64())
            left -= pc.sum(lengths.take(chunk.indices)).as_py() or 0
        _require_room(left, name, path, size_bytes)
        plain = table[name].cast(table[name].type.value_type)
        table = table.set_column(table.column_names.index(name), name, plain)
    return table


def check_texts(path: Path) -> None:
    """Refuse a small file whose texts and lists, written out, are far more than its bytes can hold if they differ.

    Columns whose footer leaves no doubt are not read.  What is not found here, a footer that lies or a file of more
    than ``QUICK_BYTES``, meets the limits of what then reads the file (``catalog/limits.py``, ``read_bounded``).

    Raises:
        CorruptDataError: they are.
        OSError, ValueError, pyarrow.ArrowException: the file cannot be read.
    """
    import pyarrow.parquet as pq

    size_bytes = path.stat().st_size
    if size_bytes > QUICK_BYTES:
        return
    stored = pq.read_metadata(path)
    budget = left = TEXT_PER_BYTE * size_bytes + SPARE_TEXT_BYTES
    for k in range(len(stored.schema)):
        column = stored.schema.column(k)
        chunks = [stored.row_group(group).column(k) for group in range(stored.num_row_groups)]
        require_rows(path, sum(chunk.num_values for chunk in chunks))
        if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
            left -= column.length * sum(chunk.num_values for chunk in chunks)
        if column.physical_type == "BYTE_ARRAY":
            stored_bytes = sum(chunk.total_uncompressed_size for chunk in chunks)
            _require_room(left - stored_bytes, column.path, path, size_bytes)
            most_bytes = sum(chunk.num_values * chunk.total_uncompressed_size for chunk in chunks)
            in_doubt = most_bytes > budget // len(stored.schema)
            left -= _texts_bytes(path, column.path, left) if in_doubt else most_bytes
        _require_room(left, column.path, path, size_bytes)


def _texts_bytes(path: Path, column: str, room_bytes: int) -> int:
    """All texts of one column, also of a list, written out one after the other; counting ends above ``room_bytes``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    total_bytes = 0
    for group in range(pq.read_metadata(path).num_row_groups):
        for whole in (True, False):  # Arrow has no lists over two dictionaries, which long texts make: read some rows
            file = pq.ParquetFile(path, read_dictionary=[column] if whole else None)
            counted = total_bytes
            try:
                for batch in file.iter_batches(1 << 20 if whole else 16, row_groups=[group], columns=[column]):
                    counted += _lengths(batch.column(0))
                    if counted > room_bytes:
                        return counted
                break
            except pa.ArrowNotImplementedError:
                if not whole:
                    raise
        total_bytes = counted
    return total_bytes


def _lengths(values: pa.Array) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    while pa.types.is_nested(values.type):
        values = values.flatten()[0] if pa.types.is_struct(values.type) else values.flatten()
    texts = values.dictionary if isinstance(values, pa.DictionaryArray) else values
    lengths = pc.binary_length(texts).cast(pa.int64())
    lengths = lengths.take(values.indices) if isinstance(values, pa.DictionaryArray) else lengths
    return pc.sum(lengths).as_py() or 0


def _require_room(left_bytes: int, name: str, path: Path, size_bytes: int) -> None:
    if left_bytes < 0:
        raise CorruptDataError(f"{path}: texts of {name!r} without measure in {size_bytes} bytes", _CURE)
