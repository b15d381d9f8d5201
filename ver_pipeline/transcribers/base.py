"""The seam between the speech stage and whoever listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from ver_pipeline.media.clock import Jump
from ver_pipeline.timeline.transcript import NO_RECOGNISER

RATE_HZ = 16_000
"""Sample rate of all audio that is listened to."""


@dataclass(frozen=True, slots=True)
class TranscriptWord:
    """One word; times in seconds of source time, ``prob`` in [0, 1]."""

    word: str
    start_s: float
    end_s: float
    prob: float


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A stretch of speech in one language; ``words`` may be empty where no word times are known."""

    start_s: float
    end_s: float
    text: str
    language: str
    words: tuple[TranscriptWord, ...] = ()
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    doubt: str | None = None
    """Why it may not have been said as it stands (``doubt.Doubt``); None where nothing speaks against it."""

    def shifted(self, offset_s: float) -> TranscriptSegment:
        """The same, ``offset_s`` later."""
        words = tuple(replace(w, start_s=w.start_s + offset_s, end_s=w.end_s + offset_s) for w in self.words)
        return replace(self, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s, words=words)


@dataclass(frozen=True, slots=True)
class Discarded:
    """What was heard, or written by the recogniser, and is no transcript: ``text`` is empty where nothing was written,
    ``language`` is ``und`` where no language is likely, ``reason`` a ``doubt.Doubt``."""

    start_s: float
    end_s: float
    language: str
    text: str
    reason: str

    def shifted(self, offset_s: float) -> Discarded:
        """The same, ``offset_s`` later."""
        return replace(self, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s)


@dataclass(frozen=True, slots=True)
class LanguageWindow:
    """Which language a stretch of speech was transcribed as, and how sure the recogniser was of it among all languages
    that it knows.  ``und``: none of the allowed languages is likely, and nothing was transcribed; ``prob`` is that of
    the likeliest of them."""

    start_s: float
    end_s: float
    language: str
    prob: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What a subtitle file holds besides speech: a sound, a song, a sign, who speaks, a credit, a translation."""

    start_s: float
    end_s: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything heard in a video, in order of time.  ``subtitles`` holds a ``record.SubtitleFile`` for
    each file that was looked at, used or not; ``captions`` come from the one that is used."""

    segments: tuple[TranscriptSegment, ...] = ()
    speech_spans: tuple[tuple[float, float], ...] = ()
    language_windows: tuple[LanguageWindow, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    captions: tuple[Caption, ...] = ()
    subtitles: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Video:
    """What a transcriber is given: the file, its usable audio track (None: silent), the jumps of its clock, and its
    language where that is told.

    ``chunk``: only what is said from here to there (seconds of the video; None: to its end) is asked for.
    """

    path: str
    track: int | None
    jumps: tuple[Jump, ...] = ()
    language: str | None = None
    chunk: tuple[float, float | None] | None = None

    @property
    def has_audio(self) -> bool:
        """There is audio to listen to."""
        return self.track is not None


class Transcriber(Protocol):
    """Listens to whole videos.  The same video gives the same words, whatever else the process did before."""

    def recogniser(self, video: Video) -> Mapping[str, str]:
        """``record.Recogniser`` of what this transcriber hears in ``video``."""
        ...

    def fingerprint(self) -> Mapping[str, Any]:
        """All that shapes the words; cheap, loads nothing."""
        ...

    def open(self) -> None:
        """Load models.

        Raises:
            MissingModelError, MissingDependencyError: what is needed is not there; says how to get it.
        """
        ...

    def transcribe(self, video: Video) -> Transcript:
        """Listen.  No audio and no speech are normal and give nothing.

        Raises:
            AudioError: the audio cannot be decoded.
        """
        ...


class AudioError(Exception):
    """The audio, or a subtitle file, of a video cannot be read; the message says why."""


class NoTranscriber:
    """No transcriber."""

    def recogniser(self, video: Video) -> Mapping[str, str]:
        """``NO_RECOGNISER``."""
        return NO_RECOGNISER

    def fingerprint(self) -> Mapping[str, Any]:
        """The engine ``none``."""
        return {"engine": "none"}

    def open(self) -> None:
        """Nothing to load."""

    def transcribe(self, video: Video) -> Transcript:
        """Nothing, of whatever video; ready subtitles are read all the same."""
        return Transcript()


def to_transcript(heard: Transcript, recogniser: Mapping[str, str], has_audio: bool) -> dict[str, Any]:
    """The transcript column: plain JSON, times in seconds of source time with three decimals.

    Words carry the number of their segment and its language.
    """
    words, segments = [], []
    for number, segment in enumerate(heard.segments):
        segments.append({key: _rounded(getattr(segment, key)) for key in _SEGMENT_FIELDS})
        for word in segment.words:
            plain = {key: _rounded(value) for key, value in asdict(word).items()}
            words.append({**plain, "language": segment.language, "segment": number})
    words.sort(key=lambda word: (word["start_s"], word["segment"]))  # speakers overlap
    return {
        "segments": segments,
        "words": words,
        "speech_spans": [[_rounded(a), _rounded(b)] for a, b in heard.speech_spans],
        "language_windows": [{k: _rounded(v) for k, v in asdict(w).items()} for w in heard.language_windows],
        "discarded": [{k: _rounded(v) for k, v in asdict(d).items()} for d in heard.discarded],
        "captions": [{key: _rounded(value) for key, value in asdict(c).items()} for c in heard.captions],
        "subtitles": [dict(file) for file in heard.subtitles],
        "recogniser": dict(recogniser),
        "has_audio": has_audio,
    }


_SEGMENT_FIELDS = ("start_s", "end_s", "text", "language", "avg_logprob", "no_speech_prob", "doubt")


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
