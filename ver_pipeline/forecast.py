"""What the annotators of a build will cost, told before anything is asked.

Clips whose evidence is in the cache are counted; the footage of the other videos is divided by a clip's mean
length.  Prompts are rendered for clips of the data set that is already there or, where there is none, for an
empty clip.  Which of these it was stands in ``basis``.
"""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.teacher.cost import ESTIMATE_CLIPS, Cost, estimate, together
from ver_pipeline.annotators.teacher.prices import is_priced, teacher_of
from ver_pipeline.engine.cache_lookup import CacheLookup
from ver_pipeline.schemas.config import BuildConfig, ClipConfig
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import AnnotateStage, request_of
from ver_pipeline.stages.base import Row, Stage

log = logging.getLogger(__name__)

PROBE_LIMIT_S = 20.0
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected cost and what it was made from."""

    cost: Cost
    basis: str

    def lines(self) -> str:
        """Two lines for a terminal."""
        return f"{self.cost.lines('expected of the annotators')}  {self.basis}"


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a clip is like: requests to measure prompts on, a clip's mean length, and where both come from."""

    requests: Sequence[Request]
    mean_s: float
    basis: str


def forecast(
    dag: Sequence[Stage], rows: Sequence[Row], work: WorkFolder, config: BuildConfig, out: Path
) -> Forecast | None:
    """The expected cost of bringing ``rows`` through ``dag``; None where no annotator has a price.

    Args:
        dag: the stages from the first that has not run to the last.
        rows: sources; one without a ``source`` column is measured by what its file says of itself.
    """
    stage = next((annotate_stage for annotate_stage in dag if isinstance(annotate_stage, AnnotateStage)), None)
    if stage is None or not shows_money(stage):
        return None
    n_known, unseen_s = _to_do(dag, rows, work)
    sample = _published(out) or _empty(config.clip)
    n_clips = n_known + round(unseen_s / sample.mean_s)
    cost = together([estimate(annotator, sample.requests, n_clips) for annotator in (stage.main, *stage.others)])
    clips = f"{n_known} clips wait; {unseen_s:.0f} s of video not cut yet, at {sample.mean_s:.1f} s a clip"
    return Forecast(cost, f"{clips}; {sample.basis}; retries and the adjudicator are left out")


def must_prove(dag: Sequence[Stage], rows: Sequence[Row], work: WorkFolder) -> bool:
    """Somebody with senses will be asked, so they are tested first; a refused sense always is, for it may be mended."""
    stage = next((annotate_stage for annotate_stage in dag if isinstance(annotate_stage, AnnotateStage)), None)
    if stage is None or not stage.proves:
        return False
    return stage.refused or _to_do(dag, rows, work) != (0, 0.0)


def annotator_of(dag: Sequence[Stage]) -> AnnotateStage:
    """The stage that annotates.

    Raises:
        LookupError: there is none.
    """
    return next(stage for stage in dag if isinstance(stage, AnnotateStage))


def shows_money(stage: AnnotateStage) -> bool:
    """Somebody who may be asked has a price."""
    teachers = [teacher_of(annotator) for annotator in stage.asked()]
    return any(teacher is not None and is_priced(teacher.options) for teacher in teachers)


def all_priced(dag: Sequence[Stage]) -> bool:
    """Everybody who may be asked has a price or costs nothing, and somebody has one: money can be told."""
    stage = next((annotate_stage for annotate_stage in dag if isinstance(annotate_stage, AnnotateStage)), None)
    if stage is None or not shows_money(stage):
        return False
    teachers = [teacher_of(annotator) for annotator in stage.asked()]
    return all(teacher is None or is_priced(teacher.options) for teacher in teachers)


def _to_do(dag: Sequence[Stage], rows: Sequence[Row], work: WorkFolder) -> tuple[int, float]:
    """Clips known to wait for an annotation, and seconds of video of which no clip is known."""
    lookup, unseen_s = CacheLookup(dag, work), 0.0
    for row in rows:
        before = lookup.missing.get(AnnotateStage.name, 0)
        done = lookup.follow(row) is not None
        if not done and lookup.missing.get(AnnotateStage.name, 0) == before:
            unseen_s += _seconds(row)
    return lookup.missing.get(AnnotateStage.name, 0), unseen_s


def _seconds(row: Mapping[str, Any]) -> float:
    source = row.get("source")
    return float(source["duration_s"]) if source else declared_s(str(row["path"]))


def declared_s(path: str) -> float:
    """The duration that a file claims, read by a process of its own; 0 where it claims none."""
    from ver_pipeline.media.ffmpeg import FfmpegError, describe

    try:
        duration = _DURATION.search(describe(path, PROBE_LIMIT_S))
    except (FfmpegError, subprocess.TimeoutExpired):
        return 0.0
    return 0.0 if duration is None else int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])


def _published(out: Path) -> _Sample | None:
    """The data set that stands in ``out``; None where there is none, or nothing that can be read."""
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.catalog.records import read_records

    if not (out / "manifest.json").is_file():
        return None
    try:
        with open_dataset(out) as data:
            records = [record for _, record in islice(read_records(data), ESTIMATE_CLIPS)]
            ((mean_s,),) = data.sql("SELECT avg(duration_s) FROM samples").rows()
    except CorruptDataError as error:
        log.info("no estimate from %s: %s", out, error)
        return None
    if not records:
        return None
    requests = [request_of({**record, "media_path": "film"}) for record in records]
    return _Sample(requests, float(mean_s), f"prompts measured on {len(records)} clips of the data set that is there")


def _empty(config: ClipConfig) -> _Sample:
    """A clip in which nothing is said and nobody seen, as long as the middle of what the configuration allows."""
    mean_s = (config.min_s + config.max_s) / 2
    clip = {"duration_s": mean_s, "n_shots": 1, "has_audio": True}
    speech = {"present": False, "text": "", "language": "und", "segments": []}
    measured = {
        "faces": {"tracks": [], "n_tracks": 0, "max_simultaneous": 0},
        "picture": {"brightness": 0.5, "motion_mean": 0.0, "black_frac": 0.0},
        "voice": None,
    }
    basis = "no clip is known: prompts measured without speech and faces, so expect more; the mean length is assumed"
    return _Sample([Request("0" * 16, "film", clip, speech, measured)], mean_s, basis)
