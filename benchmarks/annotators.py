"""How often the cues annotator agrees with human labels, on files in the public layouts.

    python benchmarks/annotators.py LABELS.csv [--data OUT] [--taxonomy mer6|dfew7|mafw11|meld7]
    python benchmarks/annotators.py --throughput

LABELS.csv is recognised by its columns:

* EMER: names, emotions, subtitles, reasons (several emotions a row: any of them is a hit; the first counts
  in recall);
* MER2024: name, discrete;
* DFEW: video_name, label (1 to 7);
* a transcript: transcript (or subtitles, text, sentence), label (or emotion).

Where rows have a transcript and no --data is given, only the words are judged.  With --data, rows are
matched by file name with the videos of a data set that was built from them, and faces and voice count too.
Printed: accuracy (WAR), mean recall over the classes that occur (UAR), weighted and macro F1, hit rate,
abstention.  Every measure comes twice: with abstentions as errors, and on the answered rows alone.

``--throughput`` compares the teacher client with a local server's own limit, in one run.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.cues.annotator import annotate_one
from ver_pipeline.schemas.errors import UsageError, VerError
from ver_pipeline.schemas.labels import Taxonomy, canonical, from_closed, labels

ABSTAINED = ""
TEXT_COLUMNS = ("subtitles", "transcript", "text", "sentence")
LABEL_COLUMNS = ("label", "emotion", "emotions", "discrete")
NAME_COLUMNS = ("names", "name", "video_name")
_SEPARATORS = re.compile(r"[,，;；、/|]|\band\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled clip: true classes in the benchmark's taxonomy, first one leading."""

    name: str
    truth: tuple[str, ...]
    transcript: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Measures over (truth, said) pairs; classes are those that occur in the truth."""

    n: int
    accuracy: float
    uar: float
    weighted_f1: float
    macro_f1: float
    hit_rate: float


def read_rows(path: Path, taxonomy: Taxonomy | None) -> tuple[list[Row], Taxonomy, int]:
    """The rows of a label file, the taxonomy they are compared in, and how many labels were unknown.

    Raises:
        UsageError: the file cannot be read, or its columns are of no known layout.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be a CSV in UTF-8") from error
    columns = [str(name).strip() for name in (table[0] if table else {})]
    names = _first(columns, NAME_COLUMNS)
    label = _first(columns, LABEL_COLUMNS)
    text = _first(columns, TEXT_COLUMNS)
    if label is None or (names is None and text is None):
        raise UsageError(
            f"{path}: columns {columns} are of no known layout", "see the head of benchmarks/annotators.py"
        )
    chosen: Taxonomy = taxonomy or ("dfew7" if names == "video_name" else "mer6")
    rows, unknown = [], 0
    for i, raw in enumerate(table):
        truth = _classes(raw[label] or "", chosen)
        if not truth:
            unknown += 1
            continue
        rows.append(Row(raw[names] if names else str(i), truth, (raw[text] or "").strip() if text else ""))
    return rows, chosen, unknown


def _first(columns: Sequence[str], known: Sequence[str]) -> str | None:
    return next((name for name in known if name in columns), None)


