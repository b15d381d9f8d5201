"""speech: what is said in the film, in which language, word by word.

Over the whole film, because a recogniser needs context; clips take their words from it later
(``speech_slice.py``).  A long film comes apart in pauses, into pieces that many workers may hear.  A film
without sound and a film without speech are normal and give empty lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import PIECE, Outcome, Resources, Row
from ver_pipeline.transcribers.base import AudioError, Film, NoTranscriber, Transcriber, to_transcript
from ver_pipeline.transcribers.faster_whisper import FasterWhisper
from ver_pipeline.transcribers.subtitles import Subtitles
from ver_pipeline.transcribers.whisperx import WhisperX

PIECE_S = 600.0
"""A film of twice this length comes apart into pieces of about this length."""

ENGINES: dict[str, type[Any]] = {"faster-whisper": FasterWhisper, "whisperx": WhisperX}

LISTS = ("segments", "words", "speech_spans", "language_windows")


class SpeechStage:
    """``transcript`` in source time: segments, words, speech spans, language windows, who listened."""

    name = "speech"
    version = "2"
    unit = "source"
    reads = ("source.id", "source.audio_codec", "source.duration_s", "path", "file", "sidecar")
    writes = ("transcript",)
    batch_size = 1

    def __init__(self, config: SpeechConfig, piece_s: float = PIECE_S) -> None:
        self.config = config
        self.piece_s = piece_s
        self.listener: Transcriber = ENGINES[config.engine](config) if config.engine in ENGINES else NoTranscriber()
        self.reader: Transcriber = Subtitles()
        on_gpu = config.device == "cuda" and config.engine != "none"
        self.resources = Resources(cpus=0.5, gpus=1.0 if on_gpu else 0.0, isolated=True, time_limit_s=6 * 3600)

    def fingerprint(self) -> Mapping[str, Any]:
        own = {"use_subtitles": self.config.use_subtitles, "piece_s": self.piece_s}
        return {"listener": self.listener.fingerprint(), **own}

    def open(self) -> None:
        self.listener.open()
        self.reader.open()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        return [self._one(row) for row in rows]

    def pieces(self, row: Row) -> list[Row]:
        """Where a film is heard and long enough: where its pieces begin and end, before they move into pauses."""
        film = self._film(row)
        n = int(row["source"]["duration_s"] // self.piece_s)
        if n < 2 or film.piece or film.subtitles or not film.has_audio or self.config.engine == "none":
            return []
        begins_s = [k * self.piece_s for k in range(n)]
        return [{**row, PIECE: [a, b]} for a, b in zip(begins_s, [*begins_s[1:], None], strict=True)]

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

    def _film(self, row: Row) -> Film:
        source, sidecar = row["source"], row.get("sidecar") or {}
        begin_s, end_s = row.get(PIECE) or (None, None)
        return Film(
            path=row["path"],
            has_audio=bool(source.get("audio_codec")),
            language=told_language(sidecar.get("language")),
            subtitles=sidecar.get("subtitles") if self.config.use_subtitles else None,
            subtitles_sha256=sidecar.get("subtitles_sha256"),
            piece=None if begin_s is None else (begin_s, end_s),
        )

    def _one(self, row: Row) -> Outcome:
        if pieces := self.pieces(row):
            outcomes = [self._one(piece) for piece in pieces]
            bad = next((outcome for outcome in outcomes if isinstance(outcome, Reject)), None)
            return bad or self.join([outcome for outcome in outcomes if isinstance(outcome, dict)])
        source, film = row["source"], self._film(row)
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
