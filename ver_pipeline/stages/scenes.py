"""scenes: where does the frame cut?

PySceneDetect's AdaptiveDetector is driven frame by frame on a small decoded frame, with each
frame's own exact time, so variable frame rate, odd time bases and a start that is not zero need no
special case.  A video without a cut is one shot.
"""

from __future__ import annotations

import bisect
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ver_pipeline.media.clock import Jump, steady_packets
from ver_pipeline.media.open import MediaError, open_media
from ver_pipeline.media.probe import video_stream
from ver_pipeline.schemas.config import ScenesConfig
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row
from ver_pipeline.timeline.transitions import join_transitions

HISTOGRAM_BINS = 8
AROUND_S = Fraction(3, 4)
COARSE_S = Fraction(1, 4)


class ScenesStage:
    """``shots``: cut times on the source timeline, and how alike the frames on both sides of each cut are."""

    name = "scenes"
    version = "2"
    unit = "source"
    reads = ("source.id", "source.clock_jumps", "path", "file")
    writes = ("shots",)
    batch_size = 1
    resources = Resources(cpus=0.9, isolated=True, time_limit_s=7200)

    def __init__(self, config: ScenesConfig) -> None:
        self.config = config

    def fingerprint(self) -> Mapping[str, Any]:
        """All of ``scenes.*``, and the versions of PyAV and PySceneDetect."""
        from importlib.metadata import version

        return {"config": self.config.model_dump(), "av": version("av"), "scenedetect": _scenedetect_version()}

    def open(self) -> None:
        """One thread for OpenCV.  libav's messages are switched off: what it meets comes back as a reject."""
        import av
        import cv2

        cv2.setNumThreads(1)
        av.logging.set_level(av.logging.PANIC)

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """The cuts of each video, from one pass over it; one that does not decode is a reject."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        import av

        source = row["source"]
        try:
            cuts, last, n_frames = self._detect(row["path"], [Jump.of(jump) for jump in source["clock_jumps"]])
        except MediaError as error:
            return Reject(error.reason, self.name, str(error), source["id"])
        except av.error.FFmpegError as error:
            return Reject(Reason.DECODE_FAILED, self.name, f"frames do not decode: {error.strerror}", source["id"])
        if n_frames == 0:
            return Reject(Reason.DECODE_FAILED, self.name, "not one frame decodes", source["id"])
        detector = f"adaptive/{self.config.adaptive_threshold:g}/{self.config.min_content_val:g}"
        detector += "+gradual" if self.config.gradual else ""
        shots = {
            "cuts_s": [round(float(at), 6) for at, _ in cuts],
            "similarity": [round(alike, 4) for _, alike in cuts],
            "n_frames": n_frames,
            "last_frame_s": round(float(last), 6),
            "detector": f"pyscenedetect-{_scenedetect_version()}/{detector}",
        }
        return {"shots": shots}

    def _detect(self, path: str, jumps: Sequence[Jump]) -> tuple[list[tuple[Fraction, float]], Fraction, int]:
        """Cuts with the similarity across each, the last frame's time, and how many frames decoded."""
        from scenedetect import FrameTimecode
        from scenedetect.common import Timecode

        sudden, gradual = _detectors(self.config)
        cuts: dict[Fraction, float] = {}
        signs: list[Fraction] = []
        looks = _Similarity(keep=self.config.window_width + 2)
        at, n_frames = Fraction(0), 0
        for ticks, time_base, rate, picture in small_frames(path, self.config.frame_width_px, jumps):
            at = ticks * time_base
            looks.add(at, picture)
            timecode = FrameTimecode(Timecode(pts=ticks, time_base=time_base), fps=rate)
            for cut in (cut for detector in sudden for cut in detector.process_frame(timecode, picture)):
                moment = Fraction(cut.pts) * Fraction(cut.time_base)
                cuts[moment] = looks.at_cut(moment)
            for cut in (cut for detector in gradual for cut in detector.process_frame(timecode, picture)):
                signs.append(Fraction(cut.pts) * Fraction(cut.time_base))
            n_frames += 1
        moments = join_transitions(list(cuts), signs)
        boundaries = [(moment, cuts[moment] if moment in cuts else looks.around(moment)) for moment in moments]
        return [boundary for boundary in boundaries if 0 < boundary[0] <= at], at, n_frames


