"""The measured facts and the transcript as a model is told them: short, exact, and delimited as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.cues.compose import observe, wording_of
from ver_pipeline.annotators.cues.features import Features, read_features
from ver_pipeline.annotators.cues.labeling_sources import label_votes, word_features
from ver_pipeline.annotators.cues.people import people_of

MAX_TRANSCRIPT = 4000
MAX_NEIGHBOUR = 1000
MAX_FACES = 6
NO_SPEECH = {"en": "(nothing is said in this clip)", "zh": "（片段中无人说话）"}
NO_NEIGHBOURS = {"en": "(nothing is known of the speech around this clip)", "zh": "（不知道片段前后说了什么）"}
CUT = {"en": "the transcript is longer and was cut here", "zh": "转写文本较长，此处截断"}


def data_block(value: Any) -> str:
    """A value as JSON between marks that its own text cannot forge.

    The mark's name is a hash of the content and ``<`` is escaped inside, so no transcript can close the
    block; the same content gives the same block everywhere.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).replace("<", "\\u003c")
    name = "data-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"<{name}>\n{text}\n</{name}>"


def facts_block(request: Request) -> str:
    """What was measured of frame, faces and audio."""
    features = read_features(request.clip, request.speech, request.measured)
    facts: dict[str, Any] = {
        "duration_s": features.duration_s,
        "shots": features.n_shots,
        "light": features.light,
        "movement": features.motion,
        "black_share": features.black_frac,
        "faces_at_once": features.max_faces,
        "faces": [_face(face) for face in features.faces[:MAX_FACES]],
        "has_sound": features.has_audio,
    }
    people = people_of(request.clip, request.speech, request.measured, {})
    if len(people) > 1 or any(person["role"] == "offscreen_voice" for person in people):
        facts["people"] = [_person(person, features) for person in people[:MAX_FACES]]
    on_screen = request.measured["faces"].get("voice_on_screen")
    if on_screen:
        facts["voice_on_screen"] = on_screen["decision"]
    audio = measured_audio(request)
    if audio is not None:
        facts["a1"] = {"text_en": audio["text_en"], "text_zh": audio["text_zh"]}
    return data_block(facts)


def _person(person: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """One person: where their face is, and whether and with which voice they speak."""
    places = [face.place for face in features.faces if face.track_id in person["track_ids"]]
    return {
        "id": person["person_id"],
        "role": person["role"],
        "face": places[0] if places else "not in view",
        "on_screen_share": person["onscreen_share"],
        "voice": person["speaker"],
        "speaks_s": person["speaking_s"],
    }


def transcript_block(request: Request, language: str) -> str:
    """What is said, with times; a fixed sentence where nothing is.  Very long speech is cut, and says so."""
    speech = request.speech
    if not speech.get("present") or not str(speech.get("text") or "").strip():
        return NO_SPEECH[language]
    lines: list[dict[str, Any]] = []
    left = MAX_TRANSCRIPT
    for segment in speech.get("segments") or ({"start_s": None, "end_s": None, "text": speech["text"]},):
        lines.append({"start_s": segment["start_s"], "end_s": segment["end_s"], "text": segment["text"][:left]})
        left -= len(segment["text"])
        if left <= 0:
            lines.append({"note": CUT[language]})
            break
    transcript = {"language": speech.get("language", "und"), "segments": lines}
    return data_block({**transcript, "turns": turns} if (turns := _turns(speech)) else transcript)


def _turns(speech: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who speaks when, where voices were told apart and there is more than one of them; the words stand above."""
    turns = speech.get("turns") or ()
    if len({turn["speaker"] for turn in turns}) < 2:
        return []
    return [
        {"speaker": t["speaker"] or "?", "from_s": t["start_s"], "to_s": t["end_s"], "says": t["text"]} for t in turns
    ]


def neighbours_block(request: Request, language: str, title: bool = False) -> str:
    """What is said just before and just after the clip, each cut at the far end; the title only if asked for."""
    if not has_neighbours(request) or request.context is None:
        return NO_NEIGHBOURS[language]
    before, after = request.context.get("before") or "", request.context.get("after") or ""
    neighbours = {"said_before": before[-MAX_NEIGHBOUR:] or None, "said_after": after[:MAX_NEIGHBOUR] or None}
    return data_block({**neighbours, "title": request.context.get("title")} if title else neighbours)


def has_neighbours(request: Request) -> bool:
    """Something is known to be said before or after the clip."""
    context = request.context or {}
    return any(str(context.get(side) or "").strip() for side in ("before", "after"))


def evidence_block(observations: Sequence[Mapping[str, Any]]) -> str:
    """Observations as data for the prompts that see nothing else."""
    names = ("eid", "modality", "start_s", "end_s", "quote", "text_en", "text_zh", "supports")
    return data_block([{name: seen.get(name) for name in names} for seen in observations])


def measured_audio(request: Request) -> dict[str, Any] | None:
    """The acoustic observation ``a1``, written from the measured voice; None without audio."""
    features: Features = read_features(request.clip, request.speech, request.measured)
    if not features.has_audio:
        return None
    words = word_features(request.speech, request.measured) if features.has_speech else ()
    cast = label_votes(features, request.speech, request.measured)
    say = wording_of(features)
    seen = observe(say, features, request.speech, request.measured, cast, words)
    return next((s.to_dict() for s in seen if s.modality == "acoustic"), None)


def _face(face: Any) -> dict[str, Any]:
    return {
        **({"speaks": True} if face.speaks else {}),
        "place": face.place,
        "size": face.size,
        "from_s": face.start_s,
        "to_s": face.end_s,
        "expression_model_says": [
            {"from_s": p.start_s, "to_s": p.end_s, "scores": {k: round(v, 2) for k, v in p.scores.items() if v >= 0.05}}
            for p in face.phases[:4]
        ],
    }
