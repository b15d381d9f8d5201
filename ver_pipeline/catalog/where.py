"""Choosing samples by a condition: what stands behind every ``--where``.

A condition is spliced into a query of ours.  So it must be one expression, whole in itself: text that closes our
parenthesis, adds a clause, begins another statement or comments out what follows is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog import sandbox
from ver_pipeline.catalog.sandbox import QueryError, QueryRefusedError

if TYPE_CHECKING:
    import duckdb

    from ver_pipeline.catalog.dataset import Dataset

ALL = "true"
"""The condition that chooses every sample."""

_FORMS = ("SELECT key FROM samples WHERE (\n{}\n)", "SELECT key FROM samples WHERE \n{}\n")
"""One expression means the same in both."""
_CURE = "give one condition, such as \"label = 'anger' AND confidence > 0.7\", or a whole SELECT that yields key"
_WHOLE = ("SELECT", "WITH", "FROM")


def select_keys(data: Dataset, where: str, split: str | None = None) -> str:
    """A query for the keys of the samples that ``where`` chooses; may be put in parentheses inside another.

    Args:
        where: a condition over the columns of ``samples``, with all tables at hand for subqueries; or a whole SELECT
            that yields ``key``.
        split: only these samples, for the condition too: its ``samples`` holds no others.

    Raises:
        QueryError: it is not understood.
        QueryRefusedError: it is more than a condition, or asks for more than the data set.
    """
    connection = data.parser()
    sandbox.check(connection, check_where(connection, where))
    if is_whole(where) and "key" not in {row[0] for row in data.sql(f"DESCRIBE {where}")}:
        raise QueryError("the query yields no column 'key'", "select key")
    query = f"SELECT key FROM samples WHERE (\n{_as_condition(where)}\n)"
    if split is None:
        return query
    return f"WITH samples AS (SELECT * FROM main.samples WHERE split = {sandbox.quote(split)}) {query}"


def keys_where(data: Dataset, where: str, split: str | None = None) -> list[str]:
    """The keys that :func:`select_keys` finds, ascending."""
    return [key for (key,) in data.sql(f"{select_keys(data, where, split)} ORDER BY key")]


def both(first: str, second: str) -> str:
    """A condition that holds where both do.

    Raises:
        QueryError: one is not understood.
        QueryRefusedError: one is no condition.
    """
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for where in (first, second):
            check_where(connection, where)
    return f"(\n{_as_condition(first)}\n) AND (\n{_as_condition(second)}\n)"


def _as_condition(where: str) -> str:
    """A whole query as a condition; ``chosen.`` lest a ``key`` that it lacks be taken for that of the sample."""
    if not is_whole(where):
        return where
    return f"key IN (SELECT chosen.key FROM (\n{where.strip().rstrip(';')}\n) AS chosen)"


def is_whole(where: str) -> bool:
    """Whether this is a query of its own, not a condition."""
    return where.split(None, 1)[:1] != [] and where.split(None, 1)[0].upper() in _WHOLE


def check_where(connection: duckdb.DuckDBPyConnection, where: str) -> str:
    """The query to which the condition leads, if it is one expression; a whole query as it is.

    Raises:
        QueryError: it is not understood.
        QueryRefusedError: it is more than one expression.
    """
    if not where.strip():
        raise QueryError("the condition is empty", _CURE)
    if is_whole(where):
        return where
    parsed = [sandbox.parse(connection, form.format(where)) for form in _FORMS]
    nodes = [_without_places(tree["statements"][0]["node"]) for tree in parsed if not tree["error"]]
    if not nodes and not any("Only SELECT" in str(tree.get("error_message")) for tree in parsed):
        raise QueryError(f"the condition is not understood: {parsed[1].get('error_message')}", _CURE)
    shape = _without_places(sandbox.parse(connection, _FORMS[1].format(ALL))["statements"][0]["node"])
    alike = len(nodes) == len(_FORMS) and nodes[0] == nodes[1]
    if not alike or {**nodes[0], "where_clause": None} != {**shape, "where_clause": None}:
        raise QueryRefusedError("the condition is more than one condition", _CURE)
    return _FORMS[0].format(where)


def _without_places(tree: Any) -> Any:
    """A parse tree without the positions in the text."""
    if isinstance(tree, dict):
        return {name: _without_places(value) for name, value in tree.items() if not name.startswith("query_location")}
    return [_without_places(value) for value in tree] if isinstance(tree, list) else tree