def _classes(cell: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """A label cell in the classes of a taxonomy; words that it does not hold are left out."""
    found: list[str] = []
    for word in _SEPARATORS.split(cell):
        label = from_closed(taxonomy, word) or canonical(word)
        name = labels()[label].classes.get(taxonomy) if label else None
        if name is not None and name not in found:
            found.append(name)
    return tuple(found)


def measure(pairs: Sequence[tuple[tuple[str, ...], str]]) -> Figures:
    """The measures of (true classes, said class) pairs; recall, WAR and F1 use the first true class."""
    n = len(pairs)
    if not n:
        return Figures(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    firsts = [(truth[0], said) for truth, said in pairs]
    classes = sorted({truth for truth, _ in firsts})
    recall, f1, support = {}, {}, {}
    for name in classes:
        support[name] = sum(truth == name for truth, _ in firsts)
        hit = sum(truth == said == name for truth, said in firsts)
        recall[name] = hit / support[name]
        f1[name] = 2 * hit / (support[name] + sum(said == name for _, said in firsts))
    return Figures(
        n=n,
        accuracy=sum(truth == said for truth, said in firsts) / n,
        uar=sum(recall.values()) / len(classes),
        weighted_f1=sum(f1[name] * support[name] for name in classes) / n,
        macro_f1=sum(f1.values()) / len(classes),
        hit_rate=sum(said in truth for truth, said in pairs) / n,
    )


def text_request(i: int, transcript: str) -> Request:
    """A clip of which only the words are known."""
    from ver_pipeline.measure.sentiment import SentimentMeter

    chinese = sum("\u4e00" <= c <= "\u9fff" for c in transcript)
    language = "zh" if chinese * 2 > len(transcript.split()) else "en"
    segment = {"start_s": 0.0, "end_s": 5.0, "text": transcript, "language": language}
    speech = {"present": bool(transcript), "text": transcript, "language": language, "segments": [segment], "words": []}
    meter = SentimentMeter()
    meter.open()
    faces = {"n_tracks": 0, "max_simultaneous": 0, "sampled_s": [], "tracks": []}
    picture = {"motion_mean": 0.03, "motion_max": 0.1, "brightness": 0.5, "black_frac": 0.0}
    measured = {"faces": faces, "voice": None, "picture": picture, "sentiment": meter.measure(speech)}
    return Request(f"{i:016x}_00000000_00005000", None, {"duration_s": 5.0, "n_shots": 1}, speech, measured)


def data_requests(folder: Path) -> dict[str, list[Request]]:
    """The clips of a data set by the stem of their video's name."""
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.catalog.records import read_records
    from ver_pipeline.stages.annotate import request_of

    found: dict[str, list[Request]] = {}
    with open_dataset(folder) as data:
        for _, record in read_records(data):
            stem = Path(record["source"]["uri"]).stem
            found.setdefault(stem, []).append(request_of({**record, "media_path": None}))
    return found


def said_class(request: Request, taxonomy: Taxonomy) -> str:
    """The cues' class of a clip; the empty string where they abstain or the taxonomy has none."""
    closed = annotate_one(request)["emotion"]["closed"]
    return cast(str, closed[taxonomy] or ABSTAINED)


def judged(rows: Sequence[Row], taxonomy: Taxonomy, data: Path | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """(true classes, said class) of every row that there is something to judge by."""
    clips: Mapping[str, list[Request]] = data_requests(data) if data else {}
    for i, row in enumerate(rows):
        if data is not None:
            for request in clips.get(Path(row.name).stem, [])[:1]:
                yield row.truth, said_class(request, taxonomy)
        elif row.transcript:
            yield row.truth, said_class(text_request(i, row.transcript), taxonomy)
        else:
            yield row.truth, ABSTAINED


def table(title: str, figures: Figures) -> str:
    """One line of measures."""
    return (
        f"{title:<22} n {figures.n:>6}  WAR {figures.accuracy:.3f}  UAR {figures.uar:.3f}  "
        f"weighted F1 {figures.weighted_f1:.3f}  macro F1 {figures.macro_f1:.3f}  hit {figures.hit_rate:.3f}\n"
    )


def throughput(n_clips: int, concurrency: int, answer_s: float) -> str:
    """Clips a second of the client, keeping its answers, against what the server could give at that concurrency.

    The server is a process of its own.  What it computed is measured, and told apart: on the machine of a real one this
    client has those seconds for itself.
    """
    import multiprocessing
    import os
    import tempfile
    import time

    requests = _kit_requests(n_clips + concurrency)
    first, rest = requests[:concurrency], requests[concurrency:]
    processes = multiprocessing.get_context("spawn")
    here, there = processes.Pipe()
    server = processes.Process(target=_serve, args=(there, n_clips + concurrency, answer_s), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        options = {"model": "m", "base_url": here.recv(), "concurrency": concurrency, "send": "nothing"}
        annotator = OpenAIAnnotator(options, folder)
        annotator.open()
        annotator.annotate(first)  # connections and imports are made outside the measured time
        here.send("begin")
        here.recv()
        started, computed = time.monotonic(), time.process_time()
        results = annotator.annotate(rest)
        wall_s, client_s = time.monotonic() - started, time.process_time() - computed
        here.send("end")
        server_s = float(here.recv())
    server.join()
    good = sum(result.annotation is not None for result in results)
    limit, rate = concurrency / answer_s, good / wall_s
    alone = good / max(good / limit, wall_s - server_s / len(os.sched_getaffinity(0)))
    return (
        f"{good} of {n_clips} clips, {rate:.1f} a second; the server's limit is {limit:.1f}: {rate / limit:.2f}\n"
        f"{client_s / wall_s:.2f} processors for the client, {server_s / wall_s:.2f} for the server; without the "
        f"server's share of {len(os.sched_getaffinity(0))}: {alone / limit:.2f}\n"
    )


def _kit_requests(n: int) -> list[Request]:
    sys.path[:0] = [str(Path(__file__).parent.parent / "tests" / name) for name in ("annotators", "")]
    from teacher_kit import make_request

    return [make_request(i) for i in range(n)]


def _serve(pipe: Any, n: int, answer_s: float) -> None:
    """The stand-in in a process of its own; tells the processor seconds between two messages."""
    import time

    requests = _kit_requests(n)
    from standin_server import StandIn
    from teacher_kit import good_answer

    answers = {request.clip["duration_s"]: good_answer(request) for request in requests}
    with StandIn(answers, {}, delay_s=answer_s) as server:
        pipe.send(server.base_url)
        pipe.recv()
        computed = time.process_time()
        pipe.send("begun")
        pipe.recv()
        pipe.send(time.process_time() - computed)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where nothing could be judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, help="data set that was built from the labelled videos")
    parser.add_argument("--taxonomy", choices=["mer6", "dfew7", "mafw11", "meld7"])
    parser.add_argument("--throughput", action="store_true")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--answer-s", type=float, default=0.5)
    args = parser.parse_args(argv)
    if args.throughput:
        sys.stdout.write(throughput(args.clips, args.concurrency, args.answer_s))
        return 0
    if args.labels is None:
        parser.error("give a label file, or --throughput")
    rows, taxonomy, unknown = read_rows(args.labels, args.taxonomy)
    pairs = list(judged(rows, taxonomy, args.data))
    if not pairs:
        raise UsageError("no row could be judged", "the file has no transcripts; build the videos and give --data")
    answered = [pair for pair in pairs if pair[1] != ABSTAINED]
    evidence = "faces, voice and words" if args.data else "words only"
    sys.stdout.write(f"{args.labels.name}: {taxonomy}, {evidence}; {unknown} rows have no class in {taxonomy}\n")
    sys.stdout.write(f"abstention rate {1 - len(answered) / len(pairs):.3f}\n")
    sys.stdout.write(table("abstention is an error", measure(pairs)) + table("answered rows alone", measure(answered)))
    return 0


def run(argv: Sequence[str] | None = None) -> Any:
    """The script's exit status, errors told in one line."""
    try:
        return main(argv)
    except VerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(run())
