"""ver lint: prove that a published data set is whole, or name each defect."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.schemas.canonical import canonical_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("shards", type=Path, help="the data set's folder")
    parser.add_argument("--fast", action="store_true", help="hashes, tar layout and keys only; decode nothing")
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the defects")


def run(args: argparse.Namespace) -> int:
    """0 when the data set is sound, 1 when a defect was found or a check could not run."""
    from ver_pipeline.lint import lint_dataset

    report = lint_dataset(args.shards, fast=args.fast, workers=args.workers)
    if args.format == "json":
        report_json = {
            "sound": report.is_sound,
            "mode": "full" if report.full else "fast",
            "n_files": report.n_files,
            "n_samples": report.n_samples,
            "defects": [defect.to_dict() for defect in report.defects],
            "not_run": list(report.not_run),
        }
        sys.stdout.write(canonical_json(report_json).decode() + "\n")
        return 0 if report.is_sound else 1
    for defect in report.defects:
        place = f"{defect.file} {defect.key}".strip()
        sys.stdout.write(f"{'note' if defect.note else 'DEFECT'}  {place}: {defect.what} [{defect.code}]\n")
    for line in report.not_run:
        sys.stdout.write(f"NOT RUN  {line}\n")
    mode = "full" if report.full else "fast"
    n = sum(not defect.note for defect in report.defects)
    verdict = "sound" if report.is_sound else f"{n} defects"
    sys.stdout.write(f"{report.n_files} files, {report.n_samples} samples, {mode} check: {verdict}\n")
    return 0 if report.is_sound else 1