def _detectors(config: ScenesConfig) -> tuple[list[Any], list[Any]]:
    """PySceneDetect's detectors of cuts, and those of gradual transitions (dissolves; fades through black)."""
    from scenedetect.detectors import AdaptiveDetector, HistogramDetector, ThresholdDetector

    shortest = float(config.min_scene_s)
    adaptive = AdaptiveDetector(
        adaptive_threshold=config.adaptive_threshold,
        min_content_val=config.min_content_val,
        window_width=config.window_width,
        min_scene_len=shortest,
    )
    if not config.gradual:
        return [adaptive], []
    return [adaptive], [HistogramDetector(min_scene_len=shortest), ThresholdDetector(min_scene_len=shortest)]


class _Similarity:
    """How alike the frames on both sides of a boundary are: intersections (0 to 1) of their colour histograms.

    Holds the last few frames, and a histogram every ``COARSE_S``.
    """

    def __init__(self, keep: int) -> None:
        self.recent: deque[tuple[Fraction, Any]] = deque(maxlen=keep + 1)
        self.times: list[Fraction] = []
        self.histograms: list[Any] = []

    def add(self, at: Fraction, picture: Any) -> None:
        self.recent.append((at, picture))
        if not self.times or at - self.times[-1] >= COARSE_S:
            self.times.append(at)
            self.histograms.append(_histogram(picture).astype("float16"))

    def at_cut(self, at: Fraction) -> float:
        """Of the frame at ``at`` and the one before it; asked while both are recent."""
        import numpy as np

        for (_, before), (moment, after) in itertools.pairwise(self.recent):
            if moment == at:
                return float(np.minimum(_histogram(before), _histogram(after)).sum())
        return 0.0

    def around(self, at: Fraction) -> float:
        """Of what is shown ``AROUND_S`` before and after ``at``: in between one turns into the other."""
        import numpy as np

        last = len(self.times) - 1
        places = (bisect.bisect_left(self.times, at + side) for side in (-AROUND_S, AROUND_S))
        before, after = (self.histograms[min(place, last)] for place in places)
        return float(np.minimum(before, after).sum(dtype="float64"))


def _histogram(picture: Any) -> Any:
    import cv2

    counts = cv2.calcHist([picture], [0, 1, 2], None, [HISTOGRAM_BINS] * 3, [0, 256] * 3)
    return counts / counts.sum()


def small_frames(path: str, width: int, jumps: Sequence[Jump] = ()) -> Iterator[tuple[int, Fraction, Fraction, Any]]:
    """Decode a video once into small BGR frames: (ticks from the container's start, time base, rate, frame).

    Damaged packets are passed over, as players do.  Frames that repeat or run back in time are dropped.
    """
    import av

    with open_media(path) as container:
        video = video_stream(container)
        video.thread_type = "AUTO"
        video.codec_context.thread_count = 2
        # A small frame shows no block edges: leaving them in saves a fifth of the decoding.
        video.codec_context.options = {"skip_loop_filter": "all"}
        start = round(Fraction(container.start_time or 0, 1_000_000) / video.time_base)
        rate = Fraction(video.average_rate or video.guessed_rate or 25)
        height = max(2, round(video.codec_context.height * width / video.codec_context.width / 2) * 2)
        if video.codec_context.width <= width:
            width, height = video.codec_context.width, video.codec_context.height
        scaler = av.video.reformatter.VideoReformatter()
        last = -1
        for frame in _decoded(container, video, jumps):
            if frame.pts is None or frame.pts - start <= last:
                continue
            last = frame.pts - start
            small = scaler.reformat(frame, width, height, "bgr24", interpolation="FAST_BILINEAR")
            yield last, video.time_base, rate, small.to_ndarray()


def _decoded(container: Any, video: Any, jumps: Sequence[Jump]) -> Iterator[Any]:
    import av

    for packet in steady_packets(container, [video], jumps):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _scenedetect_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    for name in ("scenedetect-headless", "scenedetect"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
