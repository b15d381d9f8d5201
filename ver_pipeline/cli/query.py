"""``ver query OUT "SQL"``: ask a data set anything; it can read the data set and nothing else."""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ver_pipeline.schemas.errors import UsageError, VerError

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

SCREEN_ROWS = 40
EPILOG = """examples:
  ver query shards/ "SELECT label, count(*) AS n FROM samples GROUP BY label"
  ver query shards/ @class-balance
  ver query shards/ "SELECT key FROM samples WHERE intensity >= 3" --output strong.csv
  ver query shards/ --list
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from ver_pipeline.catalog.render import FORMATS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("dataset", metavar="OUT", nargs="?", help="folder, http(s):// or s3:// address of a data set")
    parser.add_argument(
        "sql", metavar="SQL", nargs="?", help="a query, @NAME of a named one, or - to read it from stdin"
    )
    parser.add_argument(
        "--list", action="store_true", help="show tables, columns and named queries, with their meaning"
    )
    parser.add_argument("--show", metavar="@NAME", help="print the SQL of a named query")
    parser.add_argument("--format", choices=FORMATS, help="default: by the suffix of --output, else a table")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the answer there")
    parser.add_argument(
        "--limit", metavar="N", type=int, help=f"rows shown (default {SCREEN_ROWS} on a terminal; 0: all)"
    )
    parser.add_argument("--timeout", metavar="S", type=float, help="seconds a query may take (default 300; 0: any)")
    parser.add_argument("--memory", metavar="SIZE", help="memory a query may use, such as 16GB (default 4GiB; 0: any)")
    parser.add_argument(
        "--width", metavar="N", type=int, help="width of a table (default: the terminal's; 0: no limit)"
    )


def run(args: argparse.Namespace) -> int:
    """Answer, list, or prompt.

    Raises:
        UsageError: no data set or no query is named, or the query is refused.
    """
    if args.show:
        from ver_pipeline.catalog.named import load_query

        sys.stdout.write(load_query(args.show))
        return 0
    if args.list:
        from ver_pipeline.catalog.listing import write_listing

        write_listing(sys.stdout, args.format or "table", _width(args))
        return 0
    if not args.dataset:
        raise UsageError("which data set?", 'ver query OUT "SQL", or ver query --list')
    if args.sql is None and not sys.stdin.isatty():
        raise UsageError(
            "which query?", 'give SQL, @NAME, or - to read it from stdin; "ver query --list" shows what there is'
        )
    from dataclasses import replace

    from ver_pipeline.catalog.dataset import Dataset
    from ver_pipeline.catalog.limits import limits_of
    from ver_pipeline.editing.settle import settle

    limits = replace(limits_of(args.timeout, args.memory), end_process=_end)
    settle(args.dataset)
    with Dataset(args.dataset, limits=limits) as data:
        if args.sql is None:
            from ver_pipeline.catalog.prompt import prompt

            prompt(data, _width(args))
            return 0
        answer(data, sys.stdin.read() if args.sql == "-" else args.sql, args)
    return 0


def answer(data: Dataset, sql: str, args: argparse.Namespace) -> None:
    """Run one query and write it as asked.

    Raises:
        UsageError: parquet without a file to write.
        VerError: the query fails, or its answer cannot be written.
    """
    from ver_pipeline.catalog.render import SUFFIXES, WRITERS, show, write_parquet

    to_file: Path | None = args.output
    form = args.format or (SUFFIXES.get(to_file.suffix.lower(), "table") if to_file else "table")
    if form == "parquet" and to_file is None:
        raise UsageError("parquet goes to a file", "add --output FILE.parquet")
    result = data.sql(sql)
    if to_file is not None:
        to_file.parent.mkdir(parents=True, exist_ok=True)
    if form == "parquet" and to_file is not None:
        write_parquet(result, to_file)
        return
    if to_file is None:
        limit = args.limit if args.limit is not None else SCREEN_ROWS if sys.stdout.isatty() and form == "table" else 0
        show(sys.stdout, result, form, limit, _width(args))
        return
    partial = to_file.with_name(to_file.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as out:
            rows = itertools.islice(result, args.limit or None)
            WRITERS[form](out, result.columns, result.types, rows, args.width or None)
        partial.replace(to_file)
    except OSError as error:
        raise VerError(f"cannot write {to_file}: {error}", "choose another --output") from error
    finally:
        partial.unlink(missing_ok=True)


def _end(message: str) -> None:
    """DuckDB does not stop: nothing is lost by ending here, as a query changes nothing."""
    sys.stderr.write(f"ver query: {message}\n")
    sys.stderr.flush()
    os._exit(VerError.exit_code)


def _width(args: argparse.Namespace) -> int | None:
    if args.width is not None:
        return args.width or None
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
