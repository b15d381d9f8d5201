"""``ver doctor``: what this machine has, and what each missing thing costs."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from ver_pipeline.hardware.gpus import gpu_names
from ver_pipeline.schemas import extras
from ver_pipeline.schemas.errors import VerError

LOW_DISK_BYTES = 5 << 30
LOW_MEMORY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.  ``cost`` says what does not work, or works worse, without it."""

    name: str
    state: Literal["ok", "note", "bad"]
    detail: str
    cost: str = ""
    cure: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one JSON line per finding")
    parser.add_argument("--network", action="store_true", help="also ask whether the model hub answers")


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 when something is missing that a default build cannot do without."""
    failed = False
    for finding in examine(args.network):
        failed = failed or finding.state == "bad"
        if args.json:
            sys.stdout.write(json.dumps(asdict(finding), ensure_ascii=False) + "\n")
            continue
        sys.stdout.write(f"{finding.state:5}{finding.name:22}{finding.detail}\n")
        if finding.cost:
            sys.stdout.write(f"{'':27}without it: {finding.cost}\n")
        if finding.cure:
            sys.stdout.write(f"{'':27}cure: {finding.cure}\n")
    sys.stdout.flush()
    return int(failed)


def examine(ask_network: bool = False) -> Iterator[Finding]:
    """Look at everything, one finding after the other; nothing is changed and nothing fetched."""
    yield Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")
    looks: list[Callable[[], Iterator[Finding]]] = [_ffmpeg, _machine, _disk, _gpu, _packages, _models]
    for look in looks:
        yield from look()
    if ask_network:
        from ver_pipeline.assets import hub

        cost = "models outside the store's list cannot be fetched; the listed ones come from package registries"
        yield Finding("model hub", "ok", "answers") if hub.answers() else Finding("model hub", "note", "silent", cost)


def _ffmpeg() -> Iterator[Finding]:
    from ver_pipeline.media.ffmpeg import ffmpeg_path, ffmpeg_version

    try:
        path = ffmpeg_path()
        listed = subprocess.run([path, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
        said = ffmpeg_version()
    except (VerError, OSError, subprocess.CalledProcessError) as error:
        cost, cure = "nothing can be built", extras.cure("build", "set VER_FFMPEG to an ffmpeg with libx264")
        yield Finding("ffmpeg", "bad", f"does not run: {error}", cost, cure)
        return
    kind = "VER_FFMPEG" if os.environ.get("VER_FFMPEG") else "packaged"
    yield Finding("ffmpeg", "ok", f"{said} ({kind})")
    for encoder in ("libx264", "aac"):
        if f" {encoder} " not in listed:
            cure = "unset VER_FFMPEG to use the packaged ffmpeg"
            yield Finding(f"ffmpeg {encoder}", "bad", "not in this ffmpeg", "clips cannot be written", cure)
    protocols = subprocess.run([path, "-hide_banner", "-protocols"], capture_output=True, text=True, check=False).stdout
    if "fd" not in protocols.split():
        cost, cure = "no video can be read", "unset VER_FFMPEG, or name ffmpeg 6.0 or later"
        yield Finding("ffmpeg fd", "bad", "this ffmpeg reads no open files", cost, cure)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("processor", "ok", f"{cores} cores usable")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        state: Literal["ok", "note"] = "ok" if memory >= LOW_MEMORY_BYTES else "note"
        cost = "" if state == "ok" else "the system may end workers; give the build fewer CPUs"
        yield Finding("memory", state, f"{memory / 2**30:.1f} GiB", cost)


def _disk() -> Iterator[Finding]:
    from ver_pipeline.assets import store

    for name, folder in (("disk here", Path.cwd()), ("disk of the store", store.home())):
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free >= LOW_DISK_BYTES:
            yield Finding(name, "ok", f"{free / 2**30:.0f} GiB free at {folder}")
        else:
            cost = "a build needs about the size of its clips twice: once in the cache, once in the shards"
            yield Finding(name, "note", f"{free / 2**30:.1f} GiB free at {folder}", cost)


def _gpu() -> Iterator[Finding]:
    names = gpu_names()
    if names:
        yield Finding("GPU", "ok", f"{'; '.join(names)} (`ver build --profile gpu` uses it)")
    else:
        cost = "speech runs on the processor; no local teacher model and no training of a full-size model"
        yield Finding("GPU", "note", "none seen by nvidia-smi", cost)


COSTS = {
    "build": "nothing can be built or annotated; data sets made elsewhere are asked, checked and shown all the same",
    "train": "no training, and no answers of a checkpoint",
    "teacher": "no model of this machine as a teacher",
    "vllm": "no teacher by vLLM's engine inside Ray (it needs GPUs)",
    "whisperx": "no forced alignment: word times come from Whisper itself",
    "events": "nobody hears where the sound is speech, singing or music",
}
"""Extra to what does not work without it."""


def _packages() -> Iterator[Finding]:
    present = [f"{name} {_version(name)}" for name in ("duckdb", "ray", "torch") if _version(name)]
    yield Finding("packages", "ok", ", ".join(present))
    for extra, cost in COSTS.items():
        absent = extras.absent(extra)
        if absent:
            state: Literal["note", "bad"] = "bad" if extra == "build" else "note"
            detail = f"not installed: {', '.join(absent)}"
            yield Finding(f"extra {extra}", state, detail, cost, extras.cure(extra))
        else:
            yield Finding(f"extra {extra}", "ok", "installed")


def _models() -> Iterator[Finding]:
    from ver_pipeline.assets import store

    for asset in store.assets().values():
        if asset.kind != "model":
            continue
        if store.is_complete(asset):
            yield Finding(asset.name, "ok", f"in {store.home()}")
        else:
            cost = f"the {asset.needed_for} stage fetches it when it first runs ({asset.download_bytes / 1e6:.0f} MB)"
            yield Finding(asset.name, "note", "not in the store", cost, f"ver models fetch {asset.name}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
