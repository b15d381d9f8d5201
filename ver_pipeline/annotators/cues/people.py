"""The people of a clip, from what was measured: faces that are followed, voices that take turns, and which are one.

A voice and a face are one person where the face is seen to speak while the voice is heard.  What each person seems to
feel rests on that person's own cues: a line that somebody else says is no cue of a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ver_pipeline.annotators.cues.decide import judge
from ver_pipeline.annotators.cues.features import FaceFeature, Features, read_features
from ver_pipeline.annotators.cues.labeling_sources import LabelVote, face_vote, shape_vote, words_vote

VERSION = "people/1"
LINK_S, LINK_SHARE = 0.4, 0.5
"""A face and a voice are one person where the face speaks for so long while the voice is heard, and for such a share of
the time in which it could be seen to."""
LISTENS_S = 0.5
"""Who is in view for so long while somebody else speaks listens, unless the face is small or seen in passing."""
SMALL_FACE, PASSING = 0.08, 0.2
"""Height of a face as a share of the frame, and share of the clip: below either it is a bystander's."""

Spans = Sequence[tuple[float, float]]


@dataclass(slots=True)
class _Person:
    tracks: list[Mapping[str, Any]] = field(default_factory=list)
    speaker: str | None = None
    turns: list[int] = field(default_factory=list)
    role: str = "unknown"
    speaking_s: float = 0.0

    @property
    def begins_s(self) -> float:
        return min((float(track["start_s"]) for track in self.tracks), default=float("inf"))


