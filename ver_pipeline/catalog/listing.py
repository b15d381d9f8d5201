"""``ver query --list``: what can be asked, from the definitions themselves."""

from __future__ import annotations

from typing import TextIO

from ver_pipeline.catalog.named import named_queries
from ver_pipeline.catalog.render import WRITERS
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.columns import Table
from ver_pipeline.schemas.tables import INDEX, SAMPLES


def all_tables() -> list[Table]:
    """Every table and view that a query can name, ``samples`` first."""
    return [SAMPLES, *TABLES.values(), INDEX]


def write_listing(out: TextIO, form: str, width: int | None) -> None:
    """Write tables, columns and named queries in a text format; csv and json are one flat table."""
    if form in ("csv", "json"):
        rows: list[tuple[str, str, str, str]] = [
            (t.name, c.name, c.type, c.meaning) for t in all_tables() for c in t.columns
        ]
        rows += [("named query", f"@{name}", "", meaning) for name, meaning in named_queries().items()]
        WRITERS[form](out, ["table", "column", "type", "meaning"], ["VARCHAR"] * 4, rows, width)
        return
    write = WRITERS["markdown" if form == "markdown" else "table"]
    for table in all_tables():
        out.write(f"### {table.name}\n\n" if form == "markdown" else f"{table.name}: ")
        out.write(f"{table.meaning}\n\n")
        rows_ = [(column.name, column.type, column.meaning) for column in table.columns]
        write(out, ["column", "type", "meaning"], ["VARCHAR"] * 3, rows_, width)
        out.write("\n")
    out.write("### Named queries\n\n" if form == "markdown" else "Named queries: ver query OUT @NAME\n\n")
    rows__ = [(f"@{name}", meaning) for name, meaning in named_queries().items()]
    write(out, ["name", "answers"], ["VARCHAR"] * 2, rows__, width)
