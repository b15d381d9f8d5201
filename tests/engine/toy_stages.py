"""Small stages that misbehave on demand; importable by child processes and Ray workers."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Resources


class Toy:
    """Base: one column in, one out."""

    name, version, unit, batch_size = "toy", "1", "source", 1
    reads: tuple[str, ...] = ("text",)
    writes: tuple[str, ...] = ("said",)
    resources = Resources(cpus=0.2)
    setting = "a"

    def fingerprint(self):
        return {"setting": self.setting}

    def open(self):
        return None

    def run(self, rows):
        return [self.one(row) for row in rows]

    def one(self, row):
        return {"said": row["text"].upper()}


class Noting(Toy):
    """Leaves a mark in ``folder`` for every unit of work done."""

    def __init__(self, folder: Path, setting: str = "a"):
        self.folder, self.setting = Path(folder), setting

    def one(self, row):
        (self.folder / f"{row['text']}-{time.time_ns()}").touch()
        return super().one(row)


class Long(Noting):
    """Texts of several words come apart into words; ``late`` is not there when it is first asked for."""

    def chunks(self, row):
        words = row["text"].split()
        return [{**row, "span": n} for n in range(len(words))] if len(words) > 1 and "span" not in row else []

    def join(self, outcomes):
        return {"said": " ".join(outcome["said"] for outcome in outcomes)}

    def one(self, row):
        word = row["text"].split()[row["span"]] if "span" in row else row["text"]
        first_time = not list(self.folder.glob(f"{word}-*"))
        (self.folder / f"{word}-{time.time_ns()}").touch()
        if word == "late" and first_time:
            return Reject(Reason.TIMEOUT, self.name, "not yet")
        return {"said": word.upper()}


class Fan(Toy):
    """One row to many."""

    name, reads, writes = "fan", ("said",), ("key", "part")

    def one(self, row):
        return [{"key": f"{row['said']}{i}", "part": i} for i in range(3)]


class Picky(Toy):
    """Rejects some rows, raises on others."""

    def one(self, row):
        if row["text"] == "bad":
            return Reject(Reason.DECODE_FAILED, self.name, "it is bad")
        if row["text"] == "broken":
            raise RuntimeError("a bug")
        return super().one(row)


class Poison(Toy):
    """Isolated: dies, hangs or answers, as the text says."""

    resources = Resources(cpus=0.2, isolated=True, time_limit_s=1.0)

    def one(self, row):
        if row["text"] == "die":
            os.abort()
        if row["text"] == "hang":
            time.sleep(60)
        return {"said": row["text"].upper()}


class Full(Toy):
    """Writes to a disk that has no room."""

    def __init__(self, isolated: bool):
        self.resources = Resources(cpus=0.2, isolated=isolated)

    def one(self, row):
        with open("/dev/full", "w") as file:
            file.write("x" * 100_000)
        return {"said": ""}


class Bare(Toy):
    """Imports what an extra brings, where nothing of it is installed."""

    def __init__(self, isolated: bool, where: str):
        self.resources, self.where = Resources(cpus=0.2, isolated=isolated), where

    def open(self):
        if self.where == "open":
            self._import()

    def one(self, row):
        return self._import()

    def _import(self):
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")


class Careless(Toy):
    """Forgets the column it declared."""

    def one(self, row):
        return {}


class Nosy(Toy):
    """Looks at a column that it did not declare."""

    def one(self, row):
        return {"said": row["secret"]}
