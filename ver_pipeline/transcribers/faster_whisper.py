"""faster-whisper (Whisper on CTranslate2): the default recogniser, on the processor or a GPU.

A video is transcribed window by window (``audio.py``).  In each window the language of every span of speech is detected
among all that Whisper knows (``switches.py``), neighbouring spans of one language become runs (``runs.py``), and
runs of one language are packed into the 30 s that Whisper hears at once (``packs.py``); packs are decoded in batches
(``whisper.py``).
Speech in none of the allowed languages is not transcribed; what was written is judged by ``doubt.py``.  The same video
gives the same words, whatever the size of a batch, and one wrong guess does not spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.transcribers.audio import Samples, Window, video_windows
from ver_pipeline.transcribers.base import (
    RATE_HZ,
    Discarded,
    LanguageWindow,
    Transcript,
    TranscriptSegment,
    TranscriptWord,
    Video,
)
from ver_pipeline.transcribers.clean import sift, simplifier
from ver_pipeline.transcribers.doubt import LIKELY_LANGUAGE, MAY_BE_NOBODY, REPETITIVE, Doubt, compression_ratio
from ver_pipeline.transcribers.packs import Piece, by_run, into_spans, pack, sound
from ver_pipeline.transcribers.runs import UNKNOWN, Run, Span, padded_spans, plan_runs
from ver_pipeline.transcribers.sentences import sentences
from ver_pipeline.transcribers.switches import spans_of_one_language
from ver_pipeline.transcribers.whisper import detect, write_down

HEARD_S = 1.0
"""Of a run of this length something is written, or it is heard again by itself."""


class FasterWhisper:
    """See the module."""

    def __init__(self, config: SpeechConfig) -> None:
        self.config = config
        self.model: Any = None
        self.simplify: Any = None

    def recogniser(self, video: Video) -> Mapping[str, str]:
        """The Whisper model by its name, and its revision: the pinned hash, the hub's commit or the content's hash."""
        return {
            "engine": "faster-whisper",
            "model": self.config.model,
            "revision": store.fingerprint(self.config.model),
        }

    def fingerprint(self) -> Mapping[str, Any]:
        """The settings that shape words (``batch_size`` does not), the model by hash, the tools by version."""
        used = ("model", "languages", "device", "compute_type", "beam_size", "threads", "window_s")
        return {
            "engine": "faster-whisper",
            "config": self.config.model_dump(mode="json", include=set(used)),
            "model": store.fingerprint(self.config.model),
            "tools": {name: version(name) for name in ("faster-whisper", "ctranslate2", "opencc-python-reimplemented")},
        }

    def open(self) -> None:
        """Load Whisper; fetches the bundled model where the store lacks it.

        Raises:
            MissingModelError: the model is not there and could not be had.
            ConfigError: ``speech.languages`` names one that the model does not know.
        """
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
        """What is said, window by window, in seconds of the video.

        Languages are found only where none is told that Whisper knows; else ``language_windows`` is empty.

        Raises:
            AudioError: the audio cannot be decoded.
        """
        segments: list[TranscriptSegment] = []
        discarded: list[Discarded] = []
        spans: list[tuple[float, float]] = []
        languages: list[LanguageWindow] = []
        stated_language = video.language if video.language in self.model.supported_languages else None
        for window in video_windows(video, self.config.window_s):
            stretches = self._spans(window, stated_language)
            runs = plan_runs(stretches)
            for run, words in zip(runs, self._words(window, runs, stretches), strict=True):
                kept, gone = self._judged(run, words, stated_language is not None)
                segments += [segment.shifted(window.offset_s) for segment in kept]
                discarded += [doubtful.shifted(window.offset_s) for doubtful in gone]
                if stated_language is None:
                    foreign = any(doubtful.reason == Doubt.OTHER_LANGUAGE for doubtful in gone)
                    begin_s, end_s = run.start_s + window.offset_s, run.end_s + window.offset_s
                    languages.append(LanguageWindow(begin_s, end_s, UNKNOWN if foreign else run.language, run.prob))
            spans += [(a + window.offset_s, b + window.offset_s) for a, b in window.spans]
        return Transcript(tuple(segments), tuple(spans), tuple(languages), tuple(discarded))

    def _spans(self, window: Window, told: str | None) -> list[Span]:
        allowed = (told,) if told else self.config.languages
        with_margin = padded_spans(window.spans, len(window.samples) / RATE_HZ)
        begins_s = {span[0]: first_s for span, (first_s, _) in zip(window.spans, with_margin, strict=True)}
        ends_s = {span[1]: last_s for span, (_, last_s) in zip(window.spans, with_margin, strict=True)}

        def look(stretches: Sequence[tuple[float, float]]) -> list[Span]:
            heard = [_piece(window, begins_s.get(a, a), ends_s.get(b, b)) for a, b in stretches]
            detected = []
            for (a, b), one in zip(stretches, detect(self.model, heard, self.config.batch_size), strict=True):
                probs = {told: 1.0} if told else {name: one.languages.get(name, 0.0) for name in allowed}
                detected.append(Span(a, b, probs, one.no_speech_prob))
            return detected

        return spans_of_one_language(window.spans, window.samples, look)

    def _words(self, window: Window, runs: Sequence[Run], spans: Sequence[Span]) -> list[list[TranscriptWord]]:
        """The words of each run, in seconds of the window."""
        heard = padded_spans(runs, len(window.samples) / RATE_HZ)
        pieces = [
            Piece(number, run.language, *heard[number], alone=_is_doubtful(run))
            for number, run in enumerate(runs)
            if run.language != UNKNOWN
        ]
        written = self._decoded(window, pieces)
        again = [p for p in pieces if not p.alone and _went_wrong(runs[p.run], written[p.run])]
        again = [Piece(p.run, p.language, p.start_s, p.end_s, alone=True) for p in again]
        written |= self._decoded(window, again)
        voiced = [(span.start_s, span.end_s) for span in spans]
        return [
            into_spans(written.get(number, []), [v for v in voiced if run.start_s <= v[0] and v[1] <= run.end_s])
            for number, run in enumerate(runs)
        ]

    def _decoded(self, window: Window, pieces: Sequence[Piece]) -> dict[int, list[TranscriptWord]]:
        packs = pack(pieces)
        words: dict[int, list[TranscriptWord]] = {}
        for language in dict.fromkeys(packed.language for packed in packs):
            these = [packed for packed in packs if packed.language == language]
            sounds = [sound(packed, window.samples) for packed in these]
            transcribed = write_down(self.model, sounds, language, self.config.batch_size, self.config.beam_size)
            for one, written in zip(these, transcribed, strict=True):
                words |= by_run(one, written)
        return words

    def _judged(
        self, run: Run, words: Sequence[TranscriptWord], told: bool
    ) -> tuple[list[TranscriptSegment], list[Discarded]]:
        if run.language == UNKNOWN:
            return [], [Discarded(run.start_s, run.end_s, UNKNOWN, "", Doubt.OTHER_LANGUAGE.value)]
        if not words:
            return [], [Discarded(run.start_s, run.end_s, run.language, "", Doubt.NO_SPEECH.value)]
        text = "".join(word.word for word in words)
        raw = TranscriptSegment(
            run.start_s, run.end_s, text, run.language, tuple(words), no_speech_prob=run.no_speech_prob
        )
        kept, gone = sift([raw], self.simplify, None if told else run.prob)
        return [sentence for segment in kept for sentence in sentences(segment)], gone


def _is_doubtful(run: Run) -> bool:
    """What it gives may be anything: it is not heard together with others."""
    return run.prob < LIKELY_LANGUAGE or run.no_speech_prob >= MAY_BE_NOBODY


def _went_wrong(run: Run, words: Sequence[TranscriptWord]) -> bool:
    text = "".join(word.word for word in words)
    return compression_ratio(text) > REPETITIVE or (not text and run.end_s - run.start_s >= HEARD_S)


def _piece(window: Window, start_s: float, end_s: float) -> Samples:
    return window.samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
