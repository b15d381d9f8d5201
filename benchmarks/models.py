"""What each model costs on this machine: CPU seconds, on the bilingual sample video.

    python benchmarks/models.py

Prints one line per figure.  CPU seconds include all threads; run it on an idle machine.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import numpy as np

from ver_pipeline.footage.compose import bilingual_video
from ver_pipeline.measure.expression import ExpressionNet
from ver_pipeline.measure.faces import Face, FaceDetector
from ver_pipeline.measure.frames import ClipReader
from ver_pipeline.measure.voice import measure_voice
from ver_pipeline.schemas.config import EvidenceConfig, SpeechConfig
from ver_pipeline.stages.evidence import EvidenceStage
from ver_pipeline.stages.speech import SpeechStage
from ver_pipeline.timeline.transcript import slice_speech

VIDEO_S = 26.64
REPEATS = 5


def cpu_s(work: Callable[[], object], repeats: int = 1) -> tuple[float, float]:
    """Smallest CPU seconds and wall seconds of ``repeats`` runs."""
    costs = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        costs.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(cost for cost, _ in costs), min(wall for _, wall in costs)


def show(what: str, cost: tuple[float, float], units: float, unit: str) -> None:
    """One line: CPU and wall milliseconds per unit."""
    print(f"{what:42} {cost[0] / units * 1000:9.1f} CPU ms   {cost[1] / units * 1000:9.1f} wall ms   per {unit}")


def main() -> None:
    """Measure and print."""
    video = str(bilingual_video())
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    row = {"source": {"audio_track": 0, "clock_jumps": [], "duration_s": VIDEO_S}, "path": video, "sidecar": {}}
    for beam in (1, 5):
        speech = SpeechStage(SpeechConfig(beam_size=beam))
        speech.open()
        show(
            f"speech, whisper-base int8, beam {beam}", cpu_s(lambda s=speech: s.run([row])), VIDEO_S, "second of video"
        )
    heard = speech.run([row])[0]
    if not isinstance(heard, dict):
        raise SystemExit(f"the video was not heard: {heard}")

    reader = ClipReader(video, [1.0, 9.0, 22.0], threads=1)
    frames = [sample.rgb for sample in reader.frames()]
    detector, expressions = FaceDetector(480, 0.6, threads=1), ExpressionNet(threads=1)
    detector.open()
    expressions.open()
    show(
        "faces, centerface, side 480, 1 thread",
        cpu_s(lambda: [detector.detect(p) for p in frames], REPEATS),
        3,
        "picture",
    )
    face = Face((0.3, 0.2, 0.3, 0.6), 0.9)
    show(
        "expression, four views, 1 thread",
        cpu_s(lambda: expressions.score(frames[0], [face] * 10), REPEATS),
        10,
        "face",
    )
    audio = reader.audio()
    if audio is None:
        raise SystemExit("the video has no audio")
    show("voice, numpy", cpu_s(lambda: measure_voice(np.asarray(audio), [], True), REPEATS), VIDEO_S, "second of audio")

    evidence = EvidenceStage(EvidenceConfig())
    evidence.open()
    clip = {"duration_s": VIDEO_S, "shot_cuts_s": [5.76, 12.76, 20.64]}
    given = {"clip": clip, "media_path": video, "speech": slice_speech(heard["transcript"], 0.0, VIDEO_S)}
    show("evidence, whole stage, decoding included", cpu_s(lambda: evidence.run([given]), 3), VIDEO_S, "second of clip")


if __name__ == "__main__":
    main()