def people_of(
    clip: Mapping[str, Any], speech: Mapping[str, Any], measured: Mapping[str, Any], emotion: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """``record.Person`` for everybody seen or heard: faces by when they come into view, then voices without a face.

    Args:
        emotion: the clip's, which says who its subject is.
    """
    tracks, turns = measured["faces"].get("tracks", ()), speech.get("turns")
    people = _join(tracks, turns or ())
    known = {person.speaker for person in people if person.speaker}
    decision = (measured["faces"].get("voice_on_screen") or {}).get("decision", "unknown")
    unseen = not tracks or decision in ("off", "mixed")
    for name in _names(turns or ()):
        if name not in known:
            people.append(_Person(speaker=name, role="offscreen_voice" if unseen else "unknown"))
    if turns is None and speech.get("present") and unseen and decision != "mixed":
        spoken = _Person(role="offscreen_voice", speaking_s=float(speech.get("speech_s") or 0.0))
        people.append(spoken)
    for person in people:
        _tell(person, clip, speech, turns or ())
    subject = _subject(people, emotion)
    features = read_features(clip, speech, measured)
    return [_record(person, n, person is subject, clip, turns or (), features) for n, person in enumerate(people, 1)]


def _join(tracks: Sequence[Mapping[str, Any]], turns: Sequence[Mapping[str, Any]]) -> list[_Person]:
    """One person a face track, but one for all tracks that speak with the same voice and are never seen at once."""
    links = []
    for name in _names(turns):
        said = [(float(t["start_s"]), float(t["end_s"])) for t in turns if t["speaker"] == name]
        for track in tracks:
            shared = _overlap(said, _speaking(track))
            in_view = _overlap(said, [(float(track["start_s"]), float(track["end_s"]))])
            if shared >= LINK_S and shared >= LINK_SHARE * in_view:
                links.append((-shared, str(track["track_id"]), name))
    voice_of: dict[str, str] = {}
    by_id = {str(track["track_id"]): track for track in tracks}
    for _, track_id, name in sorted(links):
        others = [by_id[other] for other, voice in voice_of.items() if voice == name]
        if track_id not in voice_of and not any(_at_once(by_id[track_id], other) for other in others):
            voice_of[track_id] = name
    people: list[_Person] = []
    for track in sorted(tracks, key=lambda t: (float(t["start_s"]), str(t["track_id"]))):
        name_ = voice_of.get(str(track["track_id"]))
        same = next((person for person in people if name_ and person.speaker == name_), None)
        if same is not None:
            same.tracks.append(track)
        else:
            people.append(_Person([track], name_))
    return people


def _tell(
    person: _Person, clip: Mapping[str, Any], speech: Mapping[str, Any], turns: Sequence[Mapping[str, Any]]
) -> None:
    """Fill in turns, how long the person speaks, and the role."""
    if person.speaker:
        person.turns = [i for i, turn in enumerate(turns) if turn["speaker"] == person.speaker]
        person.speaking_s = sum(float(turns[i]["end_s"]) - float(turns[i]["start_s"]) for i in person.turns)
    if not person.tracks:
        return
    spoken = [span for track in person.tracks for span in _speaking(track)]
    if person.speaker or spoken:
        person.role = "speaker"
        person.speaking_s = person.speaking_s or sum(b - a for a, b in spoken)
        return
    if not speech.get("present"):
        person.role = "bystander"
        return
    if any((track.get("speaking") or {}).get("score") is None for track in person.tracks):
        return
    in_view = [(float(track["start_s"]), float(track["end_s"])) for track in person.tracks]
    heard = [(float(s["start_s"]), float(s["end_s"])) for s in (turns or speech.get("segments", ()))]
    height = max(float(track["mean_box"][3]) for track in person.tracks)
    passing = _onscreen_share(person, clip) < PASSING
    listens = _overlap(heard, in_view) >= LISTENS_S and height >= SMALL_FACE and not passing
    person.role = "listener" if listens else "bystander"


def _subject(people: Sequence[_Person], emotion: Mapping[str, Any]) -> _Person | None:
    """Whom the clip's emotion is about: the face that it names, else, where it is the speaker's, who speaks longest."""
    track_id = emotion.get("subject_track_id")
    if track_id is not None:
        return next((p for p in people if any(track["track_id"] == track_id for track in p.tracks)), None)
    if emotion.get("subject") != "speaker":
        return None
    return max((p for p in people if p.speaking_s > 0), key=lambda p: p.speaking_s, default=None)


def _record(
    person: _Person,
    number: int,
    is_subject: bool,
    clip: Mapping[str, Any],
    turns: Sequence[Mapping[str, Any]],
    features: Features,
) -> dict[str, Any]:
    own = {str(track["track_id"]) for track in person.tracks}
    emotions = [e for face in features.faces if face.track_id in own for e in _of_face(face, features)]
    emotions += [e for i in person.turns for e in _of_turn(turns[i], features)]
    return {
        "person_id": f"P{number}",
        "track_ids": [str(track["track_id"]) for track in person.tracks],
        "speaker": person.speaker,
        "role": person.role,
        "onscreen_share": round(_onscreen_share(person, clip), 4),
        "speaking_s": round(person.speaking_s, 3),
        "turns": person.turns,
        "is_subject": is_subject,
        "emotions": sorted(emotions, key=lambda e: (e["start_s"], e["end_s"], e["sources"])),
    }


def _of_face(face: FaceFeature, features: Features) -> list[dict[str, Any]]:
    """What a face seems to show, phase by phase."""
    emotions = []
    for phase in face.phases:
        alone = replace(features, faces=(replace(face, phases=(phase,)),), voice=None, has_speech=False)
        votes = [vote for vote in (face_vote(alone), shape_vote(alone)) if vote is not None]
        emotions.append(_emotion(alone, votes, phase.start_s, phase.end_s))
    return emotions


def _of_turn(turn: Mapping[str, Any], features: Features) -> list[dict[str, Any]]:
    """What the words of a turn tell of who says them; nothing where they tell nothing."""
    alone = replace(features, faces=(), voice=None, has_speech=True)
    vote = words_vote(alone, {"present": True, "text": turn["text"]}, {"sentiment": None}) if turn["text"] else None
    if vote is None:
        return []
    return [_emotion(alone, [vote], float(turn["start_s"]), float(turn["end_s"]))]


def _emotion(features: Features, votes: Sequence[LabelVote], start_s: float, end_s: float) -> dict[str, Any]:
    judged = judge(features, votes)
    return {
        "start_s": round(start_s, 3),
        "end_s": round(max(start_s, end_s), 3),
        "label": judged.primary,
        "valence": judged.valence,
        "arousal": judged.arousal,
        "intensity": judged.intensity,
        "confidence": judged.confidence,
        "sources": [vote.voter for vote in votes],
    }


def _onscreen_share(person: _Person, clip: Mapping[str, Any]) -> float:
    seen_s = sum(float(track["end_s"]) - float(track["start_s"]) for track in person.tracks)
    return min(1.0, seen_s / float(clip["duration_s"]))


def _names(turns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The voices in order of first appearance."""
    return list(dict.fromkeys(turn["speaker"] for turn in turns if turn["speaker"] is not None))


def _speaking(track: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(float(s["start_s"]), float(s["end_s"])) for s in (track.get("speaking") or {}).get("spans", ())]


def _at_once(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return bool(left["start_s"] < right["end_s"] and right["start_s"] < left["end_s"])


def _overlap(left: Spans, right: Spans) -> float:
    """For how long both are true, in seconds; the spans of one side do not overlap each other."""
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in left for c, d in right)
