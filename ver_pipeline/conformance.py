"""Whether an extension keeps the contract of its kind: for the tests of the package that holds it.

Each function calls the extension as the pipeline does and raises :class:`ConformanceError`, naming what is broken.
docs/extending.md shows one of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Annotator, Request, Result
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.record_annotation import Annotation
from ver_pipeline.schemas.rules.base import SEVERITIES, Context, Found, NotRun, Rule
from ver_pipeline.stages.base import Row, Stage
from ver_pipeline.transcribers.base import Transcriber, Video

Layout = Callable[[Iterable[dict[str, Any]], Path], int]
"""Writes records into a folder; returns how many samples."""


class ConformanceError(AssertionError):
    """The extension breaks the contract; the message says where."""


def check_annotator(annotator: Annotator, requests: Sequence[Request]) -> list[Result]:
    """One result a request, in order; annotations fit the record; the same requests give the same answers.

    Returns:
        The results, for checks of your own.
    """
    _must(isinstance(annotator, Annotator), "it lacks name, batch_size, fingerprint, open or annotate")
    _check_fingerprint(annotator.fingerprint)
    annotator.open()
    results = annotator.annotate(requests)
    _must([r.key for r in results] == [r.key for r in requests], "results are not one a request, in order")
    for result in results:
        if result.annotation is not None:
            Annotation.model_validate_json(json.dumps(result.annotation))
    again = annotator.annotate(requests)
    _must([r.annotation for r in again] == [r.annotation for r in results], "the same requests gave other answers")
    return results


def check_transcriber(transcriber: Transcriber, video: Video) -> None:
    """Segments and words lie in order and inside one another; no audio, no words; the same video, the same words."""
    _check_fingerprint(transcriber.fingerprint)
    transcriber.open()
    recogniser = transcriber.recogniser(video)
    _must(set(recogniser) == {"engine", "model", "revision"}, "recogniser() must name engine, model and revision")
    transcript = transcriber.transcribe(video)
    last_s = 0.0
    for segment in transcript.segments:
        _must(last_s <= segment.start_s <= segment.end_s, f"the segment at {segment.start_s} s is out of order")
        _must(segment.language.isascii() and bool(segment.language), "a segment has no language")
        for word in segment.words:
            inside = segment.start_s - 0.01 <= word.start_s <= word.end_s <= segment.end_s + 0.01
            _must(inside, f"the word at {word.start_s} s lies outside its segment")
        last_s = segment.start_s
    _must(transcriber.transcribe(video) == transcript, "the same video gave other words")
    silent = Video(video.path, track=None)
    _must(not transcriber.transcribe(silent).segments, "a video without audio gave words")


def check_rules(rules: Sequence[Rule], records: Iterable[Record]) -> None:
    """Ids, texts and severities are there; a rule is a pure function with one of its three outcomes."""
    _must(len({rule.id for rule in rules}) == len(rules), "two rules have one id")
    for rule in rules:
        _must(rule.severity in SEVERITIES, f"{rule.id}: severity {rule.severity!r}")
        _must(bool(rule.en and rule.zh), f"{rule.id}: say in English and Chinese what must hold")
    for record in records:
        for rule in rules:
            answers = [rule.check(record, Context(rule.limits)) for _ in range(2)]
            _must(answers[0] == answers[1], f"{rule.id} is no pure function")
            fine = isinstance(answers[0], NotRun) or all(isinstance(answer, Found) for answer in answers[0])
            _must(fine, f"{rule.id} returns neither a list of Found nor NotRun")


def check_layout(
    write: Callable[[Iterable[dict[str, Any]], Path], int], records: Sequence[Record], folder: Path
) -> None:
    """It counts what it writes, writes inside its folder alone, and the same records give the same bytes."""
    written = []
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        count = write((record.model_dump(mode="json") for record in records), folder / name)
        _must(count == len(records), f"{count} samples are said to be written, {len(records)} were given")
        files = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        written.append({str(path.relative_to(folder / name)): path.read_bytes() for path in files})
    _must(bool(written[0]), "nothing was written")
    _must(written[0] == written[1], "the same records gave other bytes")
    _must({path.name for path in folder.iterdir()} == {"one", "two"}, "it wrote outside its folder")


def check_stage(stage: Stage, rows: Sequence[Row]) -> None:
    """It reads and writes the columns that it declares, as JSON; the same rows give the same outcomes."""
    _must(isinstance(stage, Stage), "it lacks a part of the contract in stages/base.py")
    _must(isinstance(getattr(stage, "after", None), str), "it must say in `after` behind which stage it runs")
    _check_fingerprint(stage.fingerprint)
    stage.open()
    inputs = [{name: row[name] for name in stage.reads} for row in rows]
    outcomes = stage.run(inputs)
    _must(len(outcomes) == len(rows), "outcomes are not one a row")
    for outcome in outcomes:
        if isinstance(outcome, Reject):
            continue
        for row in outcome if isinstance(outcome, list) else [outcome]:
            _must(set(row) == set(stage.writes), f"it writes {sorted(row)}, declared are {sorted(stage.writes)}")
            json.dumps(row)
    _must(stage.run(inputs) == outcomes, "the same rows gave other outcomes")


def _check_fingerprint(fingerprint: Callable[[], Mapping[str, Any]]) -> None:
    once = json.dumps(dict(fingerprint()), sort_keys=True)
    _must(once == json.dumps(dict(fingerprint()), sort_keys=True), "the fingerprint changes from call to call")


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise ConformanceError(what)
