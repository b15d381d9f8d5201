"""faster-whisper (Whisper on CTranslate2): the default recogniser, on the processor or a GPU.

A video is transcribed window by window (``audio.py``); in each window the language of every span of speech is
detected among the allowed ones, neighbouring spans of one language are joined into runs (``runs.py``),
and each run is transcribed at temperature 0, without the text before it.  So the same video gives the same
words, and one wrong guess does not spread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.transcribers.audio import Samples, Window, video_windows
from ver_pipeline.transcribers.base import RATE_HZ, LanguageWindow, Transcript, TranscriptSegment, TranscriptWord, Video
from ver_pipeline.transcribers.clean import clean_segment, simplifier
from ver_pipeline.transcribers.runs import Run, Span, padded_spans, plan_runs
from ver_pipeline.transcribers.tokens import reunite

DETECT_FRAMES_PER_S = 100
DETECT_MIN_S = 10.0
"""Whisper pads what it hears to 30 s; for naming the language 10 s serve as well at a quarter of the time."""
DETECT_MAX_S = 30.0


class FasterWhisper:
    """See the module."""

    def __init__(self, config: SpeechConfig) -> None:
        self.config = config
        self.model: Any = None
        self.simplify: Any = None

    def recogniser(self, video: Video) -> Mapping[str, str]:
        return {
            "engine": "faster-whisper",
            "model": self.config.model,
            "revision": store.fingerprint(self.config.model),
        }

    def fingerprint(self) -> Mapping[str, Any]:
        used = ("model", "languages", "device", "compute_type", "beam_size", "threads", "window_s")
        return {
            "engine": "faster-whisper",
            "config": self.config.model_dump(mode="json", include=set(used)),
            "model": store.fingerprint(self.config.model),
            "tools": {name: version(name) for name in ("faster-whisper", "ctranslate2", "opencc-python-reimplemented")},
        }

    def open(self) -> None:
        from faster_whisper import WhisperModel

        self.model = WhisperModel(
            str(store.resolve(self.config.model)),
            device=self.config.device,
            compute_type=self.config.compute_type,
            cpu_threads=self.config.threads,
            local_files_only=True,
        )
        unknown = sorted(set(self.config.languages) - set(self.model.supported_languages))
        if unknown:
            what = f"speech.languages names {unknown[0]!r}, which {self.config.model} does not know"
            raise ConfigError(what, "give codes such as en and zh")
        self.simplify = simplifier()

    def transcribe(self, video: Video) -> Transcript:
        segments: list[TranscriptSegment] = []
        spans: list[tuple[float, float]] = []
        languages: list[LanguageWindow] = []
        stated = video.language if video.language in self.model.supported_languages else None
        for window in video_windows(video, self.config.window_s):
            runs = self._runs(window, stated)
            for run, (start_s, end_s) in zip(runs, padded_spans(runs, len(window.samples) / RATE_HZ), strict=True):
                segments += self._transcribe_run(window, run, start_s, end_s)
                if stated is None:
                    begin_s, end_s = run.start_s + window.offset_s, run.end_s + window.offset_s
                    languages.append(LanguageWindow(begin_s, end_s, run.language, run.prob))
            spans += [(a + window.offset_s, b + window.offset_s) for a, b in window.spans]
        return Transcript(tuple(segments), tuple(spans), tuple(languages))

    def _runs(self, window: Window, told: str | None) -> list[Run]:
        return plan_runs([Span(a, b, self._languages(window, a, b, told)) for a, b in window.spans])

    def _languages(self, window: Window, start_s: float, end_s: float, told: str | None) -> Mapping[str, float]:
        allowed = (told,) if told else self.config.languages
        if len(allowed) == 1:
            return {allowed[0]: 1.0}
        return detect_language(self.model, _piece(window, start_s, end_s), allowed)

    def _transcribe_run(self, window: Window, run: Run, start_s: float, end_s: float) -> Iterator[TranscriptSegment]:
        found, _ = self.model.transcribe(
            _piece(window, start_s, end_s),
            language=run.language,
            beam_size=self.config.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )

        def in_run(time_s: float) -> float:
            """In window time; Whisper begins its first word where the margin begins, the voice does not."""
            return min(max(float(time_s) + start_s, run.start_s), run.end_s)

        segments = [
            TranscriptSegment(
                start_s=in_run(raw.start),
                end_s=in_run(raw.end),
                text=raw.text,
                language=run.language,
                words=tuple(
                    TranscriptWord(w.word, in_run(w.start), in_run(w.end), float(w.probability))
                    for w in raw.words or ()
                ),
                avg_logprob=float(raw.avg_logprob),
                no_speech_prob=float(raw.no_speech_prob),
            )
            for raw in found
        ]
        for segment in reunite(segments):
            cleaned = clean_segment(segment, self.simplify)
            if cleaned:
                yield cleaned.shifted(window.offset_s)


def detect_language(model: Any, samples: Samples, allowed: tuple[str, ...]) -> dict[str, float]:
    """Whisper's probability of each allowed language for these samples (up to 30 s of them)."""
    from faster_whisper.audio import pad_or_trim

    features = model.feature_extractor(samples[: int(DETECT_MAX_S * RATE_HZ)])
    n_frames = int(max(DETECT_MIN_S, min(len(samples) / RATE_HZ, DETECT_MAX_S)) * DETECT_FRAMES_PER_S)
    n_frames += n_frames % 2  # the encoder halves the frames
    scores = model.model.detect_language(model.encode(pad_or_trim(features, n_frames)))[0]
    probs = {token[2:-2]: float(prob) for token, prob in scores}
    return {language: probs.get(language, 0.0) for language in allowed}


def _piece(window: Window, start_s: float, end_s: float) -> Samples:
    return window.samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
