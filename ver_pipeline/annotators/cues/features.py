"""What the measurements say, in words a person would use: levels instead of numbers.

Both the cues annotator and the prompts read the measurements through this file, so that a teacher is
told the same facts that the cues are written from.  Every threshold is a judgement, set by hand from
ordinary speech and video, not fitted to labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ver_pipeline.annotators.cues.face_geometry import PhaseShape, read_shape

Level = Literal["low", "mid", "high"]

LOUD_DB, SOFT_DB = -16.0, -31.0  # dBFS over the clip
FAST_SYLL_S, SLOW_SYLL_S = 5.5, 2.8
LIVELY_ST, FLAT_ST = 4.0, 1.6  # standard deviation of pitch, semitones
PAUSED, FLUENT = 0.4, 0.1  # share of the clip that is pause
DARK, BRIGHT = 0.2, 0.7
STILL, BUSY = 0.01, 0.08  # mean absolute luma change
MIN_PHASE_S = 0.8
ASIDE = 0.3
"""Share of its prominence that a face at the very edge of the frame loses."""
STILL_FACE = 0.05
"""Factor on the prominence of a face that never moves: a painting or a photograph comes after any living face."""
SPEAKER = 1.5
"""Factor on the prominence of a face that speaks."""
PHASE_LEAD = 0.15
"""How far a new expression's score must lead before the face counts as changed."""
STRONG_P = 0.6
"""A look of another expression that scores so much is told, however short it is."""
BRIEF_GAP_S = 0.6
"""Strong looks of one expression that are no further apart are one moment."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A short stretch inside a phase in which the face clearly shows another expression."""

    start_s: float
    end_s: float
    expression: str
    n_looks: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch in which one face mostly shows one expression.

    Attributes:
        scores: the mean over its looks.
        n_looks: how many looks at the face it holds.
        n_agreeing: how many of them show ``expression`` more than any other: what is said of all of the time must hold
            of all of them.
        shape: what its shape measures then, None where it was not measured.
        moments: where another expression is clearly shown for a moment, in order of time.
    """

    start_s: float
    end_s: float
    expression: str
    scores: Mapping[str, float]
    n_looks: int
    n_agreeing: int = 0
    moments: tuple[Moment, ...] = ()
    shape: PhaseShape | None = None

    @property
    def is_unanimous(self) -> bool:
        """No look contradicts."""
        return self.n_agreeing == self.n_looks

    @property
    def only_looks_down(self) -> bool:
        """The network reads sadness where the face merely looks down: nothing else of it is drawn down."""
        shape = self.shape
        return self.expression == "sadness" and shape is not None and shape.looks_down and not shape.drawn_down

    @property
    def look(self) -> str:
        """What the face is told to look like: its expression, or ``down``."""
        return "down" if self.only_looks_down else self.expression


@dataclass(frozen=True, slots=True)
class FaceFeature:
    """One face: where it is, how large, and its phases in order of time."""

    track_id: str
    start_s: float
    end_s: float
    place: Literal["left", "centre", "right"]
    size: Literal["small", "medium", "large"]
    conf: float
    presence: float
    phases: tuple[Phase, ...]
    speaks: bool = False


@dataclass(frozen=True, slots=True)
class VoiceFeature:
    """How the speech sounds; a level is None where it could not be measured."""

    loudness: Level
    rate: Level | None
    pitch: Level | None
    pauses: Level


@dataclass(frozen=True, slots=True)
class Features:
    """All levels of one clip.  ``voice`` is None without speech or without audio; ``silent``: the video has no audio,
    so its speech was read from subtitles."""

    duration_s: float
    n_shots: int
    light: Level
    motion: Level
    black_frac: float
    faces: tuple[FaceFeature, ...]
    n_faces: int
    max_faces: int
    has_audio: bool
    has_speech: bool
    voice: VoiceFeature | None
    background: Level | Literal["silent"] | None
    silent: bool = False
    voice_off: bool = False
    """Somebody is heard whom no face on the screen speaks for (``measured.faces.voice_on_screen``)."""


def read_features(clip: Mapping[str, Any], speech: Mapping[str, Any], measured: Mapping[str, Any]) -> Features:
    """Read the measurements of one clip.  Faces come in order of prominence, most prominent first: the subject.

    Prominent is who is large, near the middle, seen long and surely, who speaks, and who moves at all (``presence``).
    """
    faces, picture, voice = measured["faces"], measured["picture"], measured.get("voice")
    has_speech = bool(speech.get("present")) and bool(str(speech.get("text") or "").strip())
    features = sorted((_face(track) for track in faces.get("tracks", ())), key=lambda f: (-f.presence, f.track_id))
    return Features(
        duration_s=float(clip["duration_s"]),
        n_shots=int(clip.get("n_shots", 1)),
        light=level(float(picture["brightness"]), DARK, BRIGHT),
        motion=level(float(picture["motion_mean"]), STILL, BUSY),
        black_frac=float(picture["black_frac"]),
        faces=tuple(features),
        n_faces=int(faces["n_tracks"]),
        max_faces=int(faces["max_simultaneous"]),
        has_audio=voice is not None,
        has_speech=has_speech,
        voice=_voice(voice) if voice is not None and has_speech else None,
        background=_background(voice) if voice is not None and not has_speech else None,
        silent=not clip.get("has_audio", voice is not None),
        voice_off=bool(features) and (faces.get("voice_on_screen") or {}).get("decision") == "off",
    )


def telling(phases: Sequence[Phase], most: int) -> tuple[Phase, ...]:
    """The phases that tell most, at most so many, in order of time: a long or strong expression before a short rest."""

    def weight(phase: Phase) -> tuple[float, float]:
        felt = 1.0 - phase.scores.get("neutral", 0.0)
        return ((phase.end_s - phase.start_s + 0.5) * (0.25 + felt), -phase.start_s)

    chosen = sorted(phases, key=weight, reverse=True)[:most]
    return tuple(sorted(chosen, key=lambda phase: phase.start_s))


def level(value: float, low: float, high: float) -> Level:
    """``low`` at or below the lower bound, ``high`` at or above the upper one."""
    return "low" if value <= low else ("high" if value >= high else "mid")


def mean_scores(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of several score tables, normalised to sum 1; empty where there is nothing."""
    total: dict[str, float] = {}
    for row in rows:
        for name, score in row.items():
            total[name] = total.get(name, 0.0) + float(score)
    whole = sum(total.values())
    return {name: score / whole for name, score in sorted(total.items())} if whole > 0 else {}


