"""Builds for the guarantee tests: small real videos, the real command line, sha256 of what comes out."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

QUICK = ("--set", "speech.engine=none", "--set", "evidence.frames_per_s=1")
"""Settings that leave out what the test at hand is not about: nobody speaks in the drawn videos."""


def ver(
    *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "ver_pipeline", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ver_pipeline", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def manifest(out: Path) -> dict:
    return json.loads((out / "manifest.json").read_bytes())


def content(out: Path) -> dict[str, str]:
    """sha256 of every published file that holds data (not the run's own times)."""
    timed = ("catalog/runs-", "pages/report-")
    files = {f["path"]: f["sha256"] for f in manifest(out)["files"] if not f["path"].startswith(timed)}
    for name, sha256 in files.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256, name
    return files


def rows(out: Path, table: str) -> list[dict]:
    import pyarrow.parquet as pq

    (path,) = [f["path"] for f in manifest(out)["files"] if f["path"].startswith(f"catalog/{table}-")]
    return pq.read_table(out / path).to_pylist()


def last_run(out: Path) -> dict[str, dict]:
    """Rows of the newest run, by stage."""
    found = [json.loads(line) for line in (out / ".ver" / "runs.jsonl").read_text().splitlines()]
    return {row["stage"]: row for row in found if row["run_id"] == found[-1]["run_id"]}


def work_done(out: Path) -> Counter[str]:
    """Finished units in the cache, per stage."""
    cache = out / ".ver" / "cache"
    return Counter(path.relative_to(cache).parts[0] for path in cache.rglob("*.json") if not path.name.startswith("."))
