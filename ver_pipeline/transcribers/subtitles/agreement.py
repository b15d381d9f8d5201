"""Whether ready text says what is heard: the recogniser listens to a few stretches of the video."""

from __future__ import annotations

import tempfile
import wave
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from ver_pipeline.timeline.transcript import is_wide
from ver_pipeline.transcribers.audio import Samples, decode
from ver_pipeline.transcribers.base import RATE_HZ, Transcriber, TranscriptSegment, Video
from ver_pipeline.transcribers.subtitles.fit import Move, Spans, Token

N_STRETCHES = 3
STRETCH_S = 28.0
"""What Whisper hears at once."""
EDGE_S = 2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a stretch ``[start_s, end_s)`` of the video, and in which language most of them are."""

    start_s: float
    end_s: float
    tokens: tuple[Token, ...]
    language: str


def stretches(voice: Spans, duration_s: float) -> list[tuple[float, float]]:
    """Up to ``N_STRETCHES`` of ``STRETCH_S`` in which somebody speaks longest, one in each part of the video.

    A short video is heard whole.
    """
    if duration_s <= N_STRETCHES * STRETCH_S:
        n = max(1, round(duration_s / STRETCH_S + 0.5))
        return [(duration_s * k / n, duration_s * (k + 1) / n) for k in range(n)] if voice else []
    chosen = []
    for k in range(N_STRETCHES):
        low, high = duration_s * k / N_STRETCHES, duration_s * (k + 1) / N_STRETCHES
        begins = [max(low, start - 0.2) for start, stop in voice if low <= start and start + STRETCH_S <= high]
        if begins:
            best = max(begins, key=lambda begin: (_voiced(voice, begin, begin + STRETCH_S), -begin))
            if _voiced(voice, best, best + STRETCH_S) > 0:
                chosen.append((best, best + STRETCH_S))
    return chosen


def listen(transcriber: Transcriber, video: Video, spans: Sequence[tuple[float, float]]) -> list[Heard]:
    """What the transcriber hears in each stretch, in the video's time; it is told no language.

    Raises:
        AudioError: the audio cannot be decoded.
    """
    heard = []
    for start_s, end_s in spans:
        with tempfile.TemporaryDirectory(prefix="stretch-") as folder:
            file = Path(folder) / "stretch.wav"
            _write(file, np.concatenate([np.zeros(0, np.float32), *decode(video, start_s, end_s)]))
            segments = transcriber.transcribe(Video(str(file), track=0)).segments
        heard_tokens = tuple(tokens_of(segment.shifted(start_s) for segment in segments))
        heard.append(Heard(start_s, end_s, heard_tokens, _language(segments)))
    return heard


def tokens_of(segments: Iterable[TranscriptSegment]) -> list[Token]:
    """Words as they are compared: lower case, letters and digits; each Chinese character is one."""
    sampled = []
    for segment in segments:
        for word in segment.words:
            at_s = (word.start_s + word.end_s) / 2
            latin = ""
            for char in word.word.lower():
                if is_wide(char) and char.isalnum():
                    sampled.append(Token(char, at_s))
                elif char.isalnum():
                    latin += char
            if latin:
                sampled.append(Token(latin, at_s))
    return sampled


def agreement(heard: Sequence[Heard], cues: Sequence[Token], move: Move) -> tuple[float, int] | None:
    """How alike words heard and words shown are (0 to 1: twice the common ones over all), and how many are compared.

    None where nothing was heard or nothing is shown.
    """
    common = total = compared = 0
    for stretch in heard:
        shown = [c.text for c in cues if stretch.start_s - EDGE_S <= move(c.at_s) < stretch.end_s + EDGE_S]
        said = [token.text for token in stretch.tokens]
        if not shown or not said:
            continue
        blocks = SequenceMatcher(None, said, shown, autojunk=False).get_matching_blocks()
        common += 2 * sum(block.size for block in blocks)
        total += len(said) + len(shown)
        compared += min(len(said), len(shown))
    return (common / total, compared) if total else None


def language_heard(heard: Sequence[Heard]) -> str | None:
    """The language that most words were heard in; None where nothing was heard."""
    weight: Counter[str] = Counter()
    for stretch in heard:
        if stretch.tokens and stretch.language != "und":
            weight[stretch.language] += len(stretch.tokens)
    return max(sorted(weight), key=lambda name: weight[name]) if weight else None


def _language(segments: Sequence[TranscriptSegment]) -> str:
    weight = Counter({"und": 0})
    for segment in segments:
        weight[segment.language] += len(segment.text)
    return max(sorted(weight), key=lambda name: weight[name])


def _voiced(voice: Spans, start_s: float, end_s: float) -> float:
    return sum(max(0.0, min(b, end_s) - max(a, start_s)) for a, b in voice)


def _write(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes())
