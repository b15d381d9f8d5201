"""A transcriber: a video in, timed words out.  This one says the words of the file name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.transcribers.base import Transcript, TranscriptSegment, TranscriptWord, Video

WORD_S = 0.3


class FilenameTranscriber:
    """Says the words of the video's file name, one every 0.3 seconds: a stand-in for a service of yours."""

    def __init__(self, config: SpeechConfig) -> None:
        self.language = config.languages[0]

    def recogniser(self, video: Video) -> Mapping[str, str]:
        return {"engine": "filename", "model": "none", "revision": "1"}

    def fingerprint(self) -> Mapping[str, Any]:
        return {"engine": "filename", "language": self.language}

    def open(self) -> None:
        pass

    def transcribe(self, video: Video) -> Transcript:
        names = Path(video.path).stem.split("-") if video.has_audio else []
        words = tuple(
            TranscriptWord(f" {name}", i * WORD_S, (i + 1) * WORD_S, 1.0) for i, name in enumerate(names)
        )  # fmt: skip
        if not words:
            return Transcript()
        text = " ".join(names)
        segment = TranscriptSegment(0.0, words[-1].end_s, text, self.language, words)
        return Transcript((segment,), ((segment.start_s, segment.end_s),))
