"""Subtitle files to read, and what is read of one."""

from __future__ import annotations

from pathlib import Path

from ver_pipeline.transcribers.base import Caption, TranscriptSegment
from ver_pipeline.transcribers.clean import simplifier
from ver_pipeline.transcribers.subtitles.reader import read_subtitles, to_segments

Read = tuple[list[TranscriptSegment], list[Caption], dict[str, int]]


def read(folder: Path, text: str, suffix: str = ".srt", told: str | None = None, duration_s: float = 60.0) -> Read:
    path = folder / f"film{suffix}"
    path.write_bytes(text.encode())
    return to_segments(read_subtitles(path), told, simplifier(), duration_s)


def said(folder: Path, text: str, suffix: str = ".srt", **more: str) -> list[str]:
    return [segment.text for segment in read(folder, text, suffix, **more)[0]]


def cue(*lines: str, at_s: int = 1) -> str:
    """A SubRip file of one cue."""
    return f"1\n00:00:{at_s:02d},000 --> 00:00:{at_s + 2:02d},000\n" + "\n".join(lines) + "\n"


def cues(*texts: str) -> str:
    """A SubRip file with a cue every four seconds."""
    return "\n".join(
        f"{i}\n00:00:{4 * i:02d},000 --> 00:00:{4 * i + 3:02d},000\n{text}\n" for i, text in enumerate(texts, 1)
    )
