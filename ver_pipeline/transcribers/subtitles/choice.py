"""Which of the subtitle files beside a video is its transcript, if any is.

Files come in the order in which their names rank (``sources/beside.py``).  The first is taken that can be read, in
which somebody speaks while the video lasts, and which does not contradict the sound.  How far each fits is told with
numbers, whether it is taken or not; where none is, the recogniser's words are the transcript.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.record_media import SubtitleFile
from ver_pipeline.transcribers.audio import video_windows
from ver_pipeline.transcribers.base import AudioError, Transcriber, Transcript, Video
from ver_pipeline.transcribers.clean import simplifier
from ver_pipeline.transcribers.subtitles.agreement import (
    Heard,
    agreement,
    language_heard,
    listen,
    stretches,
    tokens_of,
)
from ver_pipeline.transcribers.subtitles.fit import Move, Spans, move_by_voice, move_by_words, shares
from ver_pipeline.transcribers.subtitles.reader import SubtitleText, read_subtitles, to_segments

WINDOW_S = 300.0
CHECKED_VOICE_S = 3.0
"""With less voice than this there is nothing to hold cues against."""
LEAST_COMPARED = 12
LEAST_AGREEMENT = 0.25
"""Words alike below which a file speaks of something else.  In tests/speech/test_subtitles_against_sound.py right files
score above 0.6, other sentences of the same language below 0.2."""
LEAST_CUES_VOICED, LEAST_CUES = 0.3, 5
LEAST_VOICE_TO_CUES = 0.5
FORCED_COVERED, FORCED_VOICE_S = 0.1, 60.0
"""A file with words for less of a video that speaks for so long holds foreign lines or signs only."""


class ChangedSubtitles(Exception):
    """A subtitle file is no longer the one that was hashed."""


@dataclass(frozen=True, slots=True)
class SubtitleRef:
    """A subtitle file: its name beside the video, where it is, its hash, the language its name tells, and why it is not
    looked at, if it is not."""

    name: str
    path: str
    sha256: str
    language: str | None = None
    why: str | None = None


@dataclass(slots=True)
class Sound:
    """What is known of a video's sound; listened to when first asked for."""

    video: Video
    duration_s: float
    transcriber: Transcriber | None
    _voice: list[tuple[float, float]] | None = None
    _heard: list[Heard] | None = None

    def voice(self) -> list[tuple[float, float]]:
        """Where somebody speaks, in seconds; empty where the audio cannot be decoded."""
        if self._voice is None:
            try:
                self._voice = [
                    (a + w.offset_s, b + w.offset_s) for w in video_windows(self.video, WINDOW_S) for a, b in w.spans
                ]
            except AudioError:
                self._voice = []
        return self._voice

    def heard(self) -> list[Heard]:
        """The words of a few stretches; none where there is nobody to listen."""
        if self._heard is None:
            self._heard = []
            if self.transcriber is not None:
                self._heard = listen(self.transcriber, self.video, stretches(self.voice(), self.duration_s))
        return self._heard


@dataclass(frozen=True, slots=True)
class Fit:
    """How a file fits the sound: its move, numbers for the record, and why it is refused, if it is."""

    move: Move = field(default_factory=Move)
    numbers: Mapping[str, float] = field(default_factory=dict)
    why: str | None = None


