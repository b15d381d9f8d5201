"""ver validate: run the set expectations on a data set, or the text rules on human-written descriptions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("shards", nargs="?", help="the data set: a folder, or an http(s):// or s3:// address")
    parser.add_argument("--suite", action="append", metavar="NAME", help="run this suite only (may be repeated)")
    parser.add_argument("--list", action="store_true", help="show the suites and what each check expects")
    parser.add_argument("--against", metavar="OLD", help="an earlier data set, for the suite drift")
    parser.add_argument("--strict", action="store_true", help="fail on warnings too (with --emer: on any reject)")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the results")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the explanations")
    parser.add_argument(
        "--emer",
        nargs="+",
        metavar="CSV",
        help="judge human-written descriptions by the text rules: EN.csv ZH.csv (names, emotions, subtitles, "
        "reasons), or one CSV (name, chinese, english)",
    )


def run(args: argparse.Namespace) -> int:
    """0: everything held; 1: an expectation of severity error failed (with ``--strict``: any failed).

    Raises:
        UsageError: no data set is named, or ``--emer`` names more than two files.
    """
    if args.emer:
        return _judge_texts(args)
    if args.list:
        return _list(args)
    if not args.shards:
        raise UsageError("no data set was given", "ver validate SHARDS, or --emer EN.csv ZH.csv")
    from ver_pipeline.editing.settle import settle
    from ver_pipeline.quality.expectations import run_expectations

    settle(args.shards)
    results = run_expectations(args.shards, args.suite, args.against)
    if args.format == "json":
        sys.stdout.write(canonical_json(results).decode() + "\n")
    else:
        _show(results, args.lang)
    failed = results["summary"]["failed_errors"]
    if args.strict:
        failed = sum(
            c["outcome"] == "failed" and c["severity"] != "info" for suite in results["suites"] for c in suite["checks"]
        )
    return 1 if failed else 0


def _judge_texts(args: argparse.Namespace) -> int:
    if len(args.emer) > 2:
        raise UsageError(f"--emer takes one file or two, not {len(args.emer)}")
    from ver_pipeline.quality.emer import judge, read_emer

    judged = judge(read_emer([Path(name) for name in args.emer]))
    if args.format == "json":
        sys.stdout.write(canonical_json(judged).decode() + "\n")
    else:
        lines = [f"{judged['n_passed']} of {judged['n']} descriptions pass; {judged['n_flagged']} of them with a flag."]
        lines.append(f"Rules that ran: {' '.join(judged['rules'])}")
        lines.append(f"Not run (they need media): {' '.join(judged['media_rules'])}")
        lines += [f"{n:6d}  {rule}" for rule, n in judged["by_rule"].items()]
        lines += [f"{name}: {line}" for name, found in judged["rejected"].items() for line in found]
        sys.stdout.write("\n".join(lines) + "\n")
    return 1 if args.strict and judged["rejected"] else 0


def _list(args: argparse.Namespace) -> int:
    from ver_pipeline.quality.expectations import load_suite, suite_names

    for name in suite_names():
        suite = load_suite(name)
        sys.stdout.write(f"{name}: {suite[args.lang]}\n")
        for check in suite["checks"]:
            sys.stdout.write(f"  {check['severity']:5}  {check['id']:24} {check[args.lang]}\n")
    return 0


_MARK = {"passed": "ok", "failed": "FAILED", "not_run": "not run"}


def _show(results: dict[str, Any], language: str) -> None:
    for suite in results["suites"]:
        sys.stdout.write(f"{suite['name']}  {suite[language]}\n")
        for check in suite["checks"]:
            sys.stdout.write(f"  {_MARK[check['outcome']]:7} {check['severity']:5} {check[language]}\n")
            if check["outcome"] == "not_run":
                sys.stdout.write(f"          {check['why']}\n")
            elif check["outcome"] == "failed":
                sys.stdout.write(f"          {check['id']}: {_figures(check)}\n")
    total = results["summary"]
    sys.stdout.write(
        f"{total['passed']} passed, {total['failed']} failed ({total['failed_errors']} of them errors), "
        f"{total['not_run']} not run\n"
    )


def _figures(check: dict[str, Any]) -> str:
    figure = check.get("why") or f"observed {canonical_json(check['observed']).decode()}"
    examples = check.get("examples")
    return figure + (f", e.g. {canonical_json(examples[:2]).decode()}" if examples else "")
