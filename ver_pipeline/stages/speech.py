"""speech: what is said in the video, in which language, word by word.

Over the whole video, because a recogniser needs context; clips take their words from it later
(``speech_slice.py``).  A long video comes apart in pauses, into chunks that many workers may hear.  A video
without audio and a video without speech are normal and give empty lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ver_pipeline.media.clock import Jump
from ver_pipeline.media.tracks import told_language
from ver_pipeline.schemas import plugins
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import CHUNK, Outcome, Resources, Row
from ver_pipeline.transcribers.base import AudioError, NoTranscriber, Transcriber, Video, to_transcript
from ver_pipeline.transcribers.faster_whisper import FasterWhisper
from ver_pipeline.transcribers.subtitles.choice import ChangedSubtitles, ReadyText, SubtitleRef
from ver_pipeline.transcribers.whisperx import WhisperX

CHUNK_S = 600.0
"""A video of twice this length comes apart into chunks of about this length."""

ENGINES: dict[str, type[Any]] = {"faster-whisper": FasterWhisper, "whisperx": WhisperX}

LISTS = ("segments", "words", "speech_spans", "language_windows", "discarded")


def _transcriber(config: SpeechConfig) -> tuple[Transcriber, str | None]:
    """The transcriber that is configured, and the package and version that it comes from where it is not ours."""
    if config.engine == "none":
        return NoTranscriber(), None
    if config.engine in ENGINES:
        return ENGINES[config.engine](config), None
    plugin = plugins.load("transcribers", config.engine, (*ENGINES, "none"))
    return plugin.value(config), plugin.release


class SpeechStage:
    """``transcript`` in source time: segments, words, speech spans, language windows, who listened."""

    name = "speech"
    version = "4"
    unit = "source"
    reads = ("source.id", "source.audio_track", "source.clock_jumps", "source.duration_s", "path", "file", "sidecar")
    writes = ("transcript",)
    batch_size = 1

    def __init__(self, config: SpeechConfig, chunk_s: float = CHUNK_S) -> None:
        self.config = config
        self.chunk_s = chunk_s
        self.transcriber, self._release = _transcriber(config)
        listens = config.engine != "none" and config.check_subtitles == "words"
        self.ready = ReadyText(self.transcriber if listens else None, checks=config.check_subtitles != "no")
        on_gpu = config.device == "cuda" and config.engine != "none"
        self.resources = Resources(cpus=0.5, gpus=1.0 if on_gpu else 0.0, isolated=True, time_limit_s=6 * 3600)

    def fingerprint(self) -> Mapping[str, Any]:
        """What shapes the transcriber's words and the reading of subtitles, and the chunks' length in seconds.

        A transcriber from another package also counts by the release of that package.
        """
        own: dict[str, Any] = {name: getattr(self.config, name) for name in ("use_subtitles", "check_subtitles")}
        own["chunk_s"] = self.chunk_s
        if self._release is not None:
            own["release"] = self._release
        return {"transcriber": self.transcriber.fingerprint(), "ready_text": self.ready.fingerprint(), **own}

    def open(self) -> None:
        """Load the transcriber, and what reads subtitles.

        Raises:
            MissingModelError, MissingDependencyError: what the transcriber needs is not there.
            ConfigError: it does not know one of ``speech.languages``.
        """
        self.transcriber.open()
        self.ready.open()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """The transcript of each video, or of each chunk of one: of its subtitles where they can be used, else heard.

        Audio that does not decode, and subtitles written to since ingest, are rejects; silence is not.
        """
        return [self._one(row) for row in rows]

    def chunks(self, row: Row) -> list[Row]:
        """Where the chunks of a long video begin and end, before they move into pauses; none of a short one."""
        video = self._video(row)
        n = int(row["source"]["duration_s"] // self.chunk_s)
        if n < 2 or video.chunk or self._subtitles(row) or not video.has_audio or self.config.engine == "none":
            return []
        begins_s = [k * self.chunk_s for k in range(n)]
        return [{**row, CHUNK: [a, b]} for a, b in zip(begins_s, [*begins_s[1:], None], strict=True)]

    def join(self, outcomes: Sequence[Row]) -> Row:
        """One transcript; segments are numbered through."""
        first, *others = [outcome["transcript"] for outcome in outcomes]
        joined = {**first, **{name: list(first[name]) for name in LISTS}}
        for later in others:
            n = len(joined["segments"])
            words = [{**word, "segment": word["segment"] + n} for word in later["words"]]
            for name in LISTS:
                joined[name] += words if name == "words" else later[name]
        return {"transcript": joined}

    def _video(self, row: Row) -> Video:
        source, sidecar = row["source"], row.get("sidecar") or {}
        begin_s, end_s = row.get(CHUNK) or (None, None)
        return Video(
            path=row["path"],
            track=source["audio_track"],
            jumps=tuple(Jump.of(jump) for jump in source["clock_jumps"]),
            language=told_language(sidecar.get("language")),
            chunk=None if begin_s is None else (begin_s, end_s),
        )

    def _one(self, row: Row) -> Outcome:
        if chunks := self.chunks(row):
            outcomes = [self._one(chunk) for chunk in chunks]
            bad = next((outcome for outcome in outcomes if isinstance(outcome, Reject)), None)
            return bad or self.join([outcome for outcome in outcomes if isinstance(outcome, dict)])
        source, video = row["source"], self._video(row)
        try:
            ready, file = self.ready.choose(video, self._subtitles(row), source["duration_s"])
            if file is not None:
                kind = Path(file.name).suffix.lstrip(".").lower()
                recogniser = {"engine": "subtitles", "model": kind, "revision": file.sha256}
                return {"transcript": to_transcript(ready, recogniser, video.has_audio)}
            heard = replace(self.transcriber.transcribe(video), subtitles=ready.subtitles)
        except (AudioError, ChangedSubtitles) as error:
            reason = Reason.DECODE_FAILED if isinstance(error, AudioError) else Reason.CHANGED_SOURCE
            return Reject(reason, self.name, str(error), source_id=source.get("id"), uri=source.get("uri"))
        return {"transcript": to_transcript(heard, self.transcriber.recogniser(video), video.has_audio)}

    def _subtitles(self, row: Row) -> list[SubtitleRef]:
        """The subtitle files beside the video in the order in which they are looked at; none where told so."""
        folder = Path(row["path"]).parent
        files = (row.get("sidecar") or {}).get("subtitles") or [] if self.config.use_subtitles else []
        return [SubtitleRef(path=str(folder / f["name"]), **f) for f in files]
