"""``ver annotate``: add or replace annotations on the clips of a data set, without touching its videos."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ver_pipeline.cli.arguments import add_where

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset
    from ver_pipeline.schemas.config import BuildConfig


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver annotate``."""
    parser.add_argument("out", type=Path, help="folder of the data set; the new version takes its place")
    parser.add_argument("--annotator", help="cues, openai, vllm, transformers or replay")
    parser.add_argument("--config", help="YAML file whose annotate section counts")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value")
    add_where(parser, "clips to annotate", "true")
    parser.add_argument("--reviews", help="JSONL of human decisions (short for --set annotate.reviews=FILE)")
    parser.add_argument("--add", action="store_true", help="keep present annotations; the new ones become alternatives")
    parser.add_argument("--estimate", action="store_true", help="only say what it would cost")
    parser.add_argument("--write-answers", type=Path, metavar="FILE", help="only write annotations for replay (JSONL)")
    parser.add_argument(
        "--fit-source-skill", type=Path, metavar="FILE", help="only fit the labeling sources' skill and write it"
    )
    parser.add_argument("--human-scores", action="store_true", help="only print annotators' agreement with reviewers")


def run(args: argparse.Namespace) -> int:
    """Annotate, or one of the questions about it."""
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.editing.settle import settle

    settle(args.out, passes_on=True)
    with open_dataset(args.out) as data:
        if args.fit_source_skill is not None:
            return _fit(data, args.fit_source_skill)
        if args.human_scores:
            return _scores(data)
        if args.write_answers is not None:
            return _write_answers(data, args.write_answers, args.where)
        config = _config(args, data)
        from ver_pipeline.reannotation.reannotate import expected_cost, reannotate

        if args.estimate:
            sys.stdout.write(expected_cost(data, config, args.where).lines("expected"))
            return 0
        outcome = reannotate(data, config, args.where, args.add)
    for title, cost in (("expected", outcome.expected), ("spent", outcome.spent)):
        if cost is not None:
            sys.stdout.write(cost.lines(title))
    sys.stdout.writelines(f"{line}\n" for line in outcome.senses)
    sys.stdout.write(f"{outcome.n_asked} clips asked for, {outcome.n_kept} kept, {len(outcome.rejects)} rejected\n")
    for reason, count in sorted(outcome.unanswered.items()):
        sys.stdout.write(f"  {count} clips stay as they were: {reason}\n")
    if outcome.unanswered:
        sys.stdout.write(f"  first: {next(iter(outcome.why))}\n")
    if outcome.n_reasoned:
        sys.stdout.write(f"  {outcome.n_reasoned} answers came with reasoning, which was dropped\n")
    if outcome.n_unseen:
        sys.stdout.write(
            f"  {outcome.n_unseen} observations of faces, bodies and scenes were dropped: nothing was seen\n"
        )
    for reject in outcome.rejects[:10]:
        sys.stdout.write(f"  {reject['key']}  {reject['reason']}: {reject['message']}\n")
    return 0


def _config(args: argparse.Namespace, data: Dataset) -> BuildConfig:
    """The data set's own configuration with the annotate section that was asked for."""
    from ver_pipeline.config_file import load_config
    from ver_pipeline.schemas.migrate import config_of

    overrides = list(args.set)
    if args.annotator:
        overrides.append(f"annotate.annotator={args.annotator}")
    if args.reviews:
        overrides.append(f"annotate.reviews={args.reviews}")
    asked = load_config(args.config, overrides)
    base = config_of(data.manifest)
    return base.model_copy(update={"annotate": asked.annotate})


def _fit(data: Dataset, path: Path) -> int:
    from ver_pipeline.annotators.agreement.dawid_skene import fit
    from ver_pipeline.reannotation.reannotate import vote_table
    from ver_pipeline.schemas.errors import UsageError

    votes = [row for row in vote_table(data) if row]
    if not votes:
        raise UsageError("no clip of this data set has a vote", "build with faces, voice or speech measured")
    skill = fit(votes)
    path.write_text(json.dumps(skill.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"skill of {len(skill.confusion)} labeling sources from {len(votes)} clips is in {path}\n")
    return 0


def _write_answers(data: Dataset, path: Path, where: str) -> int:
    """The adopted annotation of every chosen clip, in the form that the replay annotator reads."""
    from ver_pipeline.catalog.records import read_records
    from ver_pipeline.schemas.canonical import canonical_json

    n = 0
    with path.open("wb") as file:
        for _, record in read_records(data, where):
            adopted = {name: record[name] for name in ("observations", "emotion", "description", "provenance")}
            file.write(canonical_json({"key": record["key"], "annotation": adopted}) + b"\n")
            n += 1
    sys.stdout.write(f"{n} answers are in {path}\n")
    return 0


def _scores(data: Dataset) -> int:
    from ver_pipeline.catalog.records import read_records
    from ver_pipeline.quality.reviews import human_scores

    scores = human_scores(record for _, record in read_records(data))
    if not scores:
        sys.stdout.write("no record of this data set was reviewed\n")
        return 0
    sys.stdout.write(f"{'annotator':<32}{'n':>6}{'abstained':>11}{'accuracy':>10}{'kappa':>8}{'macro F1':>10}\n")
    for s in scores:
        kappa = "-" if s.kappa is None else f"{s.kappa:.3f}"
        row = f"{s.annotator:<32}{s.n:>6}{s.n_abstained:>11}{s.accuracy:>10.3f}{kappa:>8}{s.macro_f1:>10.3f}\n"
        sys.stdout.write(row)
    return 0
