"""How many shot changes are found, and how many are found that are none: hard cuts, dissolves, fades through black.

    python benchmarks/transitions.py [--out FOLDER]

Films are composed from drawn shots and from shots of the sample footage, with one kind of transition each; shots that
hold no change (the sample footage as it is) count what is found wrongly.  A boundary is right inside the transition or
within half a second of its middle.  Printed for each combination of PySceneDetect's detectors.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
from fractions import Fraction
from pathlib import Path

from ver_pipeline.footage.compose import fetch_samples
from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path
from ver_pipeline.schemas.config import ScenesConfig
from ver_pipeline.stages import scenes
from ver_pipeline.timeline.transitions import join_transitions

SHOT_S = 4
RIGHT_S = 0.5
DRAWN = ("testsrc2", "mandelbrot", "smptehdbars", "rgbtestsrc", "gradients=n=4:speed=0.02", "life=mold=10:ratio=0.3")
KINDS = {"cut": None, "dissolve 0.5 s": 0.5, "dissolve 1 s": 1.0, "dissolve 2 s": 2.0, "fade through black 1 s": 1.0}
STEADY_SHOTS = {
    "bilingual.mp4": ((0, 5), (6, 12), (13, 20), (21, 26)),
    "testMovie.mp4": ((0, 10),),
    "single_face.mp4": ((0, 4),),
    "jwpIntro.mp4": ((0, 4),),
}
"""Stretches of the sample footage (seconds) in which the shot does not change."""


def inputs(raw: Path) -> list[tuple[str, ...]]:
    drawn = [
        ("-f", "lavfi", "-t", str(SHOT_S), "-i", f"{name}{':' if '=' in name else '='}s=320x240:r=25") for name in DRAWN
    ]
    real = [
        ("-ss", str(begin), "-t", str(SHOT_S), "-i", str(raw / name))
        for name, shots in STEADY_SHOTS.items()
        for begin, end in shots
        if end - begin >= SHOT_S
    ]
    return drawn + real


def compose(a: tuple[str, ...], b: tuple[str, ...], length_s: float | None, black: bool, to: Path) -> float:
    """Two shots and what joins them; returns the middle of the transition."""
    size = "scale=320:240,fps=25,setsar=1,format=yuv420p,settb=AVTB,setpts=PTS-STARTPTS"
    shots = f"[0:v]{size},trim=end={SHOT_S}[a];[1:v]{size},trim=end={SHOT_S}[b];"
    at = SHOT_S - (length_s or 0)
    how = "fadeblack" if black else "fade"
    join = "[a][b]concat=n=2:v=1:a=0" if length_s is None else f"[a][b]xfade={how}:duration={length_s}:offset={at}"
    command = [ffmpeg_path(), *GLOBAL_OPTIONS, *a, *b, "-filter_complex", shots + join, "-an", "-c:v", "libx264"]
    subprocess.run([*command, "-preset", "veryfast", str(to)], check=True)
    return SHOT_S - (length_s or 0) / 2


def signs(path: Path) -> dict[str, list[Fraction]]:
    """What each detector says of a video, by one decoding."""
    from scenedetect import FrameTimecode
    from scenedetect.common import Timecode

    sudden, (histogram, threshold) = scenes._detectors(ScenesConfig(gradual=True))
    found: dict[str, list[Fraction]] = {"adaptive": [], "histogram": [], "threshold": []}
    for ticks, time_base, rate, frame in scenes.small_frames(str(path), 256):
        timecode = FrameTimecode(Timecode(pts=ticks, time_base=time_base), fps=rate)
        for name, detector in zip(found, (*sudden, histogram, threshold), strict=True):
            found[name] += [Fraction(c.pts) * Fraction(c.time_base) for c in detector.process_frame(timecode, frame)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/transitions"))
    args = parser.parse_args()
    raw = args.out / "raw"
    fetch_samples(raw)
    shots = inputs(raw)
    combinations = [("adaptive",), ("adaptive", "threshold"), ("adaptive", "histogram")]
    combinations.append(("adaptive", "histogram", "threshold"))
    found: dict[tuple[str, ...], dict[str, list[int]]] = {one: {} for one in combinations}
    pairs = list(itertools.pairwise([*shots, shots[0]]))
    for kind, length_s in KINDS.items():
        for a, b in pairs:
            to = args.out / "film.mp4"
            middle = compose(a, b, length_s, "black" in kind, to)
            said = signs(to)
            for names in combinations:
                at = join_transitions(said["adaptive"], [one for name in names[1:] for one in said[name]])
                hits = [one for one in at if abs(float(one) - middle) <= max(RIGHT_S, (length_s or 0) / 2)]
                tally = found[names].setdefault(kind, [0, 0, 0])
                tally[0] += bool(hits)
                tally[1] += 1
                tally[2] += len(at) - bool(hits)
    for name, spans in STEADY_SHOTS.items():
        for begin, end in spans:
            to = args.out / "film.mp4"
            cut = [ffmpeg_path(), *GLOBAL_OPTIONS, "-ss", str(begin), "-t", str(end - begin), "-i", str(raw / name)]
            subprocess.run([*cut, "-an", "-c:v", "libx264", "-preset", "veryfast", str(to)], check=True)
            said = signs(to)
            for names in combinations:
                at = join_transitions(said["adaptive"], [one for other in names[1:] for one in said[other]])
                tally = found[names].setdefault("no change (real)", [0, 0, 0])
                tally[1] += 1
                tally[2] += len(at)
    for names, kinds in found.items():
        print("+".join(names))
        for kind, (hits, n, wrong) in kinds.items():
            print(f"  {kind:24} found {hits} of {n}, wrong {wrong}")


if __name__ == "__main__":
    main()
