"""What a query may do: read the data set.  Everything else is refused, in three layers.

1. Syntax: one statement, a SELECT (or EXPLAIN of one), whose parse tree holds no writing clause and no
   table function outside :data:`TABLE_FUNCTIONS`.  An allow-list, because a forbidden list leaks: DuckDB
   2.0 runs ``WITH x AS (COPY ...)`` as a SELECT, and ``json_execute_serialized_sql`` runs a statement
   that no parser has seen.
2. DuckDB's own lock: no external access but to the catalog's files, no extensions, configuration locked.
3. No Python variables as tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.errors import VerError, one_line
from ver_pipeline.schemas.tables import INDEX, SAMPLES

if TYPE_CHECKING:
    import duckdb

TABLE_FUNCTIONS = frozenset(
    {
        "unnest", "range", "generate_series", "repeat", "json_each", "json_tree", "duckdb_columns",
        "duckdb_tables", "duckdb_views", "duckdb_functions", "duckdb_keywords", "pragma_version",
    }
)  # fmt: skip
"""Table functions that compute from their arguments or describe the catalog; none that takes a table's name as text."""

SYSTEM_VIEWS = frozenset({"duckdb_columns", "duckdb_tables", "duckdb_views"})
"""Built-in views that describe the tables; the others tell of settings, secrets and folders of the machine."""

_SYSTEM = ("duckdb_", "pragma_", "pg_", "sqlite_")
_REFUSED_FUNCTIONS = frozenset(
    {
        "current_setting",
        "getenv",
        "getvariable",
        "json_contains",
        "json_serialize_plan",
        "write_log",
        "sleep_ms",
        "pg_sleep",
    }
)
"""What tells of the machine or waits; ``json_contains`` ends the process on JSON that nests 100,000 deep."""
_SHOWN = frozenset({"", "tables", "__show_tables_expanded"})
"""What ``SHOW`` may show besides the tables and views: no settings, no databases."""
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
MESSAGE_LIMIT = 600
"""Characters of a DuckDB error: it may quote megabytes of the value that it stumbled over."""
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\s+(?=select|from|with|describe|summarize|pivot|values|\()", re.I)
_CURE = "a query reads the data set; use --output to write its answer"


class QueryRefusedError(VerError):
    """The query asks for more than reading the data set."""


class QueryError(VerError):
    """The query is not understood or failed."""


def lock(connection: duckdb.DuckDBPyConnection, files: Sequence[str], spill_dir: str) -> None:
    """Close the connection's reach to ``files``, for good.  Call after the views exist.

    ``spill_dir`` is where DuckDB may put what does not fit in memory; it is created on demand.
    """
    for setting in (
        f"allowed_paths = [{', '.join(map(quote, files))}]",
        f"temp_directory = {quote(spill_dir)}",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_community_extensions = false",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def check(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The one statement in ``sql``, if it may run.

    Raises:
        QueryError: it does not parse, or is empty.
        QueryRefusedError: it does anything but read the data set.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(first_line(error)) from error
    except RecursionError as error:
        raise QueryRefusedError("the query nests too deep", "write it in fewer levels") from error
    if not statements:
        raise QueryError("the query is empty", "for example: SELECT label, count(*) FROM samples GROUP BY label")
    if len(statements) > 1:
        raise QueryRefusedError(f"{len(statements)} statements in one query", "run one at a time")
    text = statements[0].query.strip().rstrip(";")
    try:
        kind = statements[0].type.name
    except ValueError as error:  # a statement for which the Python package has no name
        raise QueryRefusedError(f"{_verb(text)} is refused", _CURE) from error
    explained = _EXPLAIN.match(text) if kind == "EXPLAIN" else None
    if kind != "SELECT" and explained is None:
        raise QueryRefusedError(f"{_verb(text)} is refused", _CURE)
    _check_tree(parse(connection, text[explained.end() :] if explained else text))
    return text


def parse(connection: duckdb.DuckDBPyConnection, select: str) -> Any:
    """The parse tree of one SELECT as DuckDB writes it, or ``{"error": True, "error_message": ...}``.

    Raises:
        QueryRefusedError: it nests too deep to be looked at.
    """
    import duckdb

    try:
        answer = connection.execute("SELECT json_serialize_sql(?)", [select]).fetchone()
        return json.loads(answer[0]) if answer else {"error": True}
    except duckdb.Error as error:
        return {"error": True, "error_message": first_line(error)}
    except RecursionError as error:
        raise QueryRefusedError("the query nests too deep", "write it in fewer levels") from error


def _check_tree(tree: Any) -> None:
    if tree["error"]:
        raise QueryRefusedError("only SELECT is understood", "write PIVOT with an explicit IN list; " + _CURE)
    for node in _nodes(tree["statements"]):
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in _NODES:
            raise QueryRefusedError(f"{kind.split('_')[0]} inside a query is refused", _CURE)
        if kind == "TABLE_FUNCTION":
            name = str(node["function"]["function_name"]).lower()
            if name not in TABLE_FUNCTIONS:
                raise QueryRefusedError(f"the table function {name}() is refused", _CURE)
        if kind == "BASE_TABLE":
            _check_table(str(node["table_name"]))
        if kind == "SHOW_REF" and not _may_be_shown(node):
            raise QueryRefusedError("SHOW of anything but tables is refused", _CURE)
        if kind == "TYPE" and str(node.get("type_name", "")).upper() == "VARIANT":
            raise QueryRefusedError("the type VARIANT is refused", "it ended the process on deep JSON; use JSON")
        if kind == "FUNCTION" and str(node.get("function_name", "")).lower().startswith("variant_"):
            raise QueryRefusedError(f"the function {node['function_name']}() is refused", _CURE)
        if kind == "FUNCTION" and str(node.get("function_name", "")).lower() in _REFUSED_FUNCTIONS:
            raise QueryRefusedError(f"the function {node['function_name']}() is refused", _CURE)


def _may_be_shown(node: dict[str, Any]) -> bool:
    name = str(node.get("table_name", "")).strip('"')
    return name in _SHOWN or name in TABLES or name in (SAMPLES.name, INDEX.name)


def _check_table(name: str) -> None:
    """Refuse a file as a table, and built-in views that tell of more than the tables."""
    is_file = re.search(r"[/\\.:*]", name) is not None
    is_system = name.lower().startswith(_SYSTEM) and name.lower() not in SYSTEM_VIEWS
    if is_file or is_system:
        raise QueryRefusedError(f"reading {name!r} is refused", _CURE)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON tree."""
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _verb(text: str) -> str:
    words = re.findall(r"[A-Za-z]+", text)
    return words[0].upper() if words else "this statement"


def first_line(error: Exception) -> str:
    """The message of a DuckDB error without the echo of the query."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = [line for line in lines if not line.startswith(("LINE ", "^"))]
    return one_line(" ".join(message[:2]), MESSAGE_LIMIT) if message else type(error).__name__
