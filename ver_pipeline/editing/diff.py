"""What entered, left and changed between two data sets, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.database import Database
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.shards.tombstones import read_tombstones

COMPARED = (
    "split", "tier", "media_sha256", "language", "transcript", "label", "valence", "arousal", "intensity",
    "confidence", "labels_open", "description_en", "description_zh", "annotator", "model", "license",
    "agreement_tier", "status", "human_decision",
)  # fmt: skip
"""Columns of ``clips`` whose change is reported."""

WITHDRAWN = "withdrawn"
NEW_VIDEO = "new video"
VIDEO_GONE = "video not in the new set"
CUT_ANEW = "cut otherwise"
ROUNDING = "rounding: "
"""Before a reason that two processors' arithmetic explains."""

MEASURED = frozenset({"media_sha256", "language", "transcript"})
"""Columns that no teacher and no reviewer has a say in."""

ACCEPTED = "was rejected before: "
REJECTED = "rejected: "

_WHY_LEFT = f"""
    SELECT o.key, CASE
        WHEN t.hash IS NOT NULL THEN '{WITHDRAWN}'
        WHEN r.reason IS NOT NULL THEN '{REJECTED}' || r.reason
        WHEN s.source_id IS NULL THEN '{VIDEO_GONE}' || coalesce(' (' || f.reason || ')', '')
        ELSE '{CUT_ANEW}' END AS why
    FROM old_clips o
    LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS hash) t ON t.hash = sha256(o.key)
    LEFT JOIN (SELECT key, min(stage || '/' || reason) AS reason FROM new_rejects GROUP BY key) r ON r.key = o.key
    LEFT JOIN new_sources s ON s.source_id = o.source_id
    LEFT JOIN (SELECT source_id, min(stage || '/' || reason) AS reason FROM new_rejects WHERE key IS NULL
               GROUP BY source_id) f ON f.source_id = o.source_id
    WHERE o.key NOT IN (SELECT key FROM new_clips)
    ORDER BY o.key
"""
_WHY_ENTERED = f"""
    SELECT n.key, CASE
        WHEN r.reason IS NOT NULL THEN '{ACCEPTED}' || r.reason
        WHEN s.source_id IS NULL THEN '{NEW_VIDEO}'
        ELSE '{CUT_ANEW}' END AS why
    FROM new_clips n
    LEFT JOIN (SELECT key, min(stage || '/' || reason) AS reason FROM old_rejects GROUP BY key) r ON r.key = n.key
    LEFT JOIN old_sources s ON s.source_id = n.source_id
    WHERE n.key NOT IN (SELECT key FROM old_clips)
    ORDER BY n.key
"""
_FLAGS = ", ".join(f"o.{name} IS DISTINCT FROM n.{name} AS {name}" for name in COMPARED)
_CHANGED = f"""
    SELECT * FROM (SELECT n.key, o.tier = 'cue' AND n.tier = 'cue' AS by_cues, {_FLAGS}
                   FROM old_clips o JOIN new_clips n ON n.key = o.key)
    WHERE {" OR ".join(COMPARED)} ORDER BY key
"""


@dataclass(slots=True)
class Difference:
    """``entered`` and ``left`` map a reason to keys; ``changed`` maps a column to keys.  ``processors`` are those of
    both sets where nothing else can be the cause; reasons that they explain begin with ``ROUNDING``."""

    n_old: int
    n_new: int
    entered: dict[str, list[str]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)
    n_changed: int = 0
    processors: tuple[str, str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether both sets hold the same samples as far as is compared."""
        return not (self.entered or self.left or self.changed)

    def rows(self) -> Iterator[tuple[str, str, int, str]]:
        """(what, why, how many, first key), most frequent first within each kind."""
        for what, groups in (("entered", self.entered), ("left", self.left), ("changed", self.changed)):
            for why, keys in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
                yield what, why, len(keys), keys[0]

    def to_json(self) -> dict[str, Any]:
        """All of it, with every key."""
        counts = {"old": self.n_old, "new": self.n_new, "changed": self.n_changed}
        groups = {"entered": self.entered, "left": self.left, "changed": self.changed}
        return {"samples": counts, "processors": self.processors, **groups}


def diff(old: str | Path, new: str | Path) -> Difference:
    """Compare two data sets by key, in any place that ``open_dataset`` reaches."""
    with open_dataset(old) as before, open_dataset(new) as after, Database() as both:
        for data in (before, after):
            data.check_texts()
        both.open(
            {
                f"{side}_{name}": (TABLES[name], data.table_paths.get(name))
                for side, data in (("old", before), ("new", after))
                for name in ("clips", "sources", "rejects")
            },
            {},
        )
        withdrawn = list(read_tombstones(after.root)) if after.root is not None else []
        return _compare(both, withdrawn, _rounding(before.manifest, after.manifest))


def _rounding(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, str] | None:
    """The processors of both sets where they differ and all else that shapes a record is the same."""
    shared = ("fingerprints", "tools", "record_schema")
    settings = [{**manifest["config"], "runtime": None} for manifest in (old, new)]
    if settings[0] != settings[1] or any(old[name] != new[name] for name in shared):
        return None
    names = (str(old.get("processor", "")), str(new.get("processor", "")))
    return names if all(names) and names[0] != names[1] else None


def _compare(both: Database, withdrawn: list[str], processors: tuple[str, str] | None) -> Difference:
    ((n_old, n_new),) = both.sql("SELECT (SELECT count(*) FROM old_clips), (SELECT count(*) FROM new_clips)")
    difference = Difference(n_old, n_new, processors=processors)
    rounded = ROUNDING if processors else ""
    for query, parameters, groups in (
        (_WHY_LEFT, [withdrawn], difference.left),
        (_WHY_ENTERED, [], difference.entered),
    ):
        for key, why in both.sql(query, parameters):
            explained = rounded if why == CUT_ANEW else ""
            groups.setdefault(explained + why, []).append(key)
    for key, by_cues, *flags in both.sql(_CHANGED):
        difference.n_changed += 1
        for name, differs in zip(COMPARED, flags, strict=True):
            if differs:
                explained = rounded if by_cues or name in MEASURED else ""
                difference.changed.setdefault(explained + name, []).append(key)
    return difference
