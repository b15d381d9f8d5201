"""speech: what is said in the film, in which language, word by word.

One pass over the whole film, because a recogniser needs context; clips take their words from it later
(``speech_slice.py``).  A film without sound and a film without speech are normal and give empty lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row
from ver_pipeline.stages.transcribers.base import AudioError, Film, NoTranscriber, Transcriber, to_transcript
from ver_pipeline.stages.transcribers.faster_whisper import FasterWhisper
from ver_pipeline.stages.transcribers.subtitles import Subtitles
from ver_pipeline.stages.transcribers.whisperx import WhisperX

ENGINES: dict[str, type[Any]] = {"faster-whisper": FasterWhisper, "whisperx": WhisperX}


class SpeechStage:
    """``transcript`` in source time: segments, words, speech spans, language windows, who listened."""

    name = "speech"
    version = "1"
    unit = "source"
    reads = ("source.id", "source.audio_codec", "path", "sidecar")
    writes = ("transcript",)
    batch_size = 1

    def __init__(self, config: SpeechConfig) -> None:
        self.config = config
        self.listener: Transcriber = ENGINES[config.engine](config) if config.engine in ENGINES else NoTranscriber()
        self.reader: Transcriber = Subtitles()
        on_gpu = config.device == "cuda" and config.engine != "none"
        self.resources = Resources(cpus=0.5, gpus=1.0 if on_gpu else 0.0, isolated=True, time_limit_s=6 * 3600)

    def fingerprint(self) -> Mapping[str, Any]:
        return {"listener": self.listener.fingerprint(), "use_subtitles": self.config.use_subtitles}

    def open(self) -> None:
        self.listener.open()
        self.reader.open()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        source, sidecar = row["source"], row.get("sidecar") or {}
        film = Film(
            path=row["path"],
            has_audio=bool(source.get("audio_codec")),
            language=told_language(sidecar.get("language")),
            subtitles=sidecar.get("subtitles") if self.config.use_subtitles else None,
            subtitles_sha256=sidecar.get("subtitles_sha256"),
        )
        transcriber = self.reader if film.subtitles else self.listener
        try:
            heard = transcriber.transcribe(film)
        except AudioError as error:
            reason = Reason.BAD_SIDECAR if film.subtitles else Reason.DECODE_FAILED
            return Reject(reason, self.name, str(error), source_id=source.get("id"), uri=source.get("uri"))
        return {"transcript": to_transcript(heard, transcriber.recogniser(film), film.has_audio)}


def told_language(tag: str | None) -> str | None:
    """The language a sidecar tells, as a bare code (``zh-CN`` is ``zh``); None where it tells none."""
    code = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return None if code in ("", "und", "mixed", "mul", "zxx") else code
