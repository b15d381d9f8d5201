"""Validate: assembles the record, checks it against the schema and the rules, and decides.

Reads what the earlier stages measured and wrote; changes none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ver_pipeline.annotators.cues import people
from ver_pipeline.annotators.cues.annotator import revision as cues_revision
from ver_pipeline.schemas.config import ShardConfig, ValidateConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.rules import reject_reason, rule_set, run_rules
from ver_pipeline.schemas.split import group_unit, split_of
from ver_pipeline.stages.base import Outcome, Resources, Row


class ValidateStage:
    """One clip with its annotation in, one record out; or a reject that names the rules that failed.

    Where the speaker is seen (``speech.onscreen``) is what ``evidence`` decided; who is seen and heard (``people``)
    follows from faces, voices and words.

    Guarantees: a record that leaves this stage fits the schema and no rule of severity ``reject``
    found anything in it; its verdict lists every rule in force as passed, not run, or with findings.
    Clips of one group share a split.

    Args:
        config: rule overrides.
        shard: ``val_frac``, ``test_frac``, ``split_seed`` and ``media`` (the policy) are read.
        stages: fingerprints of the stages before this one, by name (lineage).
        tools: versions of the tools that shape the record, by name (lineage).
        takedown: sha256 of sources or media, or clip keys, that must not be in the set; None: no list.
        heldout_groups: groups that go to the split ``heldout`` (overlap with public test sets).
        extra_rules: names of plugins whose rules run too.
    """

    name = "validate"
    version = "2"
    unit = "clip"
    reads = ("key", "source", "clip", "media", "speech", "measured", "annotation", "alternatives", "agreement", "human",
             "split_unit")  # fmt: skip
    writes = ("record",)
    batch_size = 1
    resources = Resources(cpus=0.25)

    def __init__(
        self,
        config: ValidateConfig,
        shard: ShardConfig,
        *,
        stages: Mapping[str, str] | None = None,
        tools: Mapping[str, str] | None = None,
        takedown: frozenset[str] | None = None,
        heldout_groups: frozenset[str] = frozenset(),
        extra_rules: tuple[str, ...] = (),
    ) -> None:
        self.config = config
        self.extra_rules = extra_rules
        self.shard = shard
        self.lineage = {"stages": dict(stages or {}), "tools": dict(tools or {})}
        self.takedown = takedown
        self.heldout_groups = heldout_groups

    def fingerprint(self) -> Mapping[str, Any]:
        """The rules in force, the split settings, the media policy, the lists and the lineage."""
        return {
            "rules": rule_set(self.config, self.extra_rules).version,
            "split": [self.shard.val_frac, self.shard.test_frac, self.shard.split_seed],
            "media": self.shard.media,
            "people": [people.VERSION, cues_revision()],
            "takedown": None if self.takedown is None else sorted(self.takedown),
            "heldout": sorted(self.heldout_groups),
            "lineage": self.lineage,
        }

    def open(self) -> None:
        """Nothing to load; an unknown rule in the configuration is found here at the latest."""
        rule_set(self.config, self.extra_rules)

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """A record or a reject for each row, in order."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        try:
            record = parse_record(self._assemble(row))
        except (ValidationError, ValueError) as error:
            return self._reject(row, Reason.SCHEMA, f"the record does not fit the schema: {_places(error)}")
        verdict = run_rules(record, self.config, takedown=self.takedown, extra=self.extra_rules)
        if verdict.status == "reject":
            failed = [finding for finding in verdict.findings if finding.severity == "reject"]
            failures = "; ".join(f"{f.code} {f.pointer}: {f.message}" for f in failed[:5])
            ids = ", ".join(dict.fromkeys(f.code for f in failed))
            return self._reject(row, reject_reason(verdict) or Reason.RULE_FAILED, f"rules {ids} failed ({failures})")
        judged = record.model_copy(update={"verdict": verdict})
        return {"record": judged.model_dump(mode="json")}

    def _assemble(self, row: Row) -> dict[str, Any]:
        annotation, unit = row["annotation"], row.get("split_unit") or group_unit(row["source"])
        heldout = any(group in self.heldout_groups for group in unit["groups"])
        unchanged = {name: row[name] for name in ("key", "source", "clip", "measured")}
        seen = (row["measured"]["faces"].get("voice_on_screen") or {}).get("decision", "unknown")
        speech = {**row["speech"], "onscreen": seen} if seen != "unknown" else row["speech"]
        written = {name: annotation[name] for name in ("observations", "emotion", "description", "provenance")}
        return {
            **unchanged,
            **written,
            "people": people.people_of(row["clip"], speech, row["measured"], annotation["emotion"]),
            "schema_version": Record.model_fields["schema_version"].default,
            "speech": speech,
            "media": {**row["media"], "policy": self.shard.media},
            "split": "heldout" if heldout else split_of(unit["name"], self.shard),
            "tier": annotation["provenance"]["tier"],
            "alternatives": row["alternatives"],
            "agreement": row["agreement"],
            "verdict": None,
            "human": row.get("human"),
            "lineage": self.lineage,
        }

    def _reject(self, row: Row, reason: Reason, message: str) -> Reject:
        source = row["source"]
        return Reject(
            reason=reason,
            stage=self.name,
            message=message,
            source_id=source["id"],
            uri=source["uri"],
            key=row["key"],
        )


def _places(error: ValueError) -> str:
    """The first defects with their JSON pointers, without the values (they may be transcript text)."""
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0]
    defects = error.errors(include_input=False, include_url=False)
    places = [f"{''.join(f'/{part}' for part in d['loc'])}: {d['msg']}" for d in defects[:5]]
    return "; ".join(places)