def _face(track: Mapping[str, Any]) -> FaceFeature:
    x, _, width, height = track["mean_box"]
    centre = x + width / 2
    looks = [box for box in track["boxes"] if box.get("expression")]
    span = float(track["end_s"]) - float(track["start_s"])
    speaks = bool((track.get("speaking") or {}).get("spans"))
    still = bool((track.get("shape") or {}).get("still"))
    aside = min(1.0, 2 * abs(centre - 0.5))
    presence = float(track["mean_conf"]) * (width * height) ** 0.5 * (span + 0.5)
    return FaceFeature(
        track_id=track["track_id"],
        start_s=float(track["start_s"]),
        end_s=float(track["end_s"]),
        place="left" if centre < 0.38 else ("right" if centre > 0.62 else "centre"),
        size="large" if height >= 0.45 else ("small" if height < 0.15 else "medium"),
        conf=float(track["mean_conf"]),
        presence=presence * (1 - ASIDE * aside) * (SPEAKER if speaks else 1.0) * (STILL_FACE if still else 1.0),
        phases=_phases(looks, track),
        speaks=speaks,
    )


def _phases(looks: Sequence[Mapping[str, Any]], track: Mapping[str, Any]) -> tuple[Phase, ...]:
    """Split the looks at a face where its leading expression changes and stays changed.

    Scores are smoothed over three looks, so a single odd frame starts no phase; phases shorter than
    ``MIN_PHASE_S`` or seen once only are joined to their neighbour.
    """
    if not looks:
        scores = mean_scores([track["expression"]]) if track.get("expression") else {}
        if not scores:
            return ()
        name = max(scores, key=lambda n: (scores[n], n))
        start_s, end_s = float(track["start_s"]), float(track["end_s"])
        return (Phase(start_s, end_s, name, scores, 1, 1, shape=read_shape(track, start_s, end_s)),)
    looks = sorted(looks, key=lambda look: look["t_s"])
    leaders: list[str] = []
    for i in range(len(looks)):
        smooth = mean_scores([look["expression"] for look in looks[max(0, i - 1) : i + 2]])
        best = max(smooth, key=lambda n: (smooth[n], n))
        if leaders and best != leaders[-1] and smooth[best] - smooth.get(leaders[-1], 0.0) < PHASE_LEAD:
            best = leaders[-1]
        leaders.append(best)
    return _join(looks, leaders, track)


