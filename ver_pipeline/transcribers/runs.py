"""From spans of speech to runs: stretches of one language that a recogniser hears at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ver_pipeline.transcribers.doubt import POSSIBLE_LANGUAGE

UNKNOWN = "und"
"""The language of a span in which no allowed language is possible."""
MAX_RUN_S = 28.0
"""Whisper hears 30 s at once."""
MAX_GAP_S = 1.5
"""Longer silence inside a run invites invented words."""
MARGIN_S = 0.4
"""Whisper mishears words at the very edge of what it is given (faster-whisper pads by as much)."""
SURE_SPAN_S = 1.0
SURE_PROB = 0.9
"""A span shorter than this is transcribed in its neighbour's language unless the recogniser is this sure."""


@dataclass(frozen=True, slots=True)
class Span:
    """One span of speech with the probability of each allowed language (among all that are known: they need not sum to
    1), and the probability that nobody speaks."""

    start_s: float
    end_s: float
    probs: Mapping[str, float]
    no_speech_prob: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch to transcribe in one language; ``prob`` is the mean probability, weighted by length (of ``und``: that
    of the likeliest allowed language), and so is ``no_speech_prob``."""

    start_s: float
    end_s: float
    language: str
    prob: float
    no_speech_prob: float = 0.0


def plan_runs(spans: Sequence[Span]) -> list[Run]:
    """Join neighbouring spans of one language into runs of at most ``MAX_RUN_S``, in order of time."""
    languages = _languages(spans)
    runs: list[Run] = []
    for span, language in zip(spans, languages, strict=True):
        prob = max(span.probs.values()) if language == UNKNOWN else span.probs[language]
        last = runs[-1] if runs else None
        if (
            last
            and last.language == language
            and span.start_s - last.end_s <= MAX_GAP_S
            and span.end_s - last.start_s <= MAX_RUN_S
        ):
            before, now = last.end_s - last.start_s, span.end_s - span.start_s
            share = now / (before + now)
            mean = last.prob + (prob - last.prob) * share
            no_speech = last.no_speech_prob + (span.no_speech_prob - last.no_speech_prob) * share
            runs[-1] = Run(last.start_s, span.end_s, language, mean, no_speech)
        else:
            runs.append(Run(span.start_s, span.end_s, language, prob, span.no_speech_prob))
    return runs


def padded_spans(runs: Sequence[Run] | Sequence[tuple[float, float]], length_s: float) -> list[tuple[float, float]]:
    """What to listen to for each run or span: it and a margin, but no closer to a neighbour than half the gap."""
    ends = [run if isinstance(run, tuple) else (run.start_s, run.end_s) for run in runs]
    spans = []
    for number, (start_s, end_s) in enumerate(ends):
        before_s = ends[number - 1][1] if number else -start_s
        after_s = ends[number + 1][0] if number + 1 < len(ends) else 2 * length_s - end_s
        first_s = start_s - min(MARGIN_S, max(0.0, start_s - before_s) / 2)
        last_s = end_s + min(MARGIN_S, max(0.0, after_s - end_s) / 2)
        spans.append((max(0.0, first_s), min(length_s, last_s)))
    return spans


def _languages(spans: Sequence[Span]) -> list[str]:
    """The likeliest allowed language of each span, ``und`` where none is possible; a short, unsure one follows its
    nearer sure neighbour."""
    own = [_likeliest(span.probs) for span in spans]
    sure = [i for i, span in enumerate(spans) if _is_sure(span, own[i])]
    padded = []
    for number, span in enumerate(spans):
        if number in sure or not sure:
            padded.append(own[number])
            continue
        nearest = min(sure, key=lambda i, s=span: (_gap_s(spans[i], s), i))  # type: ignore[misc]
        padded.append(own[nearest])
    return padded


def _likeliest(probs: Mapping[str, float]) -> str:
    best = max(sorted(probs), key=lambda name: probs[name])
    return best if probs[best] >= POSSIBLE_LANGUAGE else UNKNOWN


def _is_sure(span: Span, language: str) -> bool:
    total = sum(span.probs.values())
    if language == UNKNOWN:
        return span.end_s - span.start_s >= SURE_SPAN_S
    return span.end_s - span.start_s >= SURE_SPAN_S or (total > 0 and span.probs[language] / total >= SURE_PROB)


def _gap_s(one: Span, other: Span) -> float:
    return max(one.start_s - other.end_s, other.start_s - one.end_s, 0.0)
