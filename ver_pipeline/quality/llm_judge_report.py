"""A data set's annotations marked by a judge of another model family: a report, and a line a clip.

For evaluation only: nothing here changes a record, a verdict or a cache key of the build.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.annotators.base import Usage
from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.teacher.asking import Model
from ver_pipeline.annotators.teacher.llm_judge import Assessment, assess, same_family
from ver_pipeline.annotators.teacher.prices import price
from ver_pipeline.catalog.records import local_root, read_records
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import request_of

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

MARKS = ("faithfulness", "completeness", "language_en", "language_zh")


def judge_records(
    data: Dataset, name: str, options: Mapping[str, Any] | None, where: str, replies: Path
) -> dict[str, Any]:
    """Let the model behind annotator ``name`` mark the adopted annotation of every chosen clip.

    Args:
        options: the judge's options, as in ``annotate.options``; its flow and its frames are not used.
        replies: JSON lines to write: key, whose annotation it is, who judged, and the marks or why there are none.

    Raises:
        UsageError: no model is behind ``name``, or it is of the family of a model that is to be judged.
    """
    work = WorkFolder(local_root(data) / ".ver")
    work.refuse_links()
    judge = make(name, options, work.root / "answers")
    if not isinstance(judge, Model):
        raise UsageError(f"{name} is no model and cannot judge", "choose openai, vllm or transformers")
    teacher = judge.teacher
    models = {record["provenance"]["model"] for _, record in read_records(data, where)}
    own = sorted(model for model in models if same_family(teacher.model, model))
    if own:
        cure = "choose a judge of another model family, or leave those clips out with --where"
        raise UsageError(f"{teacher.model} would judge the work of its own family ({', '.join(own)})", cure)
    judge.open()
    judge_facts = {
        "judge": teacher.model,
        "revision": teacher.revision,
        "prompt": teacher.prompt("judge", "en").version,
    }
    rows: list[tuple[dict[str, Any], Assessment]] = []
    with replies.open("wb") as file:
        for record, said in _said(data, judge, where):
            rows.append((record["provenance"], said))
            file.write(canonical_json({"key": said.key, **judge_facts, **_line(record, said)}) + b"\n")
    return _report(judge, rows)


def _said(data: Dataset, judge: Model, where: str) -> Iterator[tuple[dict[str, Any], Assessment]]:
    """Each chosen record with what the judge says of it, batch by batch."""
    records = (record for _, record in read_records(data, where))
    while batch := list(islice(records, judge.batch_size)):
        talks = [assess(request_of({**record, "media_path": None}), record, judge.teacher) for record in batch]
        yield from zip(batch, judge.converse(talks), strict=True)


def _line(record: Mapping[str, Any], said: Assessment) -> dict[str, Any]:
    whose = {name: record["provenance"][name] for name in ("annotator", "model", "output_sha256")}
    if said.marks is None:
        return {**whose, "marks": None, "problem": str(said.reason), "message": said.message}
    return {**whose, "marks": said.marks}


def _report(judge: Model, rows: Sequence[tuple[Mapping[str, Any], Assessment]]) -> dict[str, Any]:
    """Mean marks per annotated model; what could not be judged is counted, never averaged."""
    report: dict[str, Any] = {"judge": judge.teacher.model}
    for model in sorted({told["model"] for told, _ in rows}):
        mine = [said for told, said in rows if told["model"] == model]
        marks = [said.marks for said in mine if said.marks is not None]
        verdicts = Counter(claim["verdict"] for mark in marks for claim in mark["claims"])
        report[model] = {
            "clips": len(mine),
            "judged": len(marks),
            "not_judged": dict(sorted(Counter(str(said.reason) for said in mine if said.marks is None).items())),
            "mean": {name: _mean([_mark(mark[name]) for mark in marks]) for name in MARKS},
            "claims": dict(sorted(verdicts.items())),
        }
    spent = sum((said.usage for _, said in rows), Usage())
    paid = price(judge.teacher, spent)
    usage = {"calls": spent.calls, "tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out}
    return {**report, "spent": usage if paid is None else {**usage, "money": paid}}


def _mark(value: Any) -> int:
    return int(value["mark"] if isinstance(value, Mapping) else value)


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
