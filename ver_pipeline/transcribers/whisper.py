"""Whisper on CTranslate2, asked in batches: which language is spoken, whether anybody speaks, and which words.

The answer for a piece of audio depends on it alone, not on what else is asked with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ver_pipeline.transcribers.audio import Samples
from ver_pipeline.transcribers.base import RATE_HZ, TranscriptWord
from ver_pipeline.transcribers.packs import PACK_S

FRAMES_PER_S = 100
DETECT_S = 10.0
"""Whisper pads what it hears to 30 s; for naming the language 10 s serve as well at a quarter of the time."""
SHORT_S = 6.0
MAX_TOKENS_PER_S = 12
"""Nobody says more tokens a second (rapid speech: about 6): in a piece of up to ``SHORT_S`` a loop ends there."""


@dataclass(frozen=True, slots=True)
class Detected:
    """Of one piece: the probability of every language that the model knows, and that nobody speaks."""

    languages: Mapping[str, float]
    no_speech_prob: float


def detect(model: Any, pieces: Sequence[Samples], batch_size: int) -> list[Detected]:
    """What Whisper makes of each piece, of its first ten seconds where it is longer."""
    tokenizer = _tokenizer(model, "en")
    detections: list[Detected] = []
    for begin in range(0, len(pieces), batch_size):
        encoded = model.encode(_features(model, pieces[begin : begin + batch_size], DETECT_S))
        ranked = model.model.detect_language(encoded)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        answers = model.model.generate(
            encoded, [prompt] * len(ranked), beam_size=1, max_length=len(prompt) + 1, return_no_speech_prob=True
        )
        for scores, answer in zip(ranked, answers, strict=True):
            languages = {token[2:-2]: float(prob) for token, prob in scores}
            detections.append(Detected(languages, float(answer.no_speech_prob)))
    return detections


def write_down(
    model: Any, pieces: Sequence[Samples], language: str, batch_size: int, beam_size: int
) -> list[list[TranscriptWord]]:
    """The words of each piece of at most 30 s, as tokens with the leading spaces that Whisper writes; times in seconds
    of the piece.  Temperature 0, without the text before."""
    tokenizer = _tokenizer(model, language)
    written: list[list[TranscriptWord]] = [[] for _ in pieces]
    lengths_s = [len(piece) / RATE_HZ for piece in pieces]
    short = [number for number, length_s in enumerate(lengths_s) if length_s <= SHORT_S]
    long = [number for number, length_s in enumerate(lengths_s) if length_s > SHORT_S]
    for numbers, most in ((short, round(SHORT_S * MAX_TOKENS_PER_S)), (long, model.max_length)):
        for begin in range(0, len(numbers), batch_size):
            batch = numbers[begin : begin + batch_size]
            encoded = model.encode(_features(model, [pieces[number] for number in batch], PACK_S))
            texts = _texts(model, tokenizer, encoded, len(batch), beam_size, most)
            frames = [min(max(2, round(lengths_s[number] * FRAMES_PER_S)), 3000) for number in batch]
            aligned = model.find_alignment(tokenizer, texts, encoded, frames) if any(texts) else [[] for _ in batch]
            for number, words in zip(batch, aligned, strict=True):
                written[number] = [
                    TranscriptWord(w["word"], float(w["start"]), float(w["end"]), float(w["probability"]))
                    for w in words
                    if w["word"]
                ]
    return written


def _texts(model: Any, tokenizer: Any, encoded: Any, n: int, beam_size: int, most: int) -> list[list[int]]:
    """The text tokens of each piece, ``most`` at most."""
    prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
    answers = model.model.generate(
        encoded,
        [prompt] * n,
        beam_size=beam_size,
        max_length=min(model.max_length, len(prompt) + most),
        suppress_blank=True,
        suppress_tokens=_suppressed(tokenizer),
    )
    return [[token for token in answer.sequences_ids[0] if token < tokenizer.eot] for answer in answers]


def _tokenizer(model: Any, language: str) -> Any:
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)


def _suppressed(tokenizer: Any) -> list[int]:
    from faster_whisper.transcribe import get_suppressed_tokens

    return list(get_suppressed_tokens(tokenizer, [-1]))


def _features(model: Any, pieces: Sequence[Samples], length_s: float) -> Any:
    """Spectrograms of equal length, stacked."""
    from faster_whisper.audio import pad_or_trim

    n_frames = int(length_s * FRAMES_PER_S)
    limit = int(length_s * RATE_HZ)
    return np.stack([pad_or_trim(model.feature_extractor(piece[:limit]), n_frames) for piece in pieces])
