"""From a file to its clips, by the stages that a build takes."""

from __future__ import annotations

from pathlib import Path

from ver_pipeline.schemas.config import ClipConfig, IngestConfig, ScenesConfig
from ver_pipeline.schemas.reasons import Reject
from ver_pipeline.stages.chunks import ChunksStage
from ver_pipeline.stages.clip import ClipStage
from ver_pipeline.stages.ingest import IngestStage
from ver_pipeline.stages.scenes import ScenesStage

NOTHING_SAID = {
    "segments": [],
    "words": [],
    "speech_spans": [],
    "language_windows": [],
    "has_audio": True,
    "recogniser": {"engine": "none", "model": "none", "revision": "none"},
}


def cut(path: Path, out: Path, words=(), entry=None, whole_rows=False, ingest=None, may_lose=False, **settings):
    """The clips' rows; with ``whole_rows`` together with what earlier stages wrote.  Only with ``may_lose`` may one of
    them be a reject."""
    row = {"uri": path.name, "path": str(path), "entry": entry or {}, "remote": None, "stat": []}
    ingested = IngestStage(ingest or IngestConfig()).run([row])[0]
    assert not isinstance(ingested, Reject), ingested
    row |= ingested
    scenes = ScenesStage(ScenesConfig())
    scenes.open()
    row |= scenes.run([row])[0]
    said = [{"word": w, "start_s": a, "end_s": b, "prob": 1.0, "language": "en"} for w, a, b in words]
    segments = [{"start_s": w["start_s"], "end_s": w["end_s"], "text": w["word"], "language": "en"} for w in said]
    row["transcript"] = NOTHING_SAID | {"words": said, "segments": segments}
    row["speakers"] = {"diarizer": None, "voices": [], "vectors": None}
    config = ClipConfig(**settings)
    parts = ChunksStage(config).run([row])[0]
    assert not isinstance(parts, Reject), parts
    stage = ClipStage(config, out)
    stage.open()
    clips = []
    for part in parts:
        outcome = stage.run([{**row, **part}])[0]
        assert not isinstance(outcome, Reject), outcome
        assert may_lose or not any("reject" in clip for clip in outcome), outcome
        clips += [{**row, **clip} for clip in outcome] if whole_rows else outcome
    return clips
