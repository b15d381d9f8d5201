"""``ver eval``: measure a checkpoint on shards, predictions on a public layout, forgetting; or judge annotations."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ver_pipeline.cli.arguments import add_where
from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver eval``."""
    parser.add_argument("--checkpoint", type=Path, help="Emotion-Qwen folder to ask about --shards")
    parser.add_argument("--shards", type=Path, help="data set of `ver build`")
    parser.add_argument("--split", default="test", help="split of --shards (default test)")
    add_where(parser, "clips of --shards", "")
    parser.add_argument("--lang", nargs="+", choices=("en", "zh"), default=["en", "zh"])
    parser.add_argument("--tasks", nargs="+", choices=("label", "open", "describe"), default=["label", "open"])
    parser.add_argument(
        "--taxonomy", default="canonical", choices=("canonical", "mer6", "dfew7", "mafw11", "meld7", "sentiment3")
    )
    parser.add_argument("--blind", action="store_true", help="zero all pixels: what stays right was not seen")
    parser.add_argument("--no-speech", action="store_true", help="do not quote the transcript in the question")
    parser.add_argument("--max-pixels", type=int, default=448 * 448, help="pixels of a video frame")
    parser.add_argument("--predictions", type=Path, help="CSV of predictions to score, without a model")
    parser.add_argument("--reference", type=Path, help="CSV of true labels for --predictions")
    parser.add_argument("--layout", default="labels", help="layout of --reference: mer2024, dfew, emer or labels")
    parser.add_argument("--wheel", type=Path, help="another emotion wheel (see schemas/wheel.yaml)")
    parser.add_argument("--forgetting", nargs=2, type=Path, metavar=("BEFORE", "AFTER"),
                        help="two checkpoints to compare on --general")  # fmt: skip
    parser.add_argument("--general", type=Path, help="WebDataset with conversations, for --forgetting")
    parser.add_argument("--judge", metavar="NAME", help="openai, vllm or transformers: let a model of another family "
                        "mark the annotations of --shards; writes --replies, never records")  # fmt: skip
    parser.add_argument("--config", help="YAML file whose annotate.options count for --judge")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="also write the report as JSON")
    parser.add_argument("--replies", type=Path, help="also write the replies as JSON lines")


def run(args: argparse.Namespace) -> int:
    """Print the report.

    Raises:
        UsageError: the options name nothing to measure, or one of two that belong together.
    """
    if args.forgetting:
        report = forgetting(args)
    elif args.judge:
        report = judged(args)
    elif args.predictions:
        if args.reference is None:
            raise UsageError("--predictions needs --reference", "give the CSV of true labels")
        from ver_pipeline.model.evaluate.report import score_files, wheel_of

        report = score_files(args.reference, args.predictions, args.layout, wheel_of(args.wheel))
    elif args.checkpoint and args.shards:
        report = on_shards(args)
    else:
        raise UsageError(
            "nothing to measure",
            "give --checkpoint with --shards, --predictions with --reference, --judge with --shards, or --forgetting",
        )
    from ver_pipeline.model.evaluate.report import as_text

    sys.stdout.write(as_text(report) + "\n")
    if args.json:
        args.json.write_text(json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True), encoding="utf-8")
    return 0


def on_shards(args: argparse.Namespace) -> dict[str, Any]:
    """A checkpoint's scores on a split."""
    from ver_pipeline.editing.settle import settle
    from ver_pipeline.model import load
    from ver_pipeline.model.compat import without_progress_bars
    from ver_pipeline.model.data.shards import open_shards
    from ver_pipeline.model.evaluate.answers import answers, save_answers
    from ver_pipeline.model.evaluate.report import score_answers, wheel_of
    from ver_pipeline.model.vision import Sampling

    without_progress_bars()
    settle(args.shards)
    model, tokenizer, _ = load(args.checkpoint, args.device)
    data = open_shards(args.shards, args.split, args.where)
    predictions = list(
        answers(
            model, tokenizer, data, args.tasks, args.lang, sampling=Sampling(max_pixels=args.max_pixels),
            with_speech=not args.no_speech, blind=args.blind,
        )
    )  # fmt: skip
    if args.replies:
        save_answers(args.replies, predictions)
    return score_answers(predictions, args.taxonomy, wheel_of(args.wheel))


def judged(args: argparse.Namespace) -> dict[str, Any]:
    """The marks of a judge of another model family; each assessment is a line of ``--replies``.

    Raises:
        UsageError: ``--shards`` or ``--replies`` is missing.
    """
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.config_file import load_config
    from ver_pipeline.editing.settle import settle
    from ver_pipeline.quality.llm_judge_report import judge_records

    if args.shards is None or args.replies is None:
        raise UsageError("--judge needs --shards and --replies", "name the data set and the JSONL file to write")
    options = load_config(args.config, args.set).annotate.options.get(args.judge)
    settle(args.shards)
    with open_dataset(args.shards) as data:
        return judge_records(data, args.judge, options, args.where or "true", args.replies)


def forgetting(args: argparse.Namespace) -> dict[str, Any]:
    """The same general set before and after a training.

    Raises:
        UsageError: ``--general`` is missing.
    """
    if args.general is None:
        raise UsageError("--forgetting needs --general", "give a WebDataset with conversations")
    from ver_pipeline.model import load
    from ver_pipeline.model.compat import without_progress_bars
    from ver_pipeline.model.data.webfolder import open_webfolder
    from ver_pipeline.model.evaluate.answers import general_score
    from ver_pipeline.model.vision import Sampling

    without_progress_bars()
    data = open_webfolder(args.general)
    report: dict[str, Any] = {}
    for name, path in zip(("before", "after"), args.forgetting, strict=True):
        model, tokenizer, _ = load(path, args.device)
        report[name] = asdict(general_score(model, tokenizer, data, sampling=Sampling(max_pixels=args.max_pixels)))
    report["lost_accuracy"] = report["before"]["exact"] - report["after"]["exact"]
    report["gained_loss"] = report["after"]["loss"] - report["before"]["loss"]
    return report
