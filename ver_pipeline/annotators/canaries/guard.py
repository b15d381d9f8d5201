"""Canaries over a run: one before it, one every so many clips, and what was found, kept beside the answers.

A refused sense shapes what a teacher is asked, so it is part of its fingerprint: what a blind teacher answered is
cached apart from what a seeing one did.  A proven one is not, and when a canary ran shapes nothing.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.canaries.check import Report, check
from ver_pipeline.annotators.teacher.asking import Model
from ver_pipeline.schemas.canonical import canonical_json, digest, parse_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.record_annotation import Senses

LOG_NAME = "canaries.jsonl"


class Guard:
    """The senses of one annotator's model.

    Args:
        annotator: its teacher takes on what is known of its senses, from earlier runs too.
        folder: where what is found is kept; None keeps nothing.
        every: clips between two canaries; 0 sends none, and nothing is proven.
    """

    def __init__(self, annotator: Model, folder: str | Path | None, every: int) -> None:
        self.annotator, self.every = annotator, every
        self._folder = None if folder is None else Path(folder) / "senses"
        self._name = digest(annotator.teacher.fingerprint())
        self._clips = self._run = 0
        if every:
            self._adopt(self._known())

    def before_run(self) -> Report | None:
        """Send the first canary and take on what it shows; None where there is nothing to prove.

        Where nobody answers, what was known stays.
        """
        if not self.every or not self.annotator.teacher.has_senses:
            return None
        report = self._checked()
        if report.reached:
            senses = senses_of(report)
            self._keep(senses)
            self._adopt(senses)
        return report

    def note(self, n_clips: int) -> None:
        """Count clips that were asked about, and send the next canary when it is due.

        Raises:
            VerError: a sense that was there at the start is lost.
        """
        self._clips += n_clips
        if not self.every or self._clips < self.every or not self.annotator.teacher.has_senses:
            return
        self._clips, self._run = 0, self._run + 1
        report, known = self._checked(), self.annotator.teacher.senses
        if not report.reached or set(report.refused) <= set(known.refused):
            return
        raise VerError(
            f"{self.annotator.name} lost a sense on the way: {report.line(self.annotator.name)}",
            f"mend the server and run the same command again; of the last {self.every} clips of this worker nobody "
            "knows what was seen of them: annotate them again (annotate.canary_every sets how many they can be)",
        )

    def _checked(self) -> Report:
        report = check(self.annotator, self._run)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._folder / LOG_NAME, "a", encoding="utf-8") as file:
                file.write(json.dumps(_row(self.annotator.name, report)) + "\n")
        return report

    def _adopt(self, senses: Senses) -> None:
        self.annotator.teacher = self.annotator.teacher.with_senses(senses)

    def _known(self) -> Senses:
        """What was found last; nothing where no canary ran or its result cannot be read."""
        if self._folder is None:
            return Senses()
        try:
            return Senses.model_validate_json((self._folder / f"{self._name}.json").read_bytes())
        except (OSError, ValueError):
            return Senses()

    def _keep(self, senses: Senses) -> None:
        if self._folder is None:
            return
        aside = self._folder / f".{self._name}.{uuid.uuid4().hex[:8]}"
        with aside.open("wb") as file:
            file.write(canonical_json(senses.model_dump(mode="json")))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._folder / f"{self._name}.json")


def senses_of(report: Report) -> Senses:
    """What a record says of a report: no hit rates, which waver where the verdict stands."""
    failed = tuple(f"{name}: {what}" for name in report.refused for what in getattr(report, name).failed)
    return Senses(sight=report.sight.state, hearing=report.hearing.state, failed=failed)


def refusal_line(name: str, report: Report) -> str:
    """What a refusal means, for a terminal."""
    means = {
        "sight": "it is shown no frames, and what it says of faces, bodies and scenes is dropped",
        "hearing": "what it says to hear is not believed",
    }
    return f"{report.line(name)}; so {' and '.join(means[sense] for sense in report.refused)}"


def sent_before(folder: str | Path) -> int:
    """How far the log of canaries reaches: what follows is of the run that begins now."""
    path = Path(folder) / "senses" / LOG_NAME
    return path.stat().st_size if path.exists() else 0


def run_rows(folder: str | Path, run_id: str, started_utc: str, before: int) -> list[dict[str, Any]]:
    """Rows of the ``runs`` table for the canaries of a run: one an annotator, over all workers.

    Args:
        before: what :func:`sent_before` said when the run began.
    """
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in _log(Path(folder) / "senses" / LOG_NAME, before):
        by_name.setdefault(row["annotator"], []).append(row)
    rows = []
    for name, sent in sorted(by_name.items()):
        rates = [check["hit_rate"] for check in sent if check["hit_rate"] is not None]
        failed = dict.fromkeys(what for check in sent for what in check["failed"])
        rows.append(
            {
                "run_id": run_id,
                "stage": f"canaries:{name}",
                "started_utc": started_utc,
                "rows_in": len(sent),
                "rows_out": sum(check["passed"] for check in sent),
                "tokens_in": sum(check["tokens_in"] for check in sent),
                "tokens_out": sum(check["tokens_out"] for check in sent),
                "sight": sent[-1]["sight"],
                "hearing": sent[-1]["hearing"],
                "senses_failed": "; ".join(failed) or None,
                "canary_hit_rate": min(rates, default=None),
            }
        )
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _log(path: Path, before: int) -> Iterator[dict[str, Any]]:
    """The canaries that were sent, without lines that a kill cut off."""
    try:
        lines = path.read_bytes()[before:].splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            row = parse_json(line)
        except ValueError:
            continue
        if isinstance(row, dict) and {"annotator", "sent_utc"} <= set(row):
            yield row


def _row(name: str, report: Report) -> dict[str, Any]:
    senses = senses_of(report)
    return {
        "annotator": name,
        "sent_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "passed": report.reached and not report.refused,
        "sight": senses.sight,
        "hearing": senses.hearing,
        "failed": list(senses.failed) if report.reached else [f"not reached: {report.message[:200]}"],
        "hit_rate": report.hit_rate,
        "tokens_in": report.usage.tokens_in,
        "tokens_out": report.usage.tokens_out,
    }
