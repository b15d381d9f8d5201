"""evidence: what can be measured in a clip before anybody says what it means.

The stored clip is decoded once; its looked-at frames give faces, expressions, motion and image quality,
its audio gives the voice, its words the sentiment.  The same clip and speech give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.measure import expression, face_mesh, faces, sentiment, voice
from ver_pipeline.measure.faces_record import faces_record
from ver_pipeline.measure.following import FaceFollower, look_times
from ver_pipeline.measure.frame_quality import FrameMeter
from ver_pipeline.measure.frames import ClipError, ClipReader, distinct_frames, sample_times
from ver_pipeline.measure.speaking import voice_spans
from ver_pipeline.schemas.config import EvidenceConfig
from ver_pipeline.schemas.errors import MissingModelError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row

TOOLS = ("av", "numpy", "onnxruntime", "opencv-python-headless", "vaderSentiment")


def settled(config: EvidenceConfig) -> tuple[EvidenceConfig, str | None]:
    """The settings of a build, and what it says where faces will have no shape for want of the model.

    As with voices (``stages/speakers.py``) a build decides once, and its manifest says which.
    """
    if not (config.faces and config.face_shape):
        return config, None
    try:
        store.resolve(face_mesh.MODEL)
    except MissingModelError as error:
        said = f"faces are measured without their shape in this build: {error.what}; {error.cure}"
        return config.model_copy(update={"face_shape": False}), said
    return config, None


class EvidenceStage:
    """``measured`` (``record.Measured``): faces, voice, frame and sentiment of one clip."""

    name = "evidence"
    version = "2"
    unit = "clip"
    reads = ("clip", "media_path", "speech")
    writes = ("measured",)
    batch_size = 1

    def __init__(self, config: EvidenceConfig) -> None:
        self.config = config
        self.resources = Resources(cpus=0.5, isolated=True, time_limit_s=900)
        self.detector = faces.FaceDetector(config.frame_side_px, config.min_face_conf, config.threads)
        self.expressions = expression.ExpressionNet(config.threads)
        self.mesh = face_mesh.FaceMesh() if config.faces and config.face_shape else None
        self.sentiment = sentiment.SentimentMeter()

    def fingerprint(self) -> Mapping[str, Any]:
        """All of ``evidence.*``, the face models by hash; tools, voice extractor and lexicon by version."""
        return {
            "config": self.config.model_dump(mode="json"),
            "models": {name: store.fingerprint(name) for name in (faces.MODEL, expression.MODEL, face_mesh.MODEL)},
            "tools": {name: _version(name) for name in TOOLS},
            "voice": voice.EXTRACTOR,
            "sentiment": sentiment.tool(),
        }

    def open(self) -> None:
        """Load the face models, unless ``evidence.faces`` is off, and the sentiment lexicons.

        Raises:
            MissingModelError: a face model could not be had.
        """
        if self.config.faces:
            self.detector.open()
            self.expressions.open()
        if self.mesh is not None:
            self.mesh.open()
        self.sentiment.open()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Measure each clip in one pass over it; one without a frame, or that does not decode, is a reject."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Outcome:
        clip, speech = row["clip"], row["speech"]
        full_s = sample_times(clip["duration_s"], self.config.frames_per_s, self.config.max_frames)
        times = look_times(full_s, self._looks_per_s(speech), clip["duration_s"])
        reader = ClipReader(row["media_path"], [t_s for t_s, _ in times], self.config.threads)
        follower = FaceFollower(self.detector, self.expressions, self.mesh, clip.get("shot_cuts_s") or ())
        picture = FrameMeter()
        looked_s: list[float] = []
        try:
            for sample, full in distinct_frames(reader.frames(), (full for _, full in times)):
                if full:
                    looked_s.append(sample.t_s)
                    picture.add(sample.rgb)
                if self.config.faces:
                    follower.look(sample, full)
        except ClipError as error:
            return Reject(Reason.DECODE_FAILED, self.name, str(error))
        if not looked_s:
            return Reject(Reason.DECODE_FAILED, self.name, f"the clip {row['media_path']} shows no frame")
        audio = reader.audio() if self.config.voice else None
        voice_s = voice_spans(speech, clip["duration_s"]) if self.mesh and speech["present"] else None
        return {
            "measured": {
                "faces": faces_record(follower.result(), looked_s, *self._names(), voice_s, clip["duration_s"]),
                "voice": None if audio is None else voice.measure_voice(audio, speech["words"], speech["present"]),
                "picture": picture.result(),
                "sentiment": self.sentiment.measure(speech),
            }
        }

    def _looks_per_s(self, speech: Mapping[str, Any]) -> float:
        """How often shapes are looked at: a mouth that may speak twice as often as others; 0 without the mesh."""
        if self.mesh is None:
            return 0.0
        return self.config.shape_looks_per_s * (1.0 if speech["present"] else 0.5)

    def _names(self) -> tuple[str, str]:
        if not self.config.faces:
            return "none", "none"
        models = (faces.MODEL, expression.MODEL)
        detector, scorer = (f"{name}/{store.fingerprint(name)[:8]}" for name in models)
        return detector, scorer


def _version(name: str) -> str:
    """The version of a package; OpenCV goes by several names."""
    from importlib.metadata import PackageNotFoundError

    for candidate in (name, name.removesuffix("-headless")):
        try:
            return version(candidate)
        except PackageNotFoundError:
            continue
    return "absent"