def _join(looks: Sequence[Mapping[str, Any]], leaders: Sequence[str], track: Mapping[str, Any]) -> tuple[Phase, ...]:
    """Runs of equal leaders, the short ones merged into the run before (or after, at the start)."""
    runs: list[tuple[str, list[Mapping[str, Any]]]] = []
    for leader, look in zip(leaders, looks, strict=True):
        if runs and runs[-1][0] == leader:
            runs[-1][1].append(look)
        else:
            runs.append((leader, [look]))
    runs_kept: list[tuple[str, list[Mapping[str, Any]]]] = []
    for leader, members in runs:
        short = len(members) < 2 or members[-1]["t_s"] - members[0]["t_s"] < MIN_PHASE_S
        if runs_kept and (short or runs_kept[-1][0] == leader):
            runs_kept[-1][1].extend(members)
        else:
            runs_kept.append((leader, list(members)))
    if len(runs_kept) > 1 and (
        len(runs_kept[0][1]) < 2 or runs_kept[0][1][-1]["t_s"] - runs_kept[0][1][0]["t_s"] < MIN_PHASE_S
    ):
        first = runs_kept.pop(0)
        runs_kept[0] = (runs_kept[0][0], first[1] + runs_kept[0][1])
    return tuple(_phase(name, members, track) for name, members in runs_kept)


def _phase(expression: str, looks: Sequence[Mapping[str, Any]], track: Mapping[str, Any]) -> Phase:
    leading = [_leading(look["expression"]) for look in looks]
    moments: list[Moment] = []
    for look, (name, p) in zip(looks, leading, strict=True):
        at = float(look["t_s"])
        if name == expression or p < STRONG_P:
            continue
        if moments and moments[-1].expression == name and at - moments[-1].end_s <= BRIEF_GAP_S:
            moments[-1] = replace(moments[-1], end_s=at, n_looks=moments[-1].n_looks + 1)
        else:
            moments.append(Moment(at, at, name, 1))
    start_s, end_s = float(looks[0]["t_s"]), float(looks[-1]["t_s"])
    return Phase(
        start_s=start_s,
        end_s=end_s,
        expression=expression,
        scores=mean_scores([look["expression"] for look in looks]),
        n_looks=len(looks),
        n_agreeing=sum(name == expression for name, _ in leading),
        moments=tuple(moments),
        shape=read_shape(track, start_s, end_s),
    )


def _leading(scores: Mapping[str, float]) -> tuple[str, float]:
    """The expression with the highest score, and its share of all."""
    shares = mean_scores([scores])
    name = max(shares, key=lambda n: (shares[n], n))
    return name, shares[name]


def _voice(voice: Mapping[str, Any]) -> VoiceFeature:
    rate, spread = voice.get("rate_syll_s"), voice.get("f0_sd_st")
    return VoiceFeature(
        loudness=level(float(voice["loudness_db"]), SOFT_DB, LOUD_DB),
        rate=None if rate is None else level(float(rate), SLOW_SYLL_S, FAST_SYLL_S),
        pitch=None if spread is None else level(float(spread), FLAT_ST, LIVELY_ST),
        pauses=level(float(voice["pause_frac"]), FLUENT, PAUSED),
    )


def _background(voice: Mapping[str, Any]) -> Level | Literal["silent"]:
    if float(voice["silence_frac"]) >= 0.95:
        return "silent"
    return level(float(voice["loudness_db"]), SOFT_DB, LOUD_DB)
