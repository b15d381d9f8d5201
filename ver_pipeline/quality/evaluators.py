"""Who evaluates an expectation over rows: Great Expectations, or pyarrow.

Both give the same result for the kinds of expectation that our suites hold (``tests/expectations/test_evaluators.py``).
Great Expectations also takes every other kind that it knows; its import takes longer than a small build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.extras import cure

if TYPE_CHECKING:
    import pyarrow as pa

ROW_COUNT = "expect_table_row_count_to_equal"
EXAMPLES = 5
"""How many offending values a result shows."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What became of one expectation.

    Attributes:
        success: it holds.
        observed: the figure behind it: the observed value, or ``unexpected_count`` of ``element_count``.
        examples: the first offending values of a column.
        error: why it could not be evaluated; then it does not hold.
    """

    success: bool
    observed: Any = None
    examples: Sequence[Any] = field(default_factory=list)
    error: str | None = None


class Evaluator(Protocol):
    """Evaluates expectations in the form of Great Expectations: ``{"type": ..., "kwargs": {...}}``."""

    engine: str
    """Name and version, as the results state them."""

    def evaluate(self, rows: pa.Table, expect: dict[str, Any]) -> Evaluation:
        """Evaluate one expectation over the rows."""
        ...


class ArrowEvaluator:
    """The kinds of expectation that our suites hold, in pyarrow.  As in Great Expectations nulls are not judged."""

    def __init__(self) -> None:
        import pyarrow as pa

        self.engine = f"pyarrow {pa.__version__}"

    def evaluate(self, rows: pa.Table, expect: dict[str, Any]) -> Evaluation:
        """See :class:`Evaluator`.

        Raises:
            ConfigError: an expectation of another kind.
        """
        kind, wanted = expect["type"], expect["kwargs"]
        if kind == ROW_COUNT:
            return Evaluation(rows.num_rows == wanted["value"], rows.num_rows)
        if kind in _AGGREGATES:
            return _aggregate(rows, wanted, _AGGREGATES[kind])
        unexpected = _UNEXPECTED.get(kind)
        if unexpected is None:
            known = ", ".join(sorted(_UNEXPECTED))
            hint = cure("build", f"use one of those that can be judged without Great Expectations: {known}")
            raise ConfigError(f"an expectation of the kind {kind} needs Great Expectations", hint)
        names = wanted.get("column_list") or [wanted["column"]]
        judged, offending = unexpected(rows.select(names), wanted)
        holds = not judged or 1 - len(offending) / judged >= wanted.get("mostly", 1)
        return Evaluation(
            holds,
            {"unexpected_count": len(offending), "element_count": rows.num_rows},
            [] if holds else offending[:EXAMPLES],
        )


def _aggregate(rows: pa.Table, wanted: dict[str, Any], name: str) -> Evaluation:
    import pyarrow.compute as pc

    value = getattr(pc, name)(rows[wanted["column"]]).as_py()
    low, high = wanted.get("min_value"), wanted.get("max_value")
    holds = value is not None and (low is None or value >= low) and (high is None or value <= high)
    return Evaluation(holds, value)


def _where(rows: pa.Table, holds: Any) -> tuple[int, list[Any]]:
    """(values judged, offending values) of one column, from a mask of which values are as wanted."""
    import pyarrow.compute as pc

    column = rows.column(0)
    present = pc.is_valid(column)
    offending = column.filter(pc.and_(present, pc.invert(pc.fill_null(holds, True))))
    return pc.sum(present).as_py() or 0, offending.to_pylist()


def _between(rows: pa.Table, wanted: dict[str, Any]) -> tuple[int, list[Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column, holds = rows.column(0), pa.scalar(True)
    if wanted.get("min_value") is not None:
        holds = pc.and_(holds, pc.greater_equal(column, wanted["min_value"]))
    if wanted.get("max_value") is not None:
        holds = pc.and_(holds, pc.less_equal(column, wanted["max_value"]))
    return _where(rows, holds)


def _in_set(rows: pa.Table, wanted: dict[str, Any]) -> tuple[int, list[Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return _where(rows, pc.is_in(rows.column(0), value_set=pa.array(wanted["value_set"], rows.column(0).type)))


def _matches(rows: pa.Table, wanted: dict[str, Any]) -> tuple[int, list[Any]]:
    import pyarrow.compute as pc

    return _where(rows, pc.match_substring_regex(rows.column(0), wanted["regex"]))


def _not_null(rows: pa.Table, _: dict[str, Any]) -> tuple[int, list[Any]]:
    return rows.num_rows, [None] * rows.column(0).null_count


def _unique(rows: pa.Table, _: dict[str, Any]) -> tuple[int, list[Any]]:
    """Every row whose values stand in another row too."""
    from collections import Counter

    is_single = rows.num_columns == 1
    values = [tuple(row.values()) for row in rows.to_pylist() if any(value is not None for value in row.values())]
    times = Counter(values)
    twice = [value for value in values if times[value] > 1]
    return len(values), [value[0] if is_single else dict(zip(rows.column_names, value, strict=True)) for value in twice]


_UNEXPECTED = {
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_match_regex": _matches,
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
}
_AGGREGATES = {"expect_column_max_to_be_between": "max", "expect_column_mean_to_be_between": "mean"}
KINDS = frozenset({ROW_COUNT, *_AGGREGATES, *_UNEXPECTED})
"""What :class:`ArrowEvaluator` knows."""
