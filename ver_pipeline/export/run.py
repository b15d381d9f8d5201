"""Write a data set, or a part of it, in another layout; the folder appears whole or not at all."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import Dataset, open_dataset
from ver_pipeline.catalog.records import local_root, read_records
from ver_pipeline.catalog.where import select_keys
from ver_pipeline.editing.settle import settle
from ver_pipeline.export.conversations import JsonFiles, dataset_info, dialogues, emotion_qwen, llava, messages
from ver_pipeline.export.dyads import write_dyads
from ver_pipeline.export.emer import write_emer
from ver_pipeline.export.hub import write_recipe
from ver_pipeline.export.rights import check_public
from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.untrusted import inside
from ver_pipeline.shards.read import ShardReader

SHAPES = {"llava": llava, "emotion-qwen": emotion_qwen, "llama-factory": messages, "ms-swift": messages}
TABLES = {"emer": write_emer, "dyads": write_dyads}
FORMATS = (*SHAPES, "hf", *TABLES)
"""The layouts of our own; other packages add theirs (docs/extending.md)."""
REFERENCES = ("key", "uri", "source_id", "start_s", "end_s", "media_sha256", "license")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """What to write.  ``media`` is ``copy`` (videos beside the text) or ``none`` (references only)."""

    format: str
    where: str = "true"
    tasks: tuple[str, ...] = ("describe", "reason", "label")
    languages: tuple[str, ...] = ("en", "zh")
    media: str = "copy"
    public: bool = False
    allow: tuple[str, ...] = ()


@dataclass(slots=True)
class Exported:
    """What was written."""

    n_samples: int = 0
    n_videos: int = 0
    items: dict[str, int] = field(default_factory=dict)


def export(out_dir: Path, target: Path, wish: Export) -> Exported:
    """Write ``target`` from the data set in ``out_dir``.

    Raises:
        UsageError: ``target`` exists and is not empty, or nothing is chosen.
        VerError: ``public`` was asked for and some media may not be passed on.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists and is not empty", "choose another --to")
    settle(out_dir, passes_on=True)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with open_dataset(out_dir) as data:
        passes_media = wish.format == "hf" or (wish.media == "copy" and wish.format in SHAPES)
        if wish.public and passes_media:
            check_public(data, "true" if wish.format == "hf" else wish.where, wish.allow)
        partial.mkdir(parents=True)
        try:
            done = _write(data, partial, wish)
            if done.n_samples == 0:
                raise UsageError("the condition chooses no sample", "try it first with ver query")
            if target.exists():
                target.rmdir()
            partial.replace(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return done


def _write(data: Dataset, folder: Path, wish: Export) -> Exported:
    done = Exported()
    if wish.format == "hf":
        write_recipe(data.manifest, folder)
        done.n_samples = data.manifest["counts"]["samples"]
    elif wish.format in TABLES:
        done.n_samples = TABLES[wish.format]((record for _, record in read_records(data, wish.where)), folder)
    elif wish.format in SHAPES:
        _conversations(data, folder, wish, done)
    else:
        write = plugins.load("layouts", wish.format, FORMATS).value
        done.n_samples = write((record for _, record in read_records(data, wish.where)), folder)
    return done


def _conversations(data: Dataset, folder: Path, wish: Export, done: Exported) -> None:
    shape = SHAPES[wish.format]
    files = JsonFiles(folder, shape, lines=wish.format == "ms-swift")
    try:
        with ShardReader(local_root(data)) as shards:
            for row, record in _counted(data, wish.where, done):
                video = f"videos/{row['key']}.mp4"
                if wish.media == "copy":
                    done.n_videos += _copy_video(shards, row, inside(folder, "videos", f"{row['key']}.mp4"))
                files.add(dialogues(record, video, wish.tasks, wish.languages))
    finally:
        files.close()
    done.items = files.counts
    if done.n_videos < done.n_samples:
        _write_references(data, folder / "references.csv", wish.where)
    if wish.format == "llama-factory":
        (folder / "dataset_info.json").write_text(
            json.dumps(dataset_info(files.counts), indent=2) + "\n", encoding="utf-8"
        )


def _counted(data: Dataset, where: str, done: Exported) -> Iterator[tuple[Row, Row]]:
    for pair in read_records(data, where):
        done.n_samples += 1
        yield pair


def _copy_video(shards: ShardReader, row: Row, path: Path) -> int:
    video = shards.member(row, "mp4")
    if video is None:
        return 0
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(video)
    return 1


def _write_references(data: Dataset, path: Path, where: str) -> None:
    """Where videos that are not here can be cut from: source, span, and the hash of what was cut."""
    chosen = select_keys(data, where)
    rows = data.sql(
        f"""SELECT c.key, s.uri, c.source_id, c.start_s, c.end_s, c.media_sha256, c.license
            FROM clips c LEFT JOIN sources s ON s.source_id = c.source_id
            WHERE c.key IN ({chosen}) ORDER BY c.key"""
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(REFERENCES)
        writer.writerows(rows)


def parse_names(text: str, known: Sequence[str], what: str) -> tuple[str, ...]:
    """A comma list of known names.

    Raises:
        UsageError: one is unknown.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(f"unknown {what} {', '.join(unknown) or 'list'}", f"known: {', '.join(known)}")
    return names
