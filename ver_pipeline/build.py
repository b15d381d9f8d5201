"""A build from beginning to end: list, ingest, deduplicate, stream through the DAG, publish.

The order of events is here; how stages run is the engine's business and what they do is theirs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ver_pipeline import interrupt
from ver_pipeline.annotators.canaries.guard import sent_before
from ver_pipeline.dag import make_dag, tool_versions
from ver_pipeline.editing.forget import forget_withdrawn
from ver_pipeline.editing.settle import finish_withdrawal, writing
from ver_pipeline.engine.cache import stage_digest
from ver_pipeline.engine.engine import Engine, Placement
from ver_pipeline.forecast import all_priced, annotator_of, forecast, must_prove
from ver_pipeline.hardware.instruction_set import hold
from ver_pipeline.progress import Progress
from ver_pipeline.publishing.pages import PAGES, warm_up
from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.publishing.unchanged import content_id, did_nothing, is_published, note_published, untouched
from ver_pipeline.reannotation.standing import keep_standing, says_nothing_of_the_clip
from ver_pipeline.runs import Summary, note_build, note_canaries, note_estimate
from ver_pipeline.schemas.address import shown
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import UsageError, VerError
from ver_pipeline.schemas.keys import parse_key
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.split import split_units
from ver_pipeline.shards.layout import Sample, layout_fingerprint
from ver_pipeline.shards.tombstones import read_tombstones
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.sources.listing import SourceRef, list_sources
from ver_pipeline.sources.rows import source_rows
from ver_pipeline.stages import evidence, speakers
from ver_pipeline.stages.base import Row, Stage
from ver_pipeline.stages.ingest import read_takedown
from ver_pipeline.stages.validate import ValidateStage
from ver_pipeline.stages.withdraw import WithdrawStage

INGESTED = {"reject", "uri", "path", "file", "entry", "source", "sidecar"}
"""What a video's row carries into the DAG once it is known not to be a duplicate."""

FINISHED = {
    "reject",
    "key",
    "split",
    "record_path",
    "media_path",
    "poster_path",
    "size_bytes",
    "duration_s",
    "embedded",
}
"""What is read of a finished row."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a build is asked to do.  ``cpus`` None means all; ``address`` joins a Ray cluster;
    ``where`` is where stages run."""

    source: str
    out: Path
    config: BuildConfig
    limit: int | None = None
    cpus: int | None = None
    address: str | None = None
    where: Placement = Placement.AUTO


def build(options: BuildOptions, progress: Progress) -> Summary:
    """Run a build; returns when the data set is published.

    Raises:
        UsageError: the source holds no file, or OUT cannot be written to.
        VerError: the build as a whole cannot go on; finished work is kept in the cache.
    """
    started = time.perf_counter()
    hold(options.config.runtime.instruction_set)
    options = replace(options, config=_settled(options.config, progress))
    work = open_work(options.out)
    with writing(options.out, mends=True), interrupt.noted():
        ingest = options.config.ingest
        refs = list_sources(options.source, ingest.manifest, ingest.follow_links, work.sources, options.out)
        if not refs:
            raise UsageError(f"{shown(options.source)} holds no file", "give --source a folder with videos")
        refs, summary = refs[: options.limit], Summary(options.out)
        summary.n_sources, summary.n_canary_bytes = len(refs), sent_before(work.root / "answers")
        dag: Sequence[Stage] = make_dag(options.config, work, read_tombstones(options.out))
        samples, sources, dag = _run(options, dag, refs, work, summary, progress)
        interrupt.stop_if_asked()
        _refuse_to_empty(samples, summary)
        samples = [*samples, *_standing(options.out, work, dag, summary)]
        summary.wall_s = time.perf_counter() - started
        note_canaries(work, summary)
        runs = note_build(work, summary)
        content = Content(
            samples=samples,
            sources=sources,
            rejects=sorted(summary.rejects, key=_reject_order),
            runs=runs,
            config=options.config,
            fingerprints={**{stage.name: stage_digest(stage) for stage in dag}, "shard": layout_fingerprint()},
            tools=tool_versions(),
        )
        identity = content_id(content, options.out)
        if did_nothing(summary.stats_by_stage) and is_published(options.out, work, identity):
            progress.say("nothing has changed: the data set stays as it is")
        else:
            progress.say("publishing")
            same = untouched(options.out, work)
            publish(options.out, work.staging, content, PAGES, options.cpus or os.cpu_count() or 1, same)
            note_published(options.out, work, identity)
        finish_withdrawal(options.out)
        if any(row["reason"] == Reason.TAKEDOWN and row["stage"] == WithdrawStage.name for row in summary.rejects):
            forget_withdrawn(work.root, read_tombstones(options.out))
        summary.wall_s = time.perf_counter() - started
    return summary


