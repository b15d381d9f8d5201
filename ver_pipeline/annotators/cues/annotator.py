"""The embedded annotator: labels and bilingual text from measurements alone, no model, no network.

It is the coarse first pass of the data, and the yardstick for teachers.  What it writes is in the
measurements; where they do not carry a label it says ``undetermined``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Request, Result, seal
from ver_pipeline.annotators.cues.compose import Seen, describe, observe, wording_of
from ver_pipeline.annotators.cues.decide import Change, Judgement, judge
from ver_pipeline.annotators.cues.features import Features, read_features
from ver_pipeline.annotators.cues.labeling_sources import label_votes as cast_votes
from ver_pipeline.annotators.cues.labeling_sources import word_features
from ver_pipeline.schemas import labels as emotion_labels
from ver_pipeline.schemas.record_annotation import Sampling, Senses
from ver_pipeline.schemas.record_types import LabelId

VERSION = "cues/2"
_SHAPING = ("annotator.py", "compose.py", "decide.py", "phrases.py", "phrases.yaml", "quotes.py", "features.py",
            "face_geometry.py", "labeling_sources.py", "cue_words.yaml")  # fmt: skip
_LABELS = ("emotion_labels.yaml", "emotion_words.yaml", "labels.py", "denial.py")


class CuesAnnotator:
    """``--annotator cues``: the default.  Pure: the same measurements give the same bytes everywhere."""

    name = "cues"
    batch_size = 32

    def fingerprint(self) -> Mapping[str, Any]:
        """Version and hash of all code and tables that shape the text."""
        return {"annotator": VERSION, "revision": revision()}

    def open(self) -> None:
        """Nothing to load."""

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """One annotation per request; there is no input that it rejects."""
        return [Result(request.key, annotation=annotate_one(request)) for request in requests]


def annotate_one(request: Request) -> dict[str, Any]:
    """The ``Annotation`` of one clip as a dict."""
    features = read_features(request.clip, request.speech, request.measured)
    cast = cast_votes(features, request.speech, request.measured)
    words = word_features(request.speech, request.measured) if features.has_speech else ()
    judged = judge(features, cast)
    say = wording_of(features)
    seen = observe(say, features, request.speech, request.measured, cast, words)
    text = describe(say, features, seen, cast, judged)
    emotion = _emotion(features, seen, judged)
    annotation = {
        "observations": [s.to_dict() for s in seen],
        "emotion": emotion,
        "description": {"en": text.en, "zh": text.zh, "mode": "native-both", "cited_eids": [s.eid for s in seen]},
    }
    return seal(annotation, request, _provenance(features))


@cache
def revision() -> str:
    """sha256 over the files that shape the text, in a fixed order."""
    whole = hashlib.sha256()
    here = Path(__file__).parent
    schemas = Path(emotion_labels.__file__).parent
    for path in [here / name for name in _SHAPING] + [schemas / name for name in _LABELS]:
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _emotion(features: Features, seen: Sequence[Seen], judged: Judgement) -> dict[str, Any]:
    subject = "person" if features.faces else ("speaker" if features.has_speech else "none")
    named: list[LabelId] = [] if judged.primary == "undetermined" else [judged.primary, *judged.traces]
    opened = [_open_label(label, seen, judged) for label in named]
    phase_eids = [s.eid for s in seen if s.modality == "face" and s.track_id == _main_track(features)]
    return {
        "subject": subject,
        "subject_track_id": _main_track(features),
        "primary": judged.primary,
        "labels_open": [label for label in opened if label["eids"]],
        "closed": emotion_labels.closed_labels(judged.primary, judged.valence),
        "dist": judged.dist,
        "valence": judged.valence,
        "arousal": judged.arousal,
        "dominance": None,
        "intensity": judged.intensity,
        "confidence": judged.confidence,
        "mixed": judged.mixed,
        "transitions": [_transition(change, phase_eids) for change in judged.changes],
        "cause_en": None,
        "cause_zh": None,
        "ambiguity": judged.ambiguity,
    }  # fmt: skip


def _transition(change: Change, phase_eids: Sequence[str]) -> dict[str, Any]:
    """The change and the two observations of the face on either side of it."""
    eids = list(phase_eids[change.index - 1 : change.index + 1])
    return {"t_s": change.t_s, "from_label": change.before, "to_label": change.after, "eids": eids}


def _open_label(label: LabelId, seen: Sequence[Seen], judged: Judgement) -> dict[str, Any]:
    return {
        "en": emotion_labels.adjective(label, "en"),
        "zh": emotion_labels.adjective(label, "zh"),
        "canon": label,
        "p": judged.dist.get(label, 0.0),
        "eids": [s.eid for s in seen if label in s.supports],
    }


def _main_track(features: Features) -> str | None:
    return features.faces[0].track_id if features.faces else None


def _provenance(features: Features) -> dict[str, Any]:
    return {
        "tier": "cue",
        "annotator": "cues",
        "model": VERSION,
        "revision": revision(),
        "prompt_ids": [],
        "prompt_sha256": None,
        "schema_sha256": None,
        "sampling": Sampling().model_dump(mode="json"),
        "audio_given": features.has_audio,
        "subtitle_given": features.has_speech,
        "tokens_in": 0,
        "tokens_out": 0,
        "attempts": 1,
        "parse": "ok",
        "senses": Senses().model_dump(mode="json"),
    }
