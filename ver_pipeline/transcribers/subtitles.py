"""Ready subtitles beside a video (SubRip, WebVTT, ASS/SSA) taken as its transcript.

A cue's words are spread over the cue by their length.  What is not speech goes: markup, styling,
``[sounds]``, ``(noises)``, music signs, the name before a colon in capitals, dialogue dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.timeline.transcript import is_wide, join_words
from ver_pipeline.transcribers.base import AudioError, Transcript, TranscriptSegment, TranscriptWord, Video
from ver_pipeline.transcribers.clean import clean_segment, simplifier

ENCODINGS = ("utf-8-sig", "gb18030", "cp1252")
MAX_BYTES = 32 << 20

Cue = tuple[float, float, list[str]]

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_ARROW = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_MARKUP = re.compile(r"<[^>]*>|\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|[♪♫#]+")
_SPEAKER = re.compile(r"^[A-Z][A-Z .'-]{1,30}:\s+")


class Subtitles:
    """Reads a subtitle file; the language is the video's where it is told, else that of the script."""

    def __init__(self) -> None:
        self.simplify: Any = None

    def recogniser(self, video: Video) -> Mapping[str, str]:
        name = Path(video.subtitles or "").suffix.lstrip(".").lower()
        return {"engine": "subtitles", "model": name or "none", "revision": video.subtitles_sha256 or "unknown"}

    def fingerprint(self) -> Mapping[str, Any]:
        return {"engine": "subtitles"}

    def open(self) -> None:
        self.simplify = simplifier()

    def transcribe(self, video: Video) -> Transcript:
        segments = []
        for start_s, end_s, lines in one_after_the_other(read_cues(Path(video.subtitles or ""))):
            text, language = spoken_line(lines, video.language)
            if not text:
                continue
            words = spread_words(split_words(text), start_s, end_s)
            segment = TranscriptSegment(start_s, end_s, text, language, words)
            cleaned = clean_segment(segment, self.simplify, check_rate=False)  # the cue's times are its author's
            if cleaned:
                segments.append(cleaned)
        return Transcript(tuple(segments), _merged((s.start_s, s.end_s) for s in segments))


def read_cues(path: Path) -> list[Cue]:
    """All cues of a file as (start_s, end_s, lines), markup removed, in the file's order.

    Raises:
        AudioError: the file cannot be read or holds no cue that is understood.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AudioError(f"the subtitles {path.name} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise AudioError(f"the subtitles {path.name} hold {len(data)} bytes, which no subtitle file does")
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    cues = list(_ass_cues(text) if path.suffix.lower() in (".ass", ".ssa") else _timed_cues(text))
    if not cues and text.strip():
        raise AudioError(f"the subtitles {path.name} hold no cue that is understood")
    return cues


def one_after_the_other(cues: Sequence[Cue]) -> list[Cue]:
    """Cues in order of time, none overlapping the next: those that begin together become one, one that
    runs into the next ends where that begins.  Cues without any length go."""
    merged: list[Cue] = []
    for start_s, end_s, lines in sorted((c for c in cues if c[1] > c[0]), key=lambda c: c[0]):
        if merged and merged[-1][0] == start_s:
            merged[-1] = (start_s, max(merged[-1][1], end_s), [*merged[-1][2], *lines])
            continue
        if merged and merged[-1][1] > start_s:
            merged[-1] = (merged[-1][0], start_s, merged[-1][2])
        merged.append((start_s, end_s, lines))
    return merged


def spoken_line(lines: Sequence[str], told: str | None) -> tuple[str, str]:
    """The text of a cue and its language.

    Where a cue shows the same sentence in two scripts, the line in the told language is taken, else the
    first; lines in one script are one sentence.
    """
    spoken = [line for line in (_speech_only(line) for line in lines) if line]
    scripts = ["zh" if any(is_wide(c) and c.isalnum() for c in line) else "en" for line in spoken]
    if not spoken:
        return "", told or "und"
    wanted = told if told in scripts else scripts[0]
    chosen = [line for line, script in zip(spoken, scripts, strict=True) if script == wanted]
    language = "zh" if wanted == "zh" else (told or "en")
    return join_words(chosen), language


def split_words(text: str) -> list[str]:
    """Latin words as they stand; each Chinese character alone, with the signs that follow it."""
    words: list[str] = []
    for chunk in text.split():
        fresh = True
        for char in chunk:
            alone = is_wide(char) and char.isalnum()
            if alone or fresh or (char.isalnum() and is_wide(words[-1][0])):
                words.append(char)
            else:
                words[-1] += char
            fresh = False
    return words


def spread_words(words: Sequence[str], start_s: float, end_s: float) -> tuple[TranscriptWord, ...]:
    """Give each word a share of the cue in proportion to its letters (a sign counts as one).

    Words keep a leading space, as recognisers write them, so that none is glued to the one before.
    """
    total = sum(len(word) for word in words)
    done, spread = 0, []
    for word in words:
        begin_s = start_s + (end_s - start_s) * done / total
        done += len(word)
        spread.append(TranscriptWord(f" {word}", begin_s, start_s + (end_s - start_s) * done / total, 1.0))
    return tuple(spread)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def _timed_cues(text: str) -> Iterator[Cue]:
    """SubRip and WebVTT: a line with an arrow, then lines of text up to an empty one."""
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip("\n").split("\n")
        for number, line in enumerate(lines):
            match = _ARROW.match(line)
            if match:
                yield _seconds(match.groups()[:4]), _seconds(match.groups()[4:]), lines[number + 1 :]
                break


def _ass_cues(text: str) -> Iterator[Cue]:
    """ASS: ``Dialogue:`` lines of the event table, whose Format line names the columns."""
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    for line in text.split("\n"):
        kind, _, rest = line.partition(":")
        if kind.strip().lower() == "format" and "start" in rest.lower():
            columns = [name.strip().lower() for name in rest.split(",")]
        elif kind.strip().lower() == "dialogue":
            values = dict(zip(columns, rest.split(",", len(columns) - 1), strict=False))
            times = [re.fullmatch(_TIME, values.get(key, "").strip()) for key in ("start", "end")]
            if times[0] and times[1]:
                said = re.sub(r"\\[Nn]", "\n", values.get("text", "")).replace("\\h", " ")
                yield _seconds(times[0].groups()), _seconds(times[1].groups()), said.split("\n")


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _speech_only(line: str) -> str:
    line = re.sub(r"&(nbsp|amp|lt|gt);", lambda m: {"nbsp": " ", "amp": "&", "lt": "<", "gt": ">"}[m[1]], line)
    bare = _MARKUP.sub("", line).strip().lstrip("-–—").strip()
    return _SPEAKER.sub("", bare)


def _merged(spans: Iterator[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return tuple(merged)
