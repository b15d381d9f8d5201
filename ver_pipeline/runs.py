"""What every run did and cost: rows of the ``runs`` table, kept in the work folder from run to run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ver_pipeline.annotators.canaries.guard import run_rows as canary_rows
from ver_pipeline.annotators.teacher.cost import Cost, estimate_row
from ver_pipeline.engine.runner import StageStats
from ver_pipeline.schemas.canonical import parse_json
from ver_pipeline.schemas.catalog_tables import RUNS
from ver_pipeline.schemas.columns import fits
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.base import Row

RUNS_KEPT = 50


def new_run_id() -> str:
    """The name of one run."""
    return uuid.uuid4().hex[:12]


@dataclass
class Summary:
    """What a build did, for the table at its end.  ``priced``: what its annotators cost can be told;
    ``n_good_sources``: sources that gave a sample; ``n_canary_bytes``: the log of canaries when the build began."""

    out: Path
    started_utc: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    run_id: str = field(default_factory=new_run_id)
    priced: bool = False
    n_canary_bytes: int = 0
    n_sources: int = 0
    n_good_sources: int = 0
    n_samples: int = 0
    sample_s: float = 0.0
    wall_s: float = 0.0
    rejects: list[Row] = field(default_factory=list)
    stats_by_stage: dict[str, StageStats] = field(default_factory=dict)


def note_estimate(work: WorkFolder, summary: Summary, expected: Cost) -> None:
    """Keep what a build is expected to cost, before it spends anything: a killed build leaves this behind."""
    append(work, [estimate_row(summary.run_id, summary.started_utc, expected)])


def note_canaries(work: WorkFolder, summary: Summary) -> None:
    """Keep what the canaries of a build showed, over all workers."""
    append(work, canary_rows(work.root / "answers", summary.run_id, summary.started_utc, summary.n_canary_bytes))


def note_build(work: WorkFolder, summary: Summary) -> list[Row]:
    """Keep what a build did; returns the last runs for the catalog.

    Tokens and money stand in the row of the stage that spent them and nowhere else, so that a column may be
    summed.  Money is left out where an annotator that may be asked has no price.
    """
    run = {"run_id": summary.run_id, "started_utc": summary.started_utc}
    rows = [{**run, **_stage_row(name, stats, summary.priced)} for name, stats in summary.stats_by_stage.items()]
    total = {"rows_in": summary.n_sources, "rows_out": summary.n_samples, "n_rejected": len(summary.rejects)}
    times = {"wall_s": round(summary.wall_s, 3), "media_s": round(summary.sample_s, 3)}
    rows.append({**run, "stage": "total", **total, **times})
    append(work, rows)
    return _last(work)


def append(work: WorkFolder, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep rows of one run, on lines of their own even after a line that a kill cut off."""
    path = work.root / "runs.jsonl"
    whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(("" if whole else "\n", *(json.dumps(row) + "\n" for row in rows)))


def _stage_row(name: str, stats: StageStats, priced: bool) -> Row:
    row: Row = {
        "stage": name,
        "busy_s": round(stats.busy_s, 3),
        "rows_in": stats.done,
        "rows_out": stats.rows_out,
        "n_rejected": stats.rejected,
        "n_cached": stats.cached,
    }
    if name == "annotate":
        row |= {"tokens_in": stats.tokens_in, "tokens_out": stats.tokens_out}
        row |= {"cost": stats.cost} if priced else {}
        row |= {"gpu_hours": stats.gpu_hours} if stats.gpu_hours else {}
        row |= {"n_unseen": stats.n_unseen} if stats.n_unseen else {}
    return row


def _last(work: WorkFolder) -> list[Row]:
    known: list[Row] = []
    for line in (work.root / "runs.jsonl").read_bytes().splitlines():
        try:
            row = parse_json(line)
        except ValueError:
            continue  # a line cut off by a kill
        if fits(RUNS, row):
            known.append(row)
    keep = set(list(dict.fromkeys(row["run_id"] for row in known))[-RUNS_KEPT:])
    return [row for row in known if row["run_id"] in keep]
