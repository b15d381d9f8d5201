"""What the speech stage gets right, what it invents, and what it costs, against its peers in the same run.

    python benchmarks/speech.py [--only ours] [--quick]

The sounds: sentences that are known word by word (a book read aloud, a man in two videos, synthetic Mandarin), as they
are and joined to a film of dialogue with pauses; and what is no speech of the languages asked for: the same sentences
backwards, other languages (by espeak-ng, where it is installed), and humming, chords, melodies, noise and silence, all
drawn here.

Printed for each system: word error rate (Chinese by the character) of the film and of the single sentences; invented
words a minute of sound that is no speech; how many of the other languages and of the backward sentences got a
transcript; CPU seconds and real-time factor of the film.  Then whether batches of 1 and 8 give the same words.

  ours     the transcriber as configured, English and Chinese
  before   the way of the first version: a language for each span among the two, a window of 30 s for each run, no doubt
  batched  faster-whisper's BatchedInferencePipeline, multilingual
  whisperx WhisperX's pipeline, where it is installed
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
from wording import SCENES_SAY, error_rate

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import CRYING, LAUGHING
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.transcribers.audio import decode, speech_spans
from ver_pipeline.transcribers.base import RATE_HZ, Video
from ver_pipeline.transcribers.faster_whisper import FasterWhisper
from ver_pipeline.transcribers.runs import Span, padded_spans, plan_runs
from ver_pipeline.transcribers.whisper import detect

READ_ALOUD = {
    "0870": "and mr john dashwood had then leisure to consider how much there might be prudently in his power to do "
    "for them",
    "0880": "he was not an ill disposed young man",
    "0890": "unless to be rather cold hearted and rather selfish is to be ill disposed",
    "0920": "had he married a more amiable woman he might have been made still more respectable than he was",
    "0930": "he might even have been made amiable himself",
}
OTHER_LANGUAGES = {
    "de": "Guten Morgen, ich möchte heute gern mit dir über das Wetter und unsere Reise sprechen.",
    "fr": "Bonjour, je voudrais parler avec vous de la situation de ma famille et de mon travail.",
    "es": "Buenos días, quisiera hablar contigo sobre la comida que preparamos ayer en casa.",
    "it": "Buongiorno, vorrei parlare con te della bellissima giornata che abbiamo passato insieme.",
    "ru": "Добрый день, я хотел бы поговорить с вами о погоде и о нашей поездке.",
    "pl": "Dzień dobry, chciałbym porozmawiać z tobą o pogodzie i naszej podróży.",
    "pt": "Bom dia, eu gostaria de falar com você sobre a comida e a viagem.",
    "tr": "Günaydın, bugün seninle hava durumu ve yolculuğumuz hakkında konuşmak istiyorum.",
    "hi": "नमस्ते, मैं आज आपसे मौसम और हमारी यात्रा के बारे में बात करना चाहता हूँ।",
    "ko": "안녕하세요, 오늘은 날씨와 여행에 대해 이야기하고 싶습니다.",
    "nl": "Goedemorgen, ik wil vandaag graag met je praten over het weer en onze reis.",
    "sv": "God morgon, jag vill gärna prata med dig om vädret och vår resa i dag.",
}
PAUSE_S = 2.0
Sound = np.ndarray
Words = tuple[str, set[str]]
"""What a system wrote, and in which languages."""


def spoken() -> dict[str, tuple[Sound, str]]:
    """Sentences with what is said in them; the name begins with the language."""
    found = {}
    for number, text in READ_ALOUD.items():
        found[f"en {number}"] = (load(store.resolve("speech-librivox") / f"{number}.wav"), text)
    for name, text in (("jwpIntro", SCENES_SAY[0]), ("testMovie", SCENES_SAY[2])):
        found[f"en {name}"] = (load(store.resolve("footage-psychopy") / f"{name}.mp4"), text)
    for path, text in ((CRYING, SCENES_SAY[1]), (LAUGHING, SCENES_SAY[3])):
        found[f"zh {path.stem}"] = (load(path), text)
    return found


def film(sentences: dict[str, tuple[Sound, str]], once: bool) -> tuple[Sound, str]:
    """All sentences twice over, in another order the second time, with pauses."""
    order = [*sentences, *([] if once else sorted(sentences, reverse=True))]
    pause = np.zeros(round(PAUSE_S * RATE_HZ), np.float32)
    return np.concatenate([piece for name in order for piece in (sentences[name][0], pause)]), " ".join(
        sentences[name][1] for name in order
    )


def no_speech() -> dict[str, Sound]:
    """Humming, chords, melodies, noise and silence."""
    chance = np.random.default_rng(0)
    sounds = {}
    for number, pitch_hz in enumerate((100, 120, 150, 180, 220, 260)):
        notes = [_hum(0.8, pitch_hz * 2 ** (step / 12), number) for step in chance.integers(-4, 8, 8)]
        sounds[f"humming {number}"] = np.concatenate(notes)
    for number in range(6):
        steps = chance.choice([0, 3, 5, 7, 10, 12], 14)
        sounds[f"music {number}"] = np.concatenate([_chord(220 * 2 ** (step / 12), number % 2 == 0) for step in steps])
    white = chance.normal(size=10 * RATE_HZ)
    brown = np.cumsum(white - white.mean())
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(len(white)) / RATE_HZ)
    sounds |= {"noise white": 0.1 * white, "noise brown": 0.3 * brown / np.abs(brown).max()}
    sounds |= {"noise beating": 0.15 * np.convolve(white, np.hanning(24) / 12, "same") * beat}
    return sounds | {"silence": np.zeros(10 * RATE_HZ), "silence with hiss": 0.002 * white}


def _hum(length_s: float, pitch_hz: float, seed: int) -> Sound:
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * 2 ** (0.3 * np.sin(2 * np.pi * 5 * at_s) / 12)) / RATE_HZ
    voice = sum(np.sin(k * phase) * np.exp(-0.9 * (k - 1)) for k in range(1, 12))
    breath = 0.003 * np.random.default_rng(seed).normal(size=len(at_s))
    return np.concatenate([0.25 * voice * _fade(len(at_s), 0.15) + breath, np.zeros(round(0.15 * RATE_HZ))])


def _chord(pitch_hz: float, plucked: bool) -> Sound:
    at_s = np.arange(round(0.45 * RATE_HZ)) / RATE_HZ
    ratios = (1, 1.26, 1.5, 2, 3, 4) if plucked else range(1, 8)
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * at_s) / k for k in ratios) * (np.exp(-4 * at_s) if plucked else 0.6)
    return 0.2 * tone * _fade(len(at_s), 0.02)


def _fade(n: int, edge_s: float) -> Sound:
    at = np.arange(n)
    return np.clip(np.minimum(at, n - at) / (edge_s * RATE_HZ), 0, 1)


def other_languages(folder: Path) -> dict[str, Sound]:
    """Empty, and said so, where espeak-ng is not installed."""
    if not shutil.which("espeak-ng"):
        print("espeak-ng is not installed: other languages are left out")
        return {}
    sounds = {}
    for language, text in OTHER_LANGUAGES.items():
        path = folder / f"{language}.wav"
        subprocess.run(["espeak-ng", "-v", language, "-s", "150", "-w", str(path), text], check=True)
        sounds[language] = load(path)
    return sounds


def load(path: Path) -> Sound:
    return np.concatenate(list(decode(Video(str(path), 0))))


def save(path: Path, sound: Sound) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def ours(config: SpeechConfig) -> Callable[[Path], Words]:
    recogniser = FasterWhisper(config)
    recogniser.open()

    def write(path: Path) -> Words:
        segments = recogniser.transcribe(Video(str(path), 0)).segments
        return " ".join(s.text for s in segments), {s.language for s in segments}

    return write


def before(config: SpeechConfig) -> Callable[[Path], Words]:
    model = _model(config)

    def write(path: Path) -> Words:
        samples = load(path)
        spans = []
        for a, b in speech_spans(samples):
            (found,) = detect(model, [samples[round(a * RATE_HZ) : round(b * RATE_HZ)]], 1)
            spans.append(Span(a, b, {name: found.languages[name] + 0.1 for name in config.languages}))
        runs = plan_runs(spans)
        text, languages = "", set()
        for run, (a, b) in zip(runs, padded_spans(runs, len(samples) / RATE_HZ), strict=True):
            segments, _ = model.transcribe(
                samples[round(a * RATE_HZ) : round(b * RATE_HZ)],
                language=run.language,
                beam_size=config.beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                word_timestamps=True,
            )
            for segment in segments:
                text += segment.text + " "
                languages.add(run.language)
        return text, languages

    return write


def batched(config: SpeechConfig) -> Callable[[Path], Words]:
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(_model(config))

    def write(path: Path) -> Words:
        samples = load(path)
        if not speech_spans(samples):
            return "", set()
        segments, info = pipeline.transcribe(
            samples, batch_size=config.batch_size, beam_size=config.beam_size, multilingual=True, word_timestamps=True
        )
        text = " ".join(segment.text for segment in segments)
        return text, {info.language} if text else set()

    return write


def whisperx(config: SpeechConfig) -> Callable[[Path], Words]:
    import whisperx as peer

    where = str(store.resolve(config.model))
    pipeline = peer.load_model(where, "cpu", compute_type=config.compute_type, threads=config.threads,
                               asr_options={"beam_size": config.beam_size}, local_files_only=True)  # fmt: skip

    def write(path: Path) -> Words:
        found = pipeline.transcribe(load(path), batch_size=config.batch_size)
        text = " ".join(segment["text"] for segment in found["segments"])
        return text, {found["language"]} if text else set()

    return write


def _model(config: SpeechConfig):
    from faster_whisper import WhisperModel

    return WhisperModel(str(store.resolve(config.model)), device="cpu", compute_type=config.compute_type,
                        cpu_threads=config.threads, local_files_only=True)  # fmt: skip


def words_in(text: str) -> int:
    return len([1 for word in text.split() if word.isascii()]) + sum("\u4e00" <= char <= "\u9fff" for char in text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("ours", "before", "batched", "whisperx"))
    parser.add_argument("--quick", action="store_true", help="the film once over, every other sound")
    config, asked = SpeechConfig(), parser.parse_args()
    systems = {"before": before, "batched": batched, "whisperx": whisperx, "ours": ours}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sentences = spoken()
        whole, text = film(sentences, once=asked.quick)
        groups = {
            "nothing": no_speech(),
            "backwards": {name: sound[::-1] for name, (sound, _) in sentences.items()},
            "other": other_languages(folder),
            "said": {name: sound for name, (sound, _) in sentences.items()},
            "film": {"film": whole},
        }
        if asked.quick:
            for group in ("nothing", "backwards", "other"):
                groups[group] = dict(list(groups[group].items())[::2])
        paths = {
            (group, name): save(folder / f"{group} {name}.wav", sound)
            for group, sounds in groups.items()
            for name, sound in sounds.items()
        }
        for name, make in systems.items():
            if asked.only in (None, name):
                try:
                    write = make(config)
                except ImportError:
                    print(f"{name}: not installed, not run")
                    continue
                report(name, write, paths, groups, sentences, text)
        if asked.only in (None, "ours"):
            one, *others = [ours(SpeechConfig(batch_size=n))(paths["film", "film"]) for n in (1, 8)]
            print("batches of 1 and 8 give the same words:", all(other == one for other in others))


def report(
    name: str, write: Callable[[Path], Words], paths: dict[tuple[str, str], Path], groups: dict[str, dict[str, Sound]],
    sentences: dict[str, tuple[Sound, str]], text: str,
) -> None:  # fmt: skip
    """One system's figures, a line each."""
    clock, cpu = time.perf_counter(), _cpu_s()
    heard, _ = write(paths["film", "film"])
    clock, cpu = time.perf_counter() - clock, _cpu_s() - cpu
    length_s = len(groups["film"]["film"]) / RATE_HZ
    print(f"{name}: film of {length_s:.0f} s: WER {error_rate(text, heard):.3f}, CPU {cpu:.1f} s "
          f"({cpu / length_s:.2f} of real time), wall {clock / length_s:.2f} of real time")  # fmt: skip
    said = {one: write(paths["said", one]) for one in sentences}
    rates = [error_rate(sentences[one][1], said[one][0]) for one in sentences]
    wrong = sum(languages != {one[:2]} for one, (_, languages) in said.items())
    print(f"{name}: single sentences: mean WER {np.mean(rates):.3f}, another language than spoken {wrong}/{len(said)}")
    nothing = {one: write(paths["nothing", one])[0] for one in groups["nothing"]}
    minutes = sum(map(len, groups["nothing"].values())) / RATE_HZ / 60
    n_words = sum(map(words_in, nothing.values()))
    print(f"{name}: no speech: {n_words} invented words in {minutes:.1f} min, {n_words / minutes:.1f} a minute, in "
          f"{sum(map(bool, nothing.values()))}/{len(nothing)} sounds")  # fmt: skip
    for group in ("backwards", "other"):
        written = [one for one in groups[group] if write(paths[group, one])[0].strip()]
        print(f"{name}: {group}: a transcript for {len(written)}/{len(groups[group])} {' '.join(written)}", flush=True)


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


if __name__ == "__main__":
    main()
