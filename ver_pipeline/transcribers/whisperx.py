"""WhisperX behind its extra: batched Whisper, then forced alignment of every word (``load_model``,
``load_align_model``, ``align``).

WhisperX names one language per file from its first 30 s, so the language of each stretch is found here as
for faster-whisper, and its pipeline is called once per stretch of one language.  Alignment runs where a
local folder with a wav2vec2 CTC model is configured for the language (``speech.align_model_en``,
``speech.align_model_zh``); without one the segment's words are spread over it.  Nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.schemas.extras import imports
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
from ver_pipeline.transcribers.doubt import Doubt
from ver_pipeline.transcribers.runs import UNKNOWN, Span, plan_runs
from ver_pipeline.transcribers.subtitles import split_words, spread_words
from ver_pipeline.transcribers.tokens import reunite
from ver_pipeline.transcribers.whisper import detect

PAD_S = 0.2
MAX_STRETCH_GAP_S = 5.0


class WhisperX:
    """See the module."""

    def __init__(self, config: SpeechConfig) -> None:
        self.config = config
        self.device = "cpu"
        self.whisperx: Any = None
        self.pipeline: Any = None
        self.simplify: Any = None
        self.aligners: dict[str, tuple[Any, Any]] = {}

    def recogniser(self, video: Video) -> Mapping[str, str]:
        """The Whisper model by its name, and its revision: the pinned hash, the hub's commit or the content's hash."""
        return {"engine": "whisperx", "model": self.config.model, "revision": store.fingerprint(self.config.model)}

    def fingerprint(self) -> Mapping[str, Any]:
        """All of ``speech.*`` but ``engine`` and ``use_subtitles``, the models by hash, the tools by version.

        A tool that is not installed counts as ``absent``: a plan can be made without it.
        """
        return {
            "engine": "whisperx",
            "config": self.config.model_dump(mode="json", exclude={"engine", "use_subtitles"}),
            "models": {name: store.fingerprint(name) for name in (self.config.model, *self._align_folders().values())},
            "tools": {name: _version(name) for name in ("whisperx", "faster-whisper", "ctranslate2", "torch")},
        }

    def open(self) -> None:
        """Load Whisper and the alignment models that are configured.

        Raises:
            MissingDependencyError: WhisperX is not installed.
            MissingModelError: a model is not there.
        """
        with imports("whisperx", "speech.engine whisperx", "set speech.engine to faster-whisper"):
            import whisperx
            import whisperx.alignment
            import whisperx.asr
        self.whisperx = whisperx
        self.device = self.config.device
        self.pipeline = whisperx.load_model(
            str(store.resolve(self.config.model)),
            self.device,
            compute_type=self.config.compute_type,
            language=self.config.languages[0],
            asr_options={"beam_size": self.config.beam_size, "temperatures": [0.0]},
            threads=self.config.threads,
            local_files_only=True,
        )
        if self._align_folders():
            offer_sentence_splitter()
        for language, folder in self._align_folders().items():
            path = str(store.resolve(folder))
            self.aligners[language] = whisperx.load_align_model(
                language, self.device, model_name=path, model_cache_only=True
            )
        self.simplify = simplifier()

    def transcribe(self, video: Video) -> Transcript:
        """What is said, stretch by stretch of one language, in seconds of the video.

        Languages are found only where none is told that Whisper knows; else ``language_windows`` is empty.

        Raises:
            AudioError: the audio cannot be decoded.
        """
        segments: list[TranscriptSegment] = []
        discarded: list[Discarded] = []
        spans: list[tuple[float, float]] = []
        languages: list[LanguageWindow] = []
        stated = video.language if video.language in self.pipeline.model.supported_languages else None
        for window in video_windows(video, self.config.window_s):
            for stretch in self._stretches(window, stated):
                kept, gone = self._hear(window, stretch, stated is not None)
                segments += kept
                discarded += gone
                if stated is None:
                    languages.append(stretch)
            spans += [(a + window.offset_s, b + window.offset_s) for a, b in window.spans]
        return Transcript(tuple(segments), tuple(spans), tuple(languages), tuple(discarded))

    def _align_folders(self) -> dict[str, str]:
        folders = {"en": self.config.align_model_en, "zh": self.config.align_model_zh}
        return {language: folder for language, folder in folders.items() if folder}

    def _stretches(self, window: Window, told: str | None) -> list[LanguageWindow]:
        """Stretches of one language in video time, as long as the language holds."""
        allowed = (told,) if told else self.config.languages
        pieces = [window.samples[round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b in window.spans]
        spans = []
        for (a, b), found in zip(
            window.spans, detect(self.pipeline.model, pieces, self.config.batch_size), strict=True
        ):
            probs = {told: 1.0} if told else {name: found.languages.get(name, 0.0) for name in allowed}
            spans.append(Span(a + window.offset_s, b + window.offset_s, probs, found.no_speech_prob))
        joined: list[LanguageWindow] = []
        for run in plan_runs(spans):
            last = joined[-1] if joined else None
            if last and last.language == run.language and run.start_s - last.end_s <= MAX_STRETCH_GAP_S:
                before_s, now_s = last.end_s - last.start_s, run.end_s - run.start_s
                prob = (last.prob * before_s + run.prob * now_s) / (before_s + now_s)
                joined[-1] = LanguageWindow(last.start_s, run.end_s, run.language, prob)
            else:
                joined.append(LanguageWindow(run.start_s, run.end_s, run.language, run.prob))
        return joined

    def _hear(
        self, window: Window, stretch: LanguageWindow, told: bool
    ) -> tuple[list[TranscriptSegment], list[Discarded]]:
        if stretch.language == UNKNOWN:
            return [], [Discarded(stretch.start_s, stretch.end_s, UNKNOWN, "", Doubt.OTHER_LANGUAGE.value)]
        begin_s = max(0.0, stretch.start_s - window.offset_s - PAD_S)
        end_s = stretch.end_s - window.offset_s + PAD_S
        samples = window.samples[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)]
        # The task is named each time: the pipeline else reads it back from its tokenizer as a number.
        raw = self.pipeline.transcribe(
            samples, batch_size=self.config.batch_size, language=stretch.language, task="transcribe"
        )
        aligned = [to_segment(s, stretch.language) for s in self._align(raw["segments"], stretch.language, samples)]
        kept, gone = sift(reunite(aligned), self.simplify, None if told else stretch.prob, check_rate=False)
        offset_s = window.offset_s + begin_s
        return [segment.shifted(offset_s) for segment in kept], [doubtful.shifted(offset_s) for doubtful in gone]

    def _align(self, found: Sequence[dict[str, Any]], language: str, samples: Samples) -> Sequence[dict[str, Any]]:
        if language not in self.aligners or not found:
            return found
        model, metadata = self.aligners[language]
        done = self.whisperx.align(list(found), model, metadata, samples, self.device, return_char_alignments=False)
        return list(done["segments"])


def offer_sentence_splitter() -> None:
    """Let ``align`` split sentences without a download.

    It asks nltk for the trained Punkt tables and fails offline.  Where they are not installed, empty tables
    serve: sentences are then split at every full stop, which only decides how a segment is divided.
    """
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab/english")
    except LookupError:
        folder = store.home() / "nltk"
        tables = folder / "tokenizers" / "punkt_tab" / "english"
        tables.mkdir(parents=True, exist_ok=True)
        for name in ("abbrev_types.txt", "collocations.tab", "sent_starters.txt", "ortho_context.tab"):
            (tables / name).touch()
        nltk.data.path.append(str(folder))


def to_segment(found: Mapping[str, Any], language: str) -> TranscriptSegment:
    """One of WhisperX's segments.  A word that alignment left without times gets them from its neighbours;
    a segment without words has them spread over it.  A word without a score speaks for nothing and against nothing."""
    start_s, end_s, text = float(found["start"]), float(found["end"]), str(found["text"])
    aligned = found.get("words") or []
    if not aligned:
        words = spread_words(split_words(text.strip()), start_s, end_s)
    else:
        words, now_s = (), start_s
        for word in aligned:
            begin_s = float(word.get("start", now_s))
            now_s = float(word.get("end", begin_s))
            spaced = str(word["word"]) if language == "zh" else f" {str(word['word']).strip()}"
            words = (*words, TranscriptWord(spaced, begin_s, now_s, min(1.0, max(0.0, float(word.get("score", 1.0))))))
    return TranscriptSegment(start_s, end_s, text, language, words, avg_logprob=found.get("avg_logprob"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
