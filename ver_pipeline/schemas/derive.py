"""Derives the committed schema files from the one source of truth, the pydantic record and the tables.

``python -m ver_pipeline.schemas.derive`` writes them; a test fails when they drift.  Within one version
a schema only ever gains optional fields; anything else is a new version with a reader for the old one
(``schemas/migrate.py``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.columns import Table
from ver_pipeline.schemas.record import SCHEMA_VERSION, Record
from ver_pipeline.schemas.tables import INDEX, SAMPLES

FOLDER = Path(__file__).parent
TABLES_VERSION = "ver-tables/1"
_SQL_TYPES = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN",
              "strings": "VARCHAR[]", "floats": "DOUBLE[]"}  # fmt: skip


def record_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one record.

    It closes every object and states every range, enum and pattern.  What relates fields to each other
    (times inside the clip, boxes inside the frame) is beyond JSON Schema: ``schemas/strict.py``.
    """
    schema = Record.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_VERSION.replace('/', ':')}",
        **schema,
    }


def arrow_tables() -> dict[str, Any]:
    """The Arrow schema of the index and of every catalog table: names, types, order, meanings."""
    from ver_pipeline.schemas.columns import arrow_schema

    return {
        "version": TABLES_VERSION,
        "tables": {
            table.name: {
                "meaning": table.meaning,
                "order": list(table.order),
                "fields": [
                    {
                        "name": field.name,
                        "type": str(field.type),
                        "nullable": field.nullable,
                        "meaning": field.metadata[b"meaning"].decode(),
                    }
                    for field in arrow_schema(table)
                ],
            }
            for table in _all_tables()
        },
    }


def sql_tables() -> str:
    """The same as SQL, for people: one CREATE TABLE a table, the meaning of each column beside it."""
    lines = [f"-- {TABLES_VERSION}: the tables of a data set.  Derived; see schemas/tables.py."]
    for table in (*_all_tables(), SAMPLES):
        lines.append(f'\n-- {table.meaning}\nCREATE TABLE "{table.name}" (')
        last = len(table.columns) - 1
        for i, column in enumerate(table.columns):
            comma = "," if i < last else " "
            lines.append(f"    {column.name:<22}{_SQL_TYPES[column.type] + comma:<12}-- {column.meaning}")
        lines.append(");")
    return "\n".join(lines) + "\n"


def derived_files() -> dict[str, str]:
    """File name under ``schemas/`` to its content."""
    return {
        "record.v2.schema.json": _pretty(record_json_schema()),
        "tables.v1.arrow.json": _pretty(arrow_tables()),
        "tables.v1.sql": sql_tables(),
    }


def main() -> None:
    """Write every derived file."""
    for name, content in derived_files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote schemas/{name}\n")


def _all_tables() -> Iterator[Table]:
    yield INDEX
    yield from TABLES.values()


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    main()
