"""Who speaks when: how well voices are told apart, and what it costs.

    python benchmarks/diarization.py [--seeds 3] [--step 5.0]

Films of one to three speakers are composed from speech whose speaker is known: a book read aloud, a man in two videos,
two Mandarin sentences by Kokoro, five further voices of Kokoro and one of Piper that read sentences (made on the first
run, which takes some minutes, and kept in the model store).  ``like`` are pairs of women's voices of Kokoro that differ
little.  One recording is real: half a minute of two people who interrupt each other, with times set by hand.

Printed: the diarization error rate (missed, falsely heard and confused speech over all speech; overlapping speech
counts, 0.25 s around each change do not) and how often the number of speakers is right, for each kind of film with
the range; the same by pyannote.metrics, where it is installed; how alike the networks find two pieces of 1.5 s of the
same and of different speakers; CPU seconds for a second of sound.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from speech import load

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import CRYING, LAUGHING
from ver_pipeline.measure import speaker_clusters, voice_activity
from ver_pipeline.measure.diarize import VoiceDiarizer
from ver_pipeline.measure.fbank import fbank
from ver_pipeline.transcribers.audio import speech_spans
from ver_pipeline.transcribers.base import RATE_HZ

SENTENCES = (
    "aɪ hæv nˈɛvər sˈiːn ɪt lˈaɪk ðɪs bᵻfˈoːɹ.",
    "kæn juː tˈɛl mˌiː wˌʌt hˈæpənd lˈæst nˈaɪt?",
    "wiː wˈɔːkt ɐlˈɔŋ ðə ɹˈɪvɚ ʌntˈɪl ðə sˈʌn wɛnt dˈaʊn.",
    "plˈiːz klˈoʊz ðə wˈɪndoʊ, ɪt ɪz tˈuː kˈoʊld ɪn hˈɪɹ.",
    "maɪ bɹˈʌðɚ wˈɜːks ɪn ɐ smˈɔːl hˈɑːspɪɾəl nˌɪɹ ðə sˈiː.",
    "nˈoʊ, ðˈæt ɪz nˈɑːt wˌʌt aɪ mˈɛnt tə sˈeɪ.",
    "ðə tɹˈeɪn wʌz lˈeɪt ɐɡˈɛn, sˌoʊ wiː tˈʊk ðə bˈʌs.",
    "lˈɛt ʌs tˈɔːk ɐbˌaʊt ɪt təmˈɑːɹoʊ mˈɔːɹnɪŋ.",
)
"""In the phonetic alphabet, as both synthesisers read it."""
PAIRS = (("reader", "man"), ("joe", "reader"), ("jm_kumo", "jf_alpha"), ("man", "jf_gongitsune"))
FURTHER = (
    ("joe", "man"),
    ("joe", "jm_kumo"),
    ("reader", "jf_alpha"),
    ("jf_alpha", "jf_gongitsune"),
    ("man", "jm_kumo"),
)
LIKE = (("jf_gongitsune", "jf_nezumi"), ("jf_nezumi", "jf_tebukuro"))
THREE = (("reader", "man", "joe"), ("jf_alpha", "jm_kumo", "reader"), ("joe", "jm_kumo", "jf_nezumi"))
"""``reader``, ``man``, ``joe`` and ``jm_kumo`` speak low (median pitch 97 to 153 Hz), the ``jf_`` high (235 to 330)."""
COLLAR_S = 0.25
TICK_HZ = 100
LOUDNESS = 0.06
Sound = np.ndarray
Speech = list[tuple[float, float, str]]
"""Start and end in seconds, and who speaks."""


def voices() -> dict[str, list[Sound]]:
    """Utterances of each speaker, equally loud."""
    found: dict[str, list[Sound]] = defaultdict(list)
    found["reader"] = [load(path) for path in sorted(store.resolve("speech-librivox").glob("*.wav"))]
    found["man"] = [load(store.resolve("footage-psychopy") / f"{name}.mp4") for name in ("jwpIntro", "testMovie")]
    for name, sound in synthetic():
        found[name].append(sound)
    return {name: [x * LOUDNESS / np.sqrt(np.mean(x**2)) for x in sounds] for name, sounds in found.items()}


def synthetic():
    """(voice, sound) of every sentence by every synthetic voice; made once, kept in the store."""
    kept = store.home() / "benchmarks" / "synthetic-voices.npz"
    if not kept.exists():
        print("making synthetic speech, once", flush=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = {f"{name}-{i}": sound for name, say in _synthesisers() for i, sound in enumerate(map(say, SENTENCES))}
        part = kept.with_suffix(".part.npz")
        np.savez(part, **made)
        part.replace(kept)
    with np.load(kept) as sounds:
        for name in sounds.files:
            yield name.rsplit("-", 1)[0], sounds[name]


def _synthesisers():
    import onnxruntime
    from scipy.signal import resample_poly

    folder = store.resolve("synthetic-voices")
    kokoro, joe = (onnxruntime.InferenceSession(str(folder / f"{name}.onnx")) for name in ("kokoro", "joe"))
    letters = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
    about = json.loads((folder / "joe.json").read_text("utf-8"))
    ids = about["phoneme_id_map"]

    def by_kokoro(style: np.ndarray):
        def say(text: str) -> Sound:
            tokens = [letters[c] for c in text if c in letters]
            asked = {"tokens": np.array([[0, *tokens, 0]]), "style": style[len(tokens) - 1].reshape(1, 256),
                     "speed": np.ones(1, np.float32)}  # fmt: skip
            return resample_poly(kokoro.run(None, asked)[0].ravel(), 2, 3).astype(np.float32)

        return say

    def by_joe(text: str) -> Sound:
        chosen = [*ids["^"], 0, *(one for c in text if c in ids for one in (*ids[c], 0)), *ids["$"]]
        asked = {"input": np.array([chosen]), "input_lengths": np.array([len(chosen)]),
                 "scales": np.array([0, 1, 0], np.float32)}  # fmt: skip
        return resample_poly(joe.run(None, asked)[0].ravel(), RATE_HZ, about["audio"]["sample_rate"]).astype(np.float32)

    with np.load(folder / "voices.npz") as styles:
        for name in styles.files:
            yield name, by_kokoro(styles[name].astype(np.float32))
    yield "joe", by_joe


def trimmed(sound: Sound) -> tuple[Sound, list[tuple[float, float]]]:
    """The sound from first to last word, and where it is spoken in."""
    spans = [(a + 0.05, b - 0.05) for a, b in speech_spans(np.pad(sound, RATE_HZ // 4))]
    first_s, last_s = spans[0][0] - 0.25, spans[-1][1] - 0.25
    first = max(0, round(first_s * RATE_HZ))
    kept = sound[first : round(last_s * RATE_HZ)]
    return kept, [(max(0.0, a - 0.25 - first_s), b - 0.25 - first_s) for a, b in spans]


def film(said: dict[str, list[tuple[Sound, list[tuple[float, float]]]]], kind: str, seed: int, n: int):
    """Speakers in turn, with pauses, or each beginning before the last one has ended; some noise."""
    chance = np.random.default_rng(seed)
    names, parts, reference, end_s, before = list(said), [], [], 1.0, None
    at = {name: int(chance.integers(20)) for name in names}
    for k in range(n):
        name = names[k % len(names)] if k < 2 * len(names) else names[int(chance.integers(len(names)))]
        sound, spans = said[name][at[name] % len(said[name])]
        at[name] += 1
        if kind == "short":
            sound = sound[: round(chance.uniform(0.8, 1.4) * RATE_HZ)]
            length_s = len(sound) / RATE_HZ
            spans = [(a, min(b, length_s)) for a, b in spans if a < length_s]
        gap_s = chance.uniform(0.15, 0.7)
        if kind == "overlap" and before not in (None, name):
            gap_s = -chance.uniform(0.3, 0.9)
        start_s, before = max(0.0, end_s + gap_s), name
        parts.append((round(start_s * RATE_HZ), sound))
        reference += [(start_s + a, start_s + b, name) for a, b in spans]
        end_s = start_s + len(sound) / RATE_HZ
    whole = np.zeros(round((end_s + 1) * RATE_HZ), np.float32)
    for first, sound in parts:
        whole[first : first + len(sound)] += sound
    noise = chance.normal(size=len(whole)) * 10 ** (-chance.uniform(50, 65) / 20)
    return (whole + noise).astype(np.float32), reference


def films(seeds: int):
    """(kind, sound, who speaks when)."""
    spoken = {name: [trimmed(sound) for sound in sounds] for name, sounds in voices().items()}
    spoken["zh"] = [trimmed(load(CRYING))]
    spoken["zh2"] = [trimmed(load(LAUGHING))]
    cast = {"two": (PAIRS, 10), "short": (PAIRS, 14), "overlap": (PAIRS, 10), "further": (FURTHER, 10),
            "three": (THREE, 14), "one": ([(name,) for name in spoken], 6), "like": (LIKE, 10),
            "Mandarin": ([("zh", "zh2"), ("zh", "man"), ("zh2", "reader")], 8)}  # fmt: skip
    for kind, (casts, n) in cast.items():
        for i, names in enumerate(casts):
            for seed in range(seeds):
                yield kind, *film({name: spoken[name] for name in names}, kind, 1000 * seed + i, n)
    folder = store.resolve("speech-conversation")
    rows = [line.split() for line in (folder / "sample.rttm").read_text("utf-8").splitlines()]
    yield "real", load(folder / "sample.wav"), [(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in rows]


def error_rate(reference: Speech, found: Speech) -> float:
    """Missed, falsely heard and confused over all speech, speakers matched as fits best."""
    from scipy.optimize import linear_sum_assignment

    n = round(max(end_s for _, end_s, _ in [*reference, *found]) * TICK_HZ) + TICK_HZ
    counts = np.ones(n, bool)
    for edge_s in (edge for start_s, end_s, _ in reference for edge in (start_s, end_s)):
        counts[max(0, round((edge_s - COLLAR_S) * TICK_HZ)) : round((edge_s + COLLAR_S) * TICK_HZ)] = False
    told, heard = (_active(speech, n)[:, counts] for speech in (reference, found))
    both = told.astype(int) @ heard.T.astype(int)
    right = both[linear_sum_assignment(-both)].sum()
    n_told, n_heard = told.sum(axis=0), heard.sum(axis=0)
    return float((np.maximum(n_told, n_heard).sum() - right) / n_told.sum())


def _active(speech: Speech, n: int) -> np.ndarray:
    names = sorted({name for *_, name in speech})
    active = np.zeros((len(names), n), bool)
    for start_s, end_s, name in speech:
        active[names.index(name), round(start_s * TICK_HZ) : round(end_s * TICK_HZ)] = True
    return active


def by_pyannote(reference: Speech, found: Speech) -> float | None:
    """The error rate as pyannote.metrics has it; None where it is not installed."""
    try:
        from pyannote.core import Annotation, Segment
        from pyannote.metrics.diarization import DiarizationErrorRate
    except ImportError:
        return None
    both = []
    for speech in (reference, found):
        annotation = Annotation()
        for i, (start_s, end_s, name) in enumerate(speech):
            annotation[Segment(start_s, end_s), i] = name
        both.append(annotation)
    return float(DiarizationErrorRate(collar=2 * COLLAR_S)(*both))  # theirs is the whole width


def alike(diarizer: VoiceDiarizer) -> None:
    """How alike two pieces of the same and of different speakers are, and where the two are told apart worst."""
    vectors, names = [], []
    for name, sounds in voices().items():
        for sound in sounds:
            kept, _ = trimmed(sound)
            for at in range(0, len(kept) - 24_000 + 1, 24_000):
                vectors.append(diarizer.embedding.embed(fbank(kept[at : at + 24_000])))
                names.append(name)
    near = np.stack(vectors) @ np.stack(vectors).T
    first, second = np.triu_indices(len(names), 1)
    same = np.array(names)[first] == np.array(names)[second]
    own, other = near[first, second][same], near[first, second][~same]
    scale = np.linspace(-0.5, 1, 301)
    worst = min(max((other >= t).mean(), (own < t).mean()) for t in scale)
    print(f"pieces of 1.5 s: {len(names)} of {len(set(names))} speakers; same speaker: median {np.median(own):.2f}, "
          f"lowest twentieth {np.percentile(own, 5):.2f}; others: median {np.median(other):.2f}, highest twentieth "
          f"{np.percentile(other, 95):.2f}; equal error rate {worst:.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="films of each cast")
    parser.add_argument("--step", type=float, default=voice_activity.STEP_S, help="seconds from window to window")
    parser.add_argument("--same", type=float, default=speaker_clusters.SAME, help="the least likeness of one speaker")
    asked = parser.parse_args()
    voice_activity.STEP_S, speaker_clusters.SAME = asked.step, asked.same
    diarizer = VoiceDiarizer(1)
    diarizer.open()
    alike(diarizer)
    rates, theirs, right = defaultdict(list), [], defaultdict(list)
    spent_s = length_s = 0.0
    for kind, sound, reference in films(asked.seeds):
        spans = speech_spans(sound)
        before = _cpu_s()
        found = diarizer.diarize([sound], spans).voices
        spent_s, length_s = spent_s + _cpu_s() - before, length_s + len(sound) / RATE_HZ
        speech = [(v.start_s, v.end_s, v.speaker or "?") for v in found]
        rates[kind].append(error_rate(reference, speech))
        right[kind].append(len({v.speaker for v in found} - {None}) == len({name for *_, name in reference}))
        if (rate := by_pyannote(reference, speech)) is not None:
            theirs.append((rate, rates[kind][-1]))
    for kind, values in rates.items():
        print(f"{kind:9} {len(values):3} films: DER {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f}), "
              f"number of speakers right {sum(right[kind])}/{len(values)}")  # fmt: skip
    every = [value for kind, values in rates.items() if kind != "like" for value in values]
    counted = [value for kind, values in right.items() if kind != "like" for value in values]
    print(f"all but like voices: DER {np.mean(every):.3f}, median {np.median(every):.3f}, at most 0.15 in "
          f"{sum(v <= 0.15 for v in every)}/{len(every)}; number right {sum(counted)}/{len(counted)}")  # fmt: skip
    if theirs:
        off = max(abs(t - o) for t, o in theirs)
        print(
            f"pyannote.metrics: DER {np.mean([t for t, _ in theirs]):.3f}, the largest difference of a film {off:.3f}"
        )
    print(f"CPU {spent_s / length_s:.3f} s for a second of sound ({length_s:.0f} s of sound)")


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system


if __name__ == "__main__":
    main()
