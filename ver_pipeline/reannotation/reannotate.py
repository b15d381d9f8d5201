"""A new version of a data set with other annotations: records are rewritten, videos are copied as they are.

Reads a published data set, annotates all or some of its clips, judges the records by the rules again,
and publishes into the same folder.  A run that dies leaves the old version whole; answers that cost
money are kept in the work folder, so the next run asks only for the rest.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.annotators.base import Usage
from ver_pipeline.annotators.canaries.guard import run_rows as canary_rows
from ver_pipeline.annotators.canaries.guard import sent_before
from ver_pipeline.annotators.teacher.cost import ESTIMATE_CLIPS, Cost, actual, estimate, run_rows, together
from ver_pipeline.catalog.records import local_root, read_records
from ver_pipeline.catalog.where import keys_where
from ver_pipeline.editing.settle import writing
from ver_pipeline.engine.cache import stage_digest
from ver_pipeline.engine.fence import run_fenced
from ver_pipeline.hardware.instruction_set import hold, in_use
from ver_pipeline.reannotation.standing import DECIDED, marked
from ver_pipeline.runs import append, new_run_id
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.untrusted import inside
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.layout import Sample, estimate_size
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.read import ShardReader
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import AnnotateStage, independent_votes, request_of, wants_context
from ver_pipeline.stages.validate import ValidateStage

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a run did.  ``unanswered`` counts, by reason, clips that kept their records because no usable answer came;
    ``why`` counts what was wrong; ``rejects`` are rows of clips that left the data set by somebody's decision;
    ``n_reasoned`` answers came with reasoning, which was dropped; ``n_unseen`` observations were dropped because the
    model does not see; ``senses`` tells of each model what canaries showed, in a line, and ``n_canary_bytes`` how long
    their log was before."""

    n_asked: int = 0
    n_kept: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    n_reasoned: int = 0
    n_unseen: int = 0
    n_canary_bytes: int = 0
    senses: list[str] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    expected: Cost | None = None
    spent: Cost | None = None


def expected_cost(data: Dataset, config: BuildConfig, where: str) -> Cost:
    """What annotating the chosen clips would cost, from the first few of them; asks nobody.

    The adjudicator is left out: nobody knows beforehand how often it is called.
    """
    stage = AnnotateStage(config.annotate)
    records = [record for _, record in islice(read_records(data, where), ESTIMATE_CLIPS)]
    n_clips = len(keys_where(data, where))
    sample = [request_of({**record, "media_path": "film"}) for record in records]
    return together([estimate(annotator, sample, n_clips) for annotator in (stage.main, *stage.others)])


def reannotate(data: Dataset, config: BuildConfig, where: str = "true", add: bool = False) -> Outcome:
    """Annotate the clips that ``where`` chooses and publish the result in place of the data set.

    A clip without a usable answer keeps its record: that an annotator answers badly, or not at all, says nothing
    against what stands.

    Args:
        add: keep each clip's present annotation and put the new one among its alternatives.

    Raises:
        VerError: no clip got a usable answer, or the annotator fails as a whole; the data set is not touched.
    """
    hold(config.runtime.instruction_set)
    out_dir = data.root or local_root(data)
    work = WorkFolder(out_dir.resolve() / ".ver")
    media = work.annotating
    started_utc = datetime.now(UTC).isoformat(timespec="seconds")
    stage = AnnotateStage(config.annotate, work.root / "answers")
    with writing(out_dir):
        _refuse_another(data, out_dir)
        outcome = Outcome(expected=expected_cost(data, config, where))
        try:
            stage.open()
            outcome.n_canary_bytes = sent_before(work.root / "answers")
            outcome.senses = stage.prove()
            if stage.refused:
                log.warning("%s", "; ".join(outcome.senses))
            samples = list(_all_samples(data, stage, config, where, add, work, media, outcome))
            _refuse_nothing(outcome, stage)
            outcome.spent = together(
                [
                    actual(annotator, stage.spent.get(annotator.name, Usage()), outcome.n_asked)
                    for annotator in stage.asked()
                ]
            )
            outcome.n_reasoned = sum(spent.reasoned for spent in stage.spent.values())
            outcome.n_unseen = sum(spent.unseen for spent in stage.spent.values())
            _publish(data, out_dir, work, config, stage, samples, outcome, started_utc)
        finally:
            shutil.rmtree(media, ignore_errors=True)
    return outcome


