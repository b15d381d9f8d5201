"""What a checkpoint says of its origin: data sets, queries, counts, settings, for every stage so far."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ver_pipeline.model.data.loader import Loader
from ver_pipeline.model.opening import read_config
from ver_pipeline.model.train.checkpoint import TrainingState
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.untrusted import first_line, read_plain

if TYPE_CHECKING:
    from ver_pipeline.model.train.job import Job

FILE = "lineage.json"
LIMIT_BYTES = 64 << 20
CURE = "copy the model again, or remove the file if the model's origin does not matter"


def stage_lineage(job: Job, identity: dict[str, Any], loader: Loader, training_state: TrainingState) -> dict[str, Any]:
    """The lineage of a model in this stage: all stages before, then this one."""
    import torch
    import transformers

    before = read_lineage(job.model)
    this = {
        "stage": job.stage.name,
        "data": identity["data"],
        "items_per_epoch": loader.items_per_epoch,
        "dropped_per_epoch": loader.dropped_per_epoch,
        "epochs": job.stage.epochs,
        "steps": training_state.step,
        "samples": training_state.samples,
        "bad_samples": training_state.bad_samples,
        "config": job.stage.to_dict(),
        "config_sha256": job.stage.fingerprint(),
        "tools": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    return {"started_from": before.get("started_from", model_digest(job.model)), "stages": [*before["stages"], this]}


def read_lineage(model: Path) -> dict[str, Any]:
    """The lineage that stands beside a model; empty for one that was not trained here.

    Raises:
        CorruptDataError: it is damaged.
    """
    path = model / FILE
    if not path.is_file():
        return {"stages": []}
    try:
        lineage = json.loads(read_plain(path, LIMIT_BYTES))
        if isinstance(lineage["stages"], list) and all(isinstance(stage, dict) for stage in lineage["stages"]):
            return dict(lineage)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptDataError(f"{path} cannot be read: {first_line(error)}", CURE) from error
    raise CorruptDataError(f"{path} lists no stages", CURE)


def model_digest(model: Path) -> str:
    """Tells models apart without reading all weights: config, and names and sizes of the weight files."""
    config = read_config(model)
    weights = sorted((p.name, p.stat().st_size) for p in model.glob("*.safetensors"))
    return digest([config, [list(w) for w in weights]])
