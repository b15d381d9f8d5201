"""Reads human-written bilingual descriptions in the EMER layouts, and says how the rules judge them.

Layout 1: one CSV a language, the same names (``names, emotions, subtitles, reasons``).
Layout 2: one CSV (``name, chinese, english``).  The files are the user's own; their licences forbid
passing them on, so none of them comes with this project.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.config import ValidateConfig
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.labels import canonical
from ver_pipeline.schemas.record import Record, Safety, Verdict
from ver_pipeline.schemas.record_annotation import Description, Emotion
from ver_pipeline.schemas.record_media import Recogniser, Speech
from ver_pipeline.schemas.rules import rule_set, run_rules


@dataclass(frozen=True, slots=True)
class HumanText:
    """One clip as people described it.  ``subtitle_*`` is empty where the row has none."""

    name: str
    emotion: str
    subtitle_en: str
    subtitle_zh: str
    en: str
    zh: str


def read_emer(paths: Sequence[Path]) -> list[HumanText]:
    """Rows of either layout, in the order of the first file.

    Raises:
        UsageError: a file cannot be read, lacks a column, or the two files name different clips.
    """
    if len(paths) == 1:
        rows = _read(paths[0], ("name", "chinese", "english"))
        return [HumanText(r["name"], "", "", "", r["english"], r["chinese"]) for r in rows]
    columns = ("names", "emotions", "subtitles", "reasons")
    english, chinese = ({row["names"]: row for row in _read(path, columns)} for path in paths)
    if set(english) != set(chinese):
        differing = sorted(set(english) ^ set(chinese))
        raise UsageError(f"{len(differing)} clips stand in one file only, first {differing[0]!r}")
    return [
        HumanText(
            name=name,
            emotion=row["emotions"],
            subtitle_en=row["subtitles"],
            subtitle_zh=chinese[name]["subtitles"],
            en=row["reasons"],
            zh=chinese[name]["reasons"],
        )
        for name, row in english.items()
    ]


def text_record(text: HumanText) -> Record:
    """A record that holds only what the text rules may read.

    The other parts are absent, not made up: a rule that reads one of them raises AttributeError, which
    proves that a rule marked ``text_only`` is just that.
    """
    heard = bool(text.subtitle_zh or text.subtitle_en)
    speech = Speech.model_construct(
        present=heard,
        text=text.subtitle_zh or text.subtitle_en,
        text_en=text.subtitle_en or None,
        text_zh=text.subtitle_zh or None,
        language="zh" if text.subtitle_zh else ("en" if heard else "und"),
        recogniser=Recogniser(engine="subtitles" if heard else "none", model="emer", revision="emer"),
    )
    return Record.model_construct(
        description=Description(en=text.en or " ", zh=text.zh or " ", mode="human"),
        observations=(),
        emotion=Emotion.model_construct(
            primary=canonical(text.emotion) or "undetermined", labels_open=(), cause_en=None, cause_zh=None
        ),
        speech=speech,
        safety=Safety(),
    )


def judge(texts: Sequence[HumanText], config: ValidateConfig | None = None) -> dict[str, Any]:
    """How the text rules judge the rows.

    Returns:
        ``n``, ``n_passed`` (no reject), ``n_flagged`` (passed with a flag), ``rules`` (ids that ran),
        ``media_rules`` (ids that need media and did not run), ``by_rule`` (severity and rule to count),
        and ``rejected`` (row name to what was found).
    """
    rules = rule_set(config).rules
    chosen = [rule for rule in rules if rule.text_only]
    verdicts: dict[str, Verdict] = {t.name: run_rules(text_record(t), config, rules=chosen) for t in texts}
    by_rule = Counter(
        (severity, code)
        for verdict in verdicts.values()
        for severity, code in {(finding.severity, finding.code) for finding in verdict.findings}
    )
    rejected = {
        name: [f"{f.code} {f.pointer}: {f.message}" for f in verdict.findings if f.severity == "reject"]
        for name, verdict in verdicts.items()
        if verdict.status == "reject"
    }
    return {
        "n": len(texts),
        "n_passed": len(texts) - len(rejected),
        "n_flagged": sum(verdict.status == "review" for verdict in verdicts.values()),
        "rules": [rule.id for rule in chosen],
        "media_rules": [rule.id for rule in rules if not rule.text_only],
        "by_rule": {f"{severity} {code}": n for (severity, code), n in sorted(by_rule.items())},
        "rejected": rejected,
    }


def _read(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise UsageError(f"{path} has no column {missing[0]!r}", f"an EMER file has {', '.join(columns)}")
            return [{name: (row[name] or "").strip() for name in columns} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}", "give a CSV in UTF-8") from error