def _refuse_nothing(outcome: Outcome, stage: AnnotateStage) -> None:
    """A run that kept nothing publishes nothing.

    Raises:
        VerError: no clip got a usable answer.
    """
    if not outcome.n_asked or outcome.n_kept or outcome.rejects:
        return
    first = next(iter(outcome.why))
    cure = "the data set is as it was; mend that and run the same command again"
    if set(outcome.unanswered) == {Reason.TEACHER_UNAVAILABLE}:
        raise VerError(f"no clip was answered: {first}", cure)
    counts = ", ".join(f"{n} {reason}" for reason, n in sorted(outcome.unanswered.items()))
    raise VerError(f"no clip got a usable answer ({counts}): {stage.words() or first}", cure)


def _refuse_another(data: Dataset, out_dir: Path) -> None:
    """What was opened must be what stands: a drop or a build may have ended before the lock was ours."""
    if load_manifest(out_dir) != data.manifest:
        raise VerError(f"{out_dir} was changed by another command meanwhile", "run the same command again")


def vote_table(data: Dataset) -> list[dict[str, str]]:
    """Every clip's votes (coarse classes) of the independent sources and of its teachers, for fitting."""
    from ver_pipeline.annotators.agreement.votes import agreement, dfew_class

    rows = []
    for _, record in read_records(data):
        votes = independent_votes(request_of({**record, "media_path": None}))
        main = {name: record[name] for name in ("observations", "emotion", "description", "provenance")}
        votes_now = agreement(main, record["alternatives"], votes)["votes"]
        rows.append({vote["voter"]: dfew_class(vote["label"]) for vote in votes_now if vote["label"] != "undetermined"})
    return rows


def _all_samples(
    data: Dataset, stage: AnnotateStage, config: BuildConfig, where: str, add: bool, work: WorkFolder, media: Path,
    outcome: Outcome,
) -> Iterator[Sample]:  # fmt: skip
    """The samples of the new version, batch by batch; those not chosen keep their records."""
    chosen = set(keys_where(data, where))
    validate = _validator(stage, config)
    spoken = _spoken(data) if wants_context(stage) else None
    records = read_records(data)
    with ShardReader(local_root(data)) as shards:
        while batch := list(islice(records, stage.batch_size)):
            rows = [_row(index, record, shards, media) | said_around(record, spoken) for index, record in batch]
            asked = [row for row in rows if row["key"] in chosen]
            outcome.n_asked += len(asked)
            answers = dict(zip((row["key"] for row in asked), run_fenced(stage, asked), strict=True)) if asked else {}
            for row in rows:
                record = _settled(row, answers.get(row["key"]), validate, add, outcome)
                if record is not None:
                    yield _sample(row, record, work)


def _spoken(data: Dataset) -> dict[str, str]:
    """What is said in each clip, by key."""
    return {record["key"]: record["speech"]["text"] for _, record in read_records(data)}


def said_around(record: Mapping[str, Any], spoken: Mapping[str, str] | None) -> dict[str, Any]:
    """The row's ``context``; empty where nobody wants it.  A neighbour that is not in the data set is silent."""
    if spoken is None:
        return {}
    clip = record["clip"]
    sides = {"before": spoken.get(clip["prev_key"] or ""), "after": spoken.get(clip["next_key"] or "")}
    return {"context": sides}


def _settled(
    row: Mapping[str, Any], answer: Any, validate: ValidateStage, add: bool, outcome: Outcome
) -> dict[str, Any] | None:
    """The clip's record in the new version; None where it was rejected."""
    old: dict[str, Any] = row["old"]
    if answer is None:
        return old
    if isinstance(answer, Reject):
        return _unanswered(answer, old, add, outcome)
    present = {name: old[name] for name in ("observations", "emotion", "description", "provenance")}
    if add:
        merged = {**answer, "annotation": present, "alternatives": [answer["annotation"], *answer["alternatives"]]}
        merged["human"] = old["human"]
    else:
        merged = {**answer, "alternatives": _distinct([*answer["alternatives"], present], answer["annotation"])}
    judged = run_fenced(validate, [{**row, **merged}])[0]
    if isinstance(judged, Reject):
        return _unanswered(judged, old, add, outcome)
    outcome.n_kept += 1
    record: dict[str, Any] = judged["record"]  # type: ignore[call-overload]
    stages = {**old["lineage"]["stages"], **record["lineage"]["stages"]}
    return {**record, "split": old["split"], "safety": old["safety"],
            "lineage": {"stages": stages, "tools": old["lineage"]["tools"]}}  # fmt: skip


def _unanswered(reject: Reject, old: dict[str, Any], add: bool, outcome: Outcome) -> dict[str, Any] | None:
    """The record that stood, marked; None where somebody decided against the clip."""
    if reject.reason in DECIDED and not add:
        outcome.rejects.append(_told(reject, old))
        return None
    outcome.unanswered[str(reject.reason)] += 1
    outcome.why[reject.message] += 1
    return old if add else marked(old, str(reject.reason), reject.message)


