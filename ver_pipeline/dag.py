"""The DAG, readable as one list, and the check that its columns fit together before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ver_pipeline.engine.cache import stage_digest
from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import ConfigError, VerError
from ver_pipeline.shards.tombstone_hash import tombstone_of
from ver_pipeline.shards.workdir import WorkFolder
from ver_pipeline.stages.annotate import AnnotateStage
from ver_pipeline.stages.base import Stage
from ver_pipeline.stages.chunks import ChunksStage
from ver_pipeline.stages.clip import ClipStage
from ver_pipeline.stages.collect import CollectStage
from ver_pipeline.stages.evidence import EvidenceStage
from ver_pipeline.stages.ingest import IngestStage, read_takedown
from ver_pipeline.stages.scenes import ScenesStage
from ver_pipeline.stages.speakers import SpeakersStage
from ver_pipeline.stages.speech import SpeechStage
from ver_pipeline.stages.validate import ValidateStage
from ver_pipeline.stages.withdraw import WithdrawStage

LISTED_COLUMNS = ("uri", "path", "entry", "remote", "stat", "beside")
"""What listing the sources gives, before the first stage."""
BETWEEN_COLUMNS = ("split_unit",)
"""What the build adds when all sources are known, before the second stage."""


def make_dag(config: BuildConfig, work: WorkFolder, withdrawn: Iterable[str] = ()) -> list[Stage]:
    """The stages of a build, in order.  A row that any of them rejects goes to ``rejects``.

    Args:
        withdrawn: sha256 of the keys of clips that were dropped for good.
    """
    takedown = read_takedown(config.ingest.takedown)
    gone = frozenset(withdrawn) | {tombstone_of(entry) for entry in takedown if entry.isascii()}
    dag: list[Stage] = [
        IngestStage(config.ingest),
        ScenesStage(config.scenes),
        SpeechStage(config.speech),
        SpeakersStage(config.speech),
        ChunksStage(config.clip),
        ClipStage(config.clip, work.media),
        *([WithdrawStage(gone)] if gone else []),
        EvidenceStage(config.evidence),
        AnnotateStage(config.annotate, str(work.root / "answers")),
    ]
    for name in config.extend.stages:
        _insert(dag, plugins.load("stages", name), config, work)
    lineage = {stage.name: stage_digest(stage) for stage in dag if stage.name != "withdraw"}
    dag.append(
        ValidateStage(
            config.validate_,
            config.shard,
            stages=lineage,
            tools=tool_versions(),
            takedown=takedown or None,
            heldout_groups=frozenset(config.shard.heldout_groups),
            extra_rules=config.extend.rules,
        )
    )
    dag.append(CollectStage(work.records))
    check_columns(dag)
    return dag


def _insert(dag: list[Stage], plugin: plugins.Plugin, config: BuildConfig, work: WorkFolder) -> None:
    """Put another package's stage behind the one that it names in ``after``.

    Raises:
        ConfigError: there is no such stage, or one of the same name is there.
    """
    stage = plugin.value(config, work.root)
    places = [i for i, other in enumerate(dag) if other.name == stage.after]
    if not places or any(other.name == stage.name for other in dag):
        names = ", ".join(other.name for other in dag)
        raise ConfigError(
            f"the stage {stage.name} of {plugin.release} cannot run after {stage.after}", f"there are {names}"
        )
    dag.insert(places[0] + 1, stage)


def check_columns(dag: Sequence[Stage], given: Sequence[str] = (*LISTED_COLUMNS, *BETWEEN_COLUMNS)) -> None:
    """Prove that every column a stage reads was written before it.

    Raises:
        VerError: naming the stage and the column.
    """
    known = set(given)
    for stage in dag:
        missing = [name for name in stage.reads if name.partition(".")[0] not in known]
        if missing:
            raise VerError(f"stage {stage.name} reads {missing[0]}, which no stage before it writes", "mend the DAG")
        known |= set(stage.writes)


def tool_versions() -> dict[str, str]:
    """Versions of the programs and libraries whose behaviour shapes bytes."""
    from importlib.metadata import PackageNotFoundError, version

    from ver_pipeline.media.ffmpeg import ffmpeg_version

    versions = {"ffmpeg": ffmpeg_version()}
    for name in ("av", "faster-whisper", "ctranslate2", "onnxruntime", "numpy", "scenedetect-headless", "webdataset"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions
