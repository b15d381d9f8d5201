"""One look at a teacher before a run is given to it: canaries, a clip or a few, and what a thousand would cost."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.annotators.base import Result, Usage
from ver_pipeline.annotators.canaries.check import Report, check
from ver_pipeline.annotators.canaries.guard import senses_of
from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.teacher.asking import Model
from ver_pipeline.annotators.teacher.prices import price
from ver_pipeline.catalog.records import local_root, read_records
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.stages.annotate import request_of

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.  ``wall_s`` is the time of the clips alone, canaries left out; ``money`` is what they cost, None
    without prices; ``why`` counts what was wrong with answers that cannot be kept."""

    name: str
    senses: Report
    n_clips: int
    n_good: int
    n_repaired: int
    wall_s: float
    usage: Usage
    money: float | None
    why: Mapping[str, int]

    def lines(self) -> str:
        """The trial for a terminal."""
        a_thousand = 1000 / self.n_clips
        cost = "no prices set" if self.money is None else f"{self.money * a_thousand:.2f} (in the prices' currency)"
        speed = self.usage.tokens_out / self.usage.seconds if self.usage.seconds else 0.0
        text = (
            f"{self.senses.line(self.name)}\n"
            f"{self.n_clips} clips asked: {self.n_good} kept, of which {self.n_repaired} repaired; "
            f"accept rate {self.n_good / self.n_clips:.2f}\n"
            f"{self.wall_s / self.n_clips:.1f} s a clip, {self.usage.calls / self.n_clips:.1f} questions a clip, "
            f"{self.usage.tokens_in} tokens in, {self.usage.tokens_out} out, {speed:.1f} tokens written a second\n"
            f"a thousand clips: {self.usage.tokens_in * a_thousand:.0f} tokens in, "
            f"{self.usage.tokens_out * a_thousand:.0f} out, {self.wall_s * a_thousand / 3600:.2f} h, cost {cost}\n"
        )
        return text + "".join(f"  {n} rejected: {what}\n" for what, n in sorted(self.why.items()))


def trial(data: Dataset, config: AnnotateConfig, n_clips: int, limit_s: float = math.inf) -> Trial:
    """Send a canary and ask about the first ``n_clips`` clips; writes nothing into the data set and keeps no answer.

    Args:
        limit_s: no further clip is asked about once the clips took so long, in seconds.

    Raises:
        UsageError: the annotator asks no model, the data set is empty, or no clip may be asked about.
    """
    if n_clips < 1 or not limit_s > 0:
        raise UsageError("no clip may be asked about", "give --clips and --limit-s above 0")
    annotator = make(config.annotator, config.options.get(config.annotator))
    if not isinstance(annotator, Model):
        raise UsageError(f"{config.annotator} asks no model", "name openai, vllm or transformers")
    annotator.open()
    senses = check(annotator)
    if senses.reached:
        annotator.teacher = annotator.teacher.with_senses(senses_of(senses))
    with tempfile.TemporaryDirectory(prefix="ver-trial-") as folder:
        requests = [request_of(row) for row in _rows(data, n_clips, Path(folder))]
        if not requests:
            raise UsageError("the data set holds no clip", "name one that does")
        started = time.monotonic()
        results: list[Result] = []
        while len(results) < len(requests) and time.monotonic() - started < limit_s:
            at_once = getattr(annotator.teacher.options, "concurrency", annotator.batch_size)
            results += annotator.annotate(requests[len(results) : len(results) + at_once])
        wall_s = time.monotonic() - started
    good = [result.annotation for result in results if result.annotation is not None]
    usage = sum((result.usage for result in results), Usage())
    why = Counter(f"{result.reason}: {result.message}" for result in results if result.annotation is None)
    n_repaired = sum(annotation["provenance"]["parse"] == "repaired" for annotation in good)
    money = price(annotator.teacher, usage)
    return Trial(config.annotator, senses, len(results), len(good), n_repaired, wall_s, usage, money, why)


def _rows(data: Dataset, n_clips: int, folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with ShardReader(local_root(data)) as shards:
        for index, record in islice(read_records(data), n_clips):
            video = shards.members(dict(index)).get("mp4")
            path = folder / f"{len(rows)}.mp4"
            if video is not None:
                path.write_bytes(video)
            rows.append({**record, "media_path": None if video is None else str(path)})
    return rows