def _distinct(alternatives: Sequence[dict[str, Any]], main: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Alternatives without repeats and without the adopted annotation, known by what they say."""
    by_annotator: dict[str, dict[str, Any]] = {}
    for alternative in alternatives:
        provenance = alternative["provenance"]
        by_annotator.setdefault(f"{provenance['annotator']}:{provenance['output_sha256']}", alternative)
    own = main["provenance"]
    by_annotator.pop(f"{own['annotator']}:{own['output_sha256']}", None)
    return list(by_annotator.values())


def _validator(stage: AnnotateStage, config: BuildConfig) -> ValidateStage:
    lineage = {"annotate": stage_digest(stage)}
    return ValidateStage(config.validate_, config.shard, stages=lineage)


def _row(index: Mapping[str, Any], record: dict[str, Any], shards: ShardReader, media: Path) -> dict[str, Any]:
    """The clip as the stages see it, its video and poster put beside as files."""
    key = record["key"]
    members = shards.members(dict(index))
    paths: dict[str, str | None] = {"mp4": None, "jpg": None}
    for extension in paths:
        if extension in members:
            path = inside(media, key[:2], f"{key}.{extension}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(members[extension])
            paths[extension] = str(path)
    unchanged = {name: record[name] for name in ("key", "source", "clip", "media", "speech", "measured")}
    return {**unchanged, "media_path": paths["mp4"], "poster_path": paths["jpg"], "old": record}


def _sample(row: Mapping[str, Any], record: dict[str, Any], work: WorkFolder) -> Sample:
    data = canonical_json(record)
    path = inside(work.annotating, row["key"][:2], f"{row['key']}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    sizes = [os.path.getsize(row[name]) if row[name] else 0 for name in ("media_path", "poster_path")]
    size_bytes = estimate_size(len(data), *sizes)
    return Sample(row["key"], record["split"], str(path), row["media_path"], row["poster_path"], size_bytes)


def _told(reject: Reject, record: Mapping[str, Any]) -> dict[str, Any]:
    source = record["source"]
    return {**reject.to_row(), "source_id": source["id"], "uri": source["uri"], "key": record["key"]}


def _publish(
    data: Dataset, out_dir: Path, work: WorkFolder, config: BuildConfig, stage: AnnotateStage,
    samples: Sequence[Sample], outcome: Outcome, started_utc: str,
) -> None:  # fmt: skip
    from ver_pipeline.publishing.pages import PAGES
    from ver_pipeline.publishing.publish import Content, publish

    spent = sum(stage.spent.values(), Usage())
    numbers = {"rows_out": outcome.n_kept, "n_rejected": len(outcome.rejects),
               "busy_s": round(spent.seconds, 3), "n_cached": spent.cached_calls,
               "n_unseen": outcome.n_unseen or None}  # fmt: skip
    run_id = new_run_id()
    rows = run_rows(run_id, started_utc, outcome.expected, outcome.spent, **numbers)
    rows += canary_rows(work.root / "answers", run_id, started_utc, outcome.n_canary_bytes)
    append(work, rows)
    manifest = data.manifest
    content = Content(
        samples=samples,
        sources=_sources(data),
        rejects=[*_rejects(data), *outcome.rejects],
        runs=[*_runs(data), *rows],
        config=config,
        fingerprints={**manifest["fingerprints"], "annotate": stage_digest(stage)},
        tools=manifest["tools"],
        processor=", ".join(sorted({manifest.get("processor", "unknown"), in_use()})),
    )
    publish(out_dir, work.staging, content, PAGES)


def _runs(data: Dataset) -> list[dict[str, Any]]:
    """The ``runs`` table without its empty columns."""
    return [{k: v for k, v in row.items() if v is not None} for row in data.sql('SELECT * FROM "runs"').dicts()]


def _rejects(data: Dataset) -> list[dict[str, Any]]:
    """The ``rejects`` table as ``Reject.to_row`` gives its rows."""
    return [{k: v for k, v in row.items() if k != "meaning"} for row in data.sql('SELECT * FROM "rejects"').dicts()]


def _sources(data: Dataset) -> list[dict[str, Any]]:
    """The ``sources`` table back as ``Source`` dicts: also videos without any clip stay listed."""
    rights = ("license", "rights_basis", "consent")
    sources = []
    for row in data.sql('SELECT * FROM "sources"').dicts():
        fields = {name: value for name, value in row.items() if name not in (*rights, "source_id")}
        sources.append({"id": row["source_id"], **fields, "rights": {name: row[name] for name in rights}})
    return sources