def open_work(out: Path) -> WorkFolder:
    """The work folder of a data set, made when missing.

    Raises:
        UsageError: it cannot be made; says why.
    """
    work = WorkFolder(out.resolve() / ".ver")
    try:
        work.media.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out}: {error.strerror}", "choose another --out or mend its rights"
        ) from error
    return work


def _run(
    options: BuildOptions, dag: Sequence[Stage], refs: Sequence[SourceRef], work: WorkFolder, summary: Summary,
    progress: Progress,
) -> tuple[list[Sample], list[Row], Sequence[Stage]]:  # fmt: skip
    """Bring every source through the DAG; returns the samples, all sources that could be read, and the DAG as it ran:
    what a model's canaries show may change it."""
    listed, unnamed = source_rows(refs)
    summary.rejects.extend(unnamed)
    engine = Engine(work, options.cpus, options.address, options.where, warm_up)
    with engine, progress.watch(engine.stats_by_stage, len(listed), dag):
        ingested = _kept(engine.run(dag[:1], listed, INGESTED), summary)
        good = _without_duplicates(ingested, read_takedown(options.config.ingest.takedown), summary)
        units = split_units([row["source"] for row in good], options.config.shard)
        good = [{**row, "split_unit": units[row["source"]["id"]]} for row in good]
        summary.priced = all_priced(dag)
        if (expected := forecast(dag[1:], good, work, options.config, options.out)) is not None:
            progress.say(expected.lines())
            note_estimate(work, summary, expected.cost)
        if must_prove(dag[1:], good, work):
            for line in annotator_of(dag).prove():
                progress.say(line)
            dag = make_dag(options.config, work, read_tombstones(options.out))
        samples = [_sample(row, summary) for row in _kept(engine.run(dag[1:], good, FINISHED), summary)]
        summary.stats_by_stage = engine.stats_by_stage()
        for line in engine.notes:
            progress.detail(line)
    summary.n_samples = len(samples)
    summary.n_good_sources = len({parse_key(sample.key)[0] for sample in samples})
    return samples, sorted((row["source"] for row in good), key=lambda s: s["id"]), dag


def _refuse_to_empty(samples: Sequence[Sample], summary: Summary) -> None:
    """A teacher that nobody could reach, or whose answers are of no use, says nothing against the videos.

    Raises:
        VerError: no clip became a sample, and that for want of a usable answer; nothing is published.
    """
    unanswered = [row for row in summary.rejects if says_nothing_of_the_clip(row)]
    if unanswered and not samples:
        what = f"no clip was annotated ({len(unanswered)} waiting): {unanswered[0]['message']}"
        raise VerError(what, "mend that and run the same command again; what was done is kept")


def _settled(config: BuildConfig, progress: Progress) -> BuildConfig:
    """The settings without what only models give that cannot be had; says so."""
    speech, no_voices = speakers.settled(config.speech)
    shapes, no_shapes = evidence.settled(config.evidence)
    for left_out in filter(None, (no_voices, no_shapes)):
        progress.say(left_out)
    return config.model_copy(update={"speech": speech, "evidence": shapes})


def _standing(out: Path, work: WorkFolder, dag: Sequence[Stage], summary: Summary) -> list[Sample]:
    """Samples of clips that keep the record they have in the data set, because no usable answer came about them."""
    validate = next((stage for stage in dag if isinstance(stage, ValidateStage)), None)
    if validate is None:
        return []
    standing = keep_standing(out, work, validate, summary.rejects)
    summary.rejects = standing.rejects
    summary.n_samples += len(standing.samples)
    summary.sample_s += standing.video_s
    return standing.samples


def _kept(rows: Iterator[Row], summary: Summary) -> Iterator[Row]:
    """Pass good rows on; put rejects into the summary."""
    for row in rows:
        interrupt.stop_if_asked()
        if "reject" in row:
            summary.rejects.append(row["reject"])
        else:
            yield row


def _without_duplicates(rows: Iterator[Row], takedown: frozenset[str], summary: Summary) -> list[Row]:
    """One row per content; of equal files the first name counts, the others and those taken down are rejects."""
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda r: r["uri"]):
        source_id, uri = row["source"]["id"], row["uri"]
        if source_id in takedown:
            reject = Reject(Reason.TAKEDOWN, "ingest", f"{uri}: on the takedown list", source_id, uri)
        elif source_id in first:
            message = f"{uri}: the same bytes as {first[source_id]['uri']}"
            reject = Reject(Reason.DUPLICATE_SOURCE, "ingest", message, source_id, uri)
        else:
            first[source_id] = row
            continue
        summary.rejects.append(reject.to_row())
    return list(first.values())


def _sample(row: Row, summary: Summary) -> Sample:
    summary.sample_s += row["duration_s"]
    return Sample(
        key=row["key"],
        split=row["split"],
        record_path=row["record_path"],
        media_path=row["media_path"] if row["embedded"] else None,
        poster_path=row["poster_path"] if row["embedded"] else None,
        size_bytes=row["size_bytes"],
    )


def _reject_order(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in ("stage", "reason", "uri", "key", "message"))
