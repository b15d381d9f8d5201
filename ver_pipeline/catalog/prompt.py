"""The interactive prompt of ``ver query``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ver_pipeline.catalog.listing import all_tables
from ver_pipeline.catalog.named import named_queries
from ver_pipeline.catalog.render import show
from ver_pipeline.schemas.errors import VerError

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

SCREEN_ROWS = 40
HELP = """A query ends with ; or an empty line.   @NAME  runs a named query
.tables  tables   .columns TABLE  columns   .queries  named queries   .quit  leave
"""


def prompt(data: Dataset, width: int | None) -> None:
    """Read queries until end of input; a failing query is reported and the prompt goes on."""
    try:
        import readline  # noqa: F401 - gives input() editing and history
    except ImportError:
        sys.stderr.write("(no line editing on this Python)\n")
    counts = data.manifest.get("counts", {})
    sys.stdout.write(f"{counts.get('samples', '?')} samples.  .help explains.\n")
    waiting: list[str] = []
    while True:
        try:
            line = input("ver> " if not waiting else " ... ")
        except EOFError:
            sys.stdout.write("\n")
            return
        if not waiting and line.strip().startswith("."):
            if not command(line.split()):
                return
            continue
        waiting.append(line)
        text = "\n".join(waiting).strip()
        if text.startswith("@") or text.endswith(";") or (text and not line.strip()):
            waiting = []
            _answer(data, text.rstrip(";"), width)
        elif not text:
            waiting = []


def command(words: list[str]) -> bool:
    """Run a dot command; False to leave."""
    name, rest = words[0], words[1:]
    if name in (".quit", ".exit"):
        return False
    if name == ".tables":
        sys.stdout.writelines(f"{table.name:12} {table.meaning}\n" for table in all_tables())
    elif name == ".queries":
        sys.stdout.writelines(f"@{query:20} {meaning}\n" for query, meaning in named_queries().items())
    elif name == ".columns" and rest:
        columns = [column for table in all_tables() if table.name == rest[0] for column in table.columns]
        sys.stdout.writelines(f"{column.name:22} {column.type:8} {column.meaning}\n" for column in columns)
    else:
        sys.stdout.write(HELP)
    return True


def _answer(data: Dataset, sql: str, width: int | None) -> None:
    try:
        show(sys.stdout, data.sql(sql), "table", SCREEN_ROWS, width)
    except VerError as error:
        sys.stderr.write(f"{error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
