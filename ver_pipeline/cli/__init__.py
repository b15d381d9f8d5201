"""The command line: ``ver COMMAND ...``.  One small file a command; only the chosen one is imported.

A command module offers ``configure(parser)`` and ``run(args) -> int``.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ver_pipeline import interrupt
from ver_pipeline.cli import extras
from ver_pipeline.schemas.errors import VerError, from_os, one_line

log = logging.getLogger(__name__)

COMMANDS: dict[str, str] = {
    "build": "make a data set from raw video",
    "plan": "show what a build would do, without doing it",
    "query": "ask a data set in SQL",
    "validate": "check a data set against its expectations",
    "lint": "prove that a data set's files are whole and consistent",
    "annotate": "add or replace annotations on existing clips",
    "teacher": "start a teacher's server, or say what one is worth",
    "prompts": "list, show or render the annotation prompts",
    "report": "write the report page of a data set",
    "export": "write a data set in another project's layout",
    "diff": "compare two data sets",
    "drop": "remove samples from a data set for good",
    "merge": "join data sets",
    "push": "bring a data set to an object store",
    "train": "train Emotion-Qwen from shards",
    "eval": "measure a checkpoint or a file of predictions",
    "infer": "describe one video with a checkpoint",
    "checkpoint": "make an Emotion-Qwen: from Qwen2.5-VL weights, or a tiny one",
    "models": "list, fetch or verify the models a build uses",
    "footage": "fetch sample footage",
    "doctor": "check this machine and say what each missing thing costs",
    "config": "show the configuration",
}

USAGE_EXIT = 2
INTERRUPTED_EXIT = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status (0 done, 1 failed, 2 bad usage)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((a for a in arguments if not a.startswith("-")), "")
    try:
        return _run(arguments, chosen)
    except VerError as error:
        return _failed(chosen, error)
    except ModuleNotFoundError as error:
        failure = extras.missing(error, chosen)
        if failure is None:
            raise
        return _failed(chosen, failure)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        log.debug("the machine refused", exc_info=True)
        return _failed(chosen, from_os(error))
    except KeyboardInterrupt:
        sys.stderr.write(f"\nver {chosen}: stopped. Run the same command again to go on.\n")
        return INTERRUPTED_EXIT


def run() -> None:
    """The process of a command: ``main``, and the end of the process.

    After Ctrl-C it ends at once.  Ray's exit hooks may crash then, and where Ctrl-C met code inside ``exec`` (each
    dataclass that is made) Python would end with the signal's status although it was caught.  What is cached is whole
    at any time.
    """
    interrupt.deliver_again()
    status = main()
    if status == INTERRUPTED_EXIT:
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _run(arguments: list[str], chosen: str) -> int:
    parser = argparse.ArgumentParser(prog="ver", description="Emotion-reasoning data from raw video.")
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    module = None
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            module = importlib.import_module(f"ver_pipeline.cli.{name}")
            sub.add_argument("-v", "--verbose", action="count", default=0, help="say more (twice: everything)")
            module.configure(sub)
    args = parser.parse_args(arguments)
    if args.version:
        sys.stdout.write(f"ver {_version()}\n")
        return 0
    if module is None:
        parser.print_help()
        return USAGE_EXIT
    show_log({0: logging.WARNING, 1: logging.INFO}.get(args.verbose, logging.DEBUG))
    extras.require(chosen, args)
    return int(module.run(args))


def _version() -> str:
    """The installed version, and the commit of its build where the build knew it (``setup.py``)."""
    from importlib.metadata import version

    commit = Path(__file__).parents[1] / "built_from.txt"
    built = f" (built from {commit.read_text('utf-8').strip()})" if commit.is_file() else ""
    return version("ver-pipeline") + built


def _failed(command: str, error: VerError) -> int:
    sys.stderr.write(f"ver {command}: {one_line(str(error))}\n")
    return error.exit_code


class _OneLine(logging.Formatter):
    """Messages may quote foreign names: none may send the terminal more than signs, or pass for another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))


class _NowStandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment: a live table takes lines in above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        self.setStream(sys.stderr)
        super().emit(record)


def show_log(level: int) -> None:
    """Log to standard error."""
    handler = _NowStandardError()
    handler.setFormatter(_OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