class ReadyText:
    """Chooses among subtitle files.

    Args:
        transcriber: who listens to a few stretches; None where nobody does.
        checks: whether files are held against the sound at all.
    """

    def __init__(self, transcriber: Transcriber | None, checks: bool = True) -> None:
        self.transcriber = transcriber
        self.checks = checks
        self.simplify: Callable[[str], str] = str

    def fingerprint(self) -> Mapping[str, Any]:
        """The versions of what decodes, parses and simplifies subtitles."""
        from importlib.metadata import version

        return {name: version(name) for name in ("pysubs2", "charset-normalizer", "opencc-python-reimplemented")}

    def open(self) -> None:
        """Load the converter to simplified Chinese."""
        self.simplify = simplifier()

    def choose(
        self, video: Video, files: Sequence[SubtitleRef], duration_s: float
    ) -> tuple[Transcript, SubtitleRef | None]:
        """The transcript of the first file that can be one, and that file; without one an empty transcript that says
        of each file (``subtitles``) why it is none.

        Raises:
            ChangedSubtitles: a file was written to since it was hashed.
            AudioError: the audio cannot be decoded.
        """
        sound = Sound(video, duration_s, self.transcriber)
        looked: list[Mapping[str, Any]] = []  # as the record has them, defaults and all: hashes are taken of it
        for i, file in enumerate(files):
            about, found = self._look(file, video, sound)
            looked.append(_whole(about))
            if found is not None:
                later = files[i + 1 :]
                others = [_whole(_about(other, why=other.why or f"{file.name} was used")) for other in later]
                return replace(found, subtitles=(*looked, *others)), file
        return Transcript(subtitles=tuple(looked)), None

    def _look(self, file: SubtitleRef, video: Video, sound: Sound) -> tuple[dict[str, Any], Transcript | None]:
        if file.why is not None:
            return _about(file, why=file.why), None
        try:
            text = read_subtitles(Path(file.path))
        except AudioError as error:
            return _about(file, why=str(error)), None
        if hash_file(Path(file.path))[0] != file.sha256:
            raise ChangedSubtitles(f"the subtitles {file.name} were written to since they were hashed")
        about = {**_about(file), "format": text.format, "encoding": text.encoding, "n_cues": text.n_cues}
        about["told"] = dict(text.told)
        if not text.spoken:
            return {**about, "why": "nothing in it is spoken"}, None
        fit = self._fit(text, file, video, sound)
        about |= {"offset_s": fit.move.offset_s, "rate": fit.move.rate, **fit.numbers}
        if fit.why:
            return {**about, "why": fit.why}, None
        spoken = video.language or self._spoken(sound) or file.language
        segments, captions, told = to_segments(text.moved(fit.move), spoken, self.simplify, sound.duration_s)
        about["told"] = told
        if not segments:
            return {**about, "why": "all its cues lie past the video's end"}, None
        used = {**about, "used": True, "language": file.language or _most([s.language for s in segments])}
        spans = _merged([(s.start_s, s.end_s) for s in segments])
        return used, Transcript(tuple(segments), spans, captions=tuple(captions))

    def _spoken(self, sound: Sound) -> str | None:
        return language_heard(sound.heard()) if sound.video.has_audio and self.checks else None

    def _fit(self, text: SubtitleText, file: SubtitleRef, video: Video, sound: Sound) -> Fit:
        if not (video.has_audio and self.checks):
            return Fit()
        voice = sound.voice()
        voice_s = sum(b - a for a, b in voice)
        numbers: dict[str, float] = {"voice_s": round(voice_s, 3)}
        if voice_s < CHECKED_VOICE_S:
            return Fit(numbers=numbers)
        segments, _, _ = to_segments(text, video.language or self._spoken(sound) or file.language, self.simplify)
        cues, tokens = [(s.start_s, s.end_s) for s in segments], tokens_of(segments)
        heard = sound.heard()
        move = (
            move_by_words([h.tokens for h in heard], tokens) or move_by_voice(cues, voice, sound.duration_s) or Move()
        )
        moved = [(move(a), move(b)) for a, b in cues]
        covered, voiced = shares(moved, voice)
        numbers |= {"voice_covered": round(covered, 3), "cues_voiced": round(voiced, 3)}
        alike = agreement(heard, tokens, move)
        if alike is not None:
            numbers["agreement"] = round(alike[0], 3)
        languages = self._other(heard, segments, file)
        return Fit(move, numbers, _refusal(alike, (covered, voiced), moved, voice_s, languages))

    def _other(self, heard: Sequence[Heard], segments: Sequence[Any], file: SubtitleRef) -> str:
        """``, they are in X and Y is spoken`` where the languages differ, for a message."""
        written, spoken = file.language or _most([s.language for s in segments]), language_heard(heard)
        return f"; they are in {written}, and {spoken} is spoken" if spoken and written and spoken != written else ""


def _refusal(
    alike: tuple[float, int] | None, shares: tuple[float, float], cues: Spans, voice_s: float, languages: str
) -> str | None:
    """Why a file is refused; None where it is not.  Words that agree outweigh a voice that is not heard, and where
    little voice is heard beside what the cues last (music over speech), that says nothing against them."""
    covered, voiced = shares
    compared = alike is not None and alike[1] >= LEAST_COMPARED
    if alike is not None and compared and alike[0] < LEAST_AGREEMENT:
        return f"they do not say what is heard: {alike[0]:.0%} of the words agree{languages}"
    heard_enough = voice_s >= LEAST_VOICE_TO_CUES * sum(b - a for a, b in cues)
    if not compared and heard_enough and len(cues) >= LEAST_CUES and voiced < LEAST_CUES_VOICED:
        return f"they are not in step with the sound: somebody speaks in {voiced:.0%} of {len(cues)} cues"
    if voice_s >= FORCED_VOICE_S and covered < FORCED_COVERED:
        return f"they have words for {covered:.0%} of the voice that is heard"
    return None


def _about(file: SubtitleRef, why: str | None = None) -> dict[str, Any]:
    """``record.SubtitleFile`` of a file that is not used, so far."""
    name = unicodedata.normalize("NFC", file.name)
    return {"name": name, "sha256": file.sha256, "language": file.language, "used": False, "why": why}


def _whole(about: Mapping[str, Any]) -> dict[str, Any]:
    return SubtitleFile(**about).model_dump(mode="json")


def _most(languages: Sequence[str]) -> str | None:
    counts = Counter(languages)
    return max(sorted(counts), key=lambda name: counts[name]) if counts else None


def _merged(spans: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return tuple(merged)
