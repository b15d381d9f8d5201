"""``ver teacher up|check``: a teacher's server on this machine, and whether a server is worth asking."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ver_pipeline.schemas import extras
from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    from ver_pipeline.serving.catalog import TEACHERS

    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "start a server for a teacher, with what fits into this machine's memory"
    up = actions.add_parser("up", help=summary, description=summary)
    up.add_argument("name", choices=sorted(TEACHERS), metavar="NAME", help=f"one of {', '.join(sorted(TEACHERS))}")
    up.add_argument("--show", action="store_true", help="only print the plan and the command")
    up.add_argument("--accept-license", action="store_true", help="the licence that is shown is accepted")
    up.add_argument(
        "--gpu-gb", type=float, help="memory of the card, in 10^9 bytes (default: that of the first GPU here)"
    )
    up.add_argument("--port", type=int, default=8000, help="where the server listens, on this machine only")
    summary = "send canaries and one clip to the configured server, and say what it is worth"
    check = actions.add_parser("check", help=summary, description=summary)
    check.add_argument("out", type=Path, help="a data set whose first clip is asked about")
    check.add_argument("--annotator", default="openai", help="openai, vllm or transformers")
    check.add_argument("--clips", type=int, default=1, help="how many clips are asked about")
    check.add_argument(
        "--limit-s", type=float, default=math.inf, help="ask about no further clip after so many seconds"
    )
    check.add_argument("--config", help="YAML file whose annotate section counts")
    check.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value")


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    return _up(args) if args.action == "up" else _check(args)


def _up(args: argparse.Namespace) -> int:
    from ver_pipeline.serving.catalog import TEACHERS, CpuTeacher

    teacher = TEACHERS[args.name]
    if isinstance(teacher, CpuTeacher):
        return _up_here(args, teacher.asset, teacher.context_tokens)
    from ver_pipeline.hardware.gpus import gpu_memory_gb
    from ver_pipeline.serving.plan import plan

    cards = gpu_memory_gb()
    if args.gpu_gb is None and not cards:
        raise UsageError("no GPU is seen by nvidia-smi", "say for which card to plan: --gpu-gb 24 --show")
    memory_plan = plan(teacher, args.gpu_gb or cards[0])
    command = memory_plan.command(args.port)
    sys.stdout.write(f"{memory_plan.lines()}{shlex.join(command)}\n{_options(memory_plan.options(), args.port)}")
    if args.show or not _licensed(args, f"{teacher.model}: {teacher.licence}"):
        return int(not args.show)
    if shutil.which(command[0]) is None:
        raise extras.not_installed("vllm", "vllm")
    return subprocess.run(command, check=False).returncode


def _up_here(args: argparse.Namespace, name: str, context_tokens: int) -> int:
    from ver_pipeline.assets import store
    from ver_pipeline.serving import llama

    asset = store.assets()[name]
    state = "in the store" if store.is_complete(asset) else f"{asset.download_bytes / 1e6:.0f} MB to fetch"
    sys.stdout.write(f"{asset.title}\n  {asset.size_bytes / 1e6:.0f} MB, {state}: {asset.folder}\n")
    sys.stdout.write(
        f"  {context_tokens} tokens of context, one question at once, on the processor ({llama.PACKAGE})\n"
    )
    shown = {"model": name, "send": "nothing", "few_shot": False, "concurrency": 1, "timeout_s": 900}
    shown["schema_bounds"] = True
    sys.stdout.write(_options(shown, args.port))
    if args.show or not _licensed(args, f"{asset.name}: {asset.licence}"):
        return int(not args.show)
    weights = store.resolve(name)
    server = llama.start(weights, context_tokens, args.port)
    sys.stdout.write(f"listening at {server.listening_address}; Ctrl-C ends it\n")
    sys.stdout.flush()
    llama.wait()
    return 0


def _licensed(args: argparse.Namespace, licence: str) -> bool:
    """The licence, shown before anything is fetched or started; False where it was not accepted."""
    sys.stdout.write(f"licence of {licence}\n")
    if not args.accept_license:
        sys.stdout.write("nothing was fetched or started: read the licence and repeat this with --accept-license\n")
    return bool(args.accept_license)


def _options(options: dict[str, object] | dict[str, int | str], port: int) -> str:
    annotator_options = {"openai": {**options, "base_url": f"http://127.0.0.1:{port}/v1"}}
    setting = shlex.quote("annotate.options=" + json.dumps(annotator_options))
    return f"then: ver annotate OUT --annotator openai --set {setting}\n"


def _check(args: argparse.Namespace) -> int:
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.config_file import load_config
    from ver_pipeline.reannotation.trial import trial

    config = load_config(args.config, [*args.set, f"annotate.annotator={args.annotator}"])
    with open_dataset(args.out) as data:
        outcome = trial(data, config.annotate, args.clips, args.limit_s)
    sys.stdout.write(outcome.lines())
    return int(outcome.n_good == 0 or bool(outcome.senses.refused))
