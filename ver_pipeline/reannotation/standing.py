"""A clip that stands in a data set is not taken out of it because nobody could say something new about it.

Its record keeps its annotation and is marked: its verdict carries the finding ``A01``, with what came of asking again.
The mark goes when a later answer is adopted.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.engine.fence import run_fenced
from ver_pipeline.schemas.canonical import canonical_json, digest
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.untrusted import inside
from ver_pipeline.shards.files import write_atomically
from ver_pipeline.shards.layout import Sample, estimate_size
from ver_pipeline.shards.manifest import MANIFEST_NAME
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import AnnotateStage
from ver_pipeline.stages.validate import ValidateStage

MARK = "A01"
"""The finding of a record whose annotation stands although it was asked about again."""
DECIDED = frozenset({Reason.HUMAN_REJECTED, Reason.LOW_AGREEMENT, Reason.TAKEDOWN})
"""Rejects by somebody's decision or policy: these do take a clip out."""
WRITTEN = ("observations", "emotion", "description", "provenance")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Kept:
    """Samples that stay with the records that stood, the reject rows that remain, and seconds of video that stay."""

    samples: list[Sample] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    video_s: float = 0.0


def says_nothing_of_the_clip(reject: Mapping[str, Any]) -> bool:
    """A reject row that is about an answer, or about nobody having answered."""
    return reject["stage"] == AnnotateStage.name and reject["reason"] not in DECIDED and reject["key"] is not None


def marked(record: Mapping[str, Any], reason: str, message: str) -> dict[str, Any]:
    """The record, its verdict saying what came of asking again; as it is where nobody could be asked."""
    if reason == Reason.TEACHER_UNAVAILABLE:
        return dict(record)
    verdict = record["verdict"] or {"rules_version": "none", "passed": [], "not_run": [], "findings": []}
    finding = {
        "code": MARK,
        "severity": "flag",
        "message": f"asked again: {reason}: {message}",
        "pointer": "/provenance",
    }
    others = [other for other in verdict["findings"] if other["code"] != MARK]
    return {**record, "verdict": {**verdict, "status": "review", "findings": [*others, finding]}}


def keep_standing(out: Path, work: WorkFolder, validate: ValidateStage, rejects: Sequence[dict[str, Any]]) -> Kept:
    """What stands in ``out`` of the clips that a build's annotator could say nothing usable about.

    The records that stood are judged by the rules in force now; one that fails them is a reject after all.
    """
    folder = work.root / "standing"
    shutil.rmtree(folder, ignore_errors=True)
    failed = {row["key"]: row for row in rejects if says_nothing_of_the_clip(row)}
    standing = Kept(rejects=[row for row in rejects if not says_nothing_of_the_clip(row)])
    if failed and (out / MANIFEST_NAME).exists():
        try:
            _keep(out, folder, validate, failed, standing)
        except VerError as error:
            log.warning("what stands in %s cannot be kept: %s", out, error)
    standing.rejects.extend(failed.values())
    return standing


def _keep(out: Path, folder: Path, validate: ValidateStage, failed: dict[str, dict[str, Any]], kept: Kept) -> None:
    """Take the clips that stand out of ``failed``."""
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.catalog.records import local_root, read_records
    from ver_pipeline.shards.read import ShardReader

    named = ", ".join(f"'{key}'" for key in sorted(failed))
    with open_dataset(out) as data, ShardReader(local_root(data)) as shards:
        for index, old in read_records(data, f"key IN ({named})"):
            row = {**{name: old[name] for name in validate.reads if name in old}, "alternatives": old["alternatives"]}
            row |= {"annotation": {name: old[name] for name in WRITTEN}}
            judged = run_fenced(validate, [row])[0]
            why = failed.pop(old["key"])
            if isinstance(judged, Reject):
                kept.rejects.append({**judged.to_row(), "key": old["key"]})
                continue
            record = {**judged["record"], "lineage": old["lineage"], "safety": old["safety"]}  # type: ignore[call-overload]
            record = marked(record, str(why["reason"]), str(why["message"]))
            kept.samples.append(_sample(record, folder, shards.members(dict(index))))
            kept.video_s += record["clip"]["duration_s"]


def _sample(record: Mapping[str, Any], folder: Path, members: Mapping[str, bytes]) -> Sample:
    data, name = canonical_json(record), f"{record['key']}-{digest(record)[:16]}"
    shown = ("mp4", "jpg") if record["media"]["policy"] == "embed" else ()
    files = {"json": data, **{extension: members[extension] for extension in shown if extension in members}}
    paths = {extension: inside(folder, name[:2], f"{name}.{extension}") for extension in files}
    for extension, content in files.items():
        paths[extension].parent.mkdir(parents=True, exist_ok=True)
        write_atomically(paths[extension], content)
    video, poster = (str(paths[extension]) if extension in paths else None for extension in ("mp4", "jpg"))
    sizes = [len(files[extension]) for extension in files if extension != "json"]
    return Sample(record["key"], record["split"], str(paths["json"]), video, poster, estimate_size(len(data), *sizes))
